"""The types of `onfit.callbacks`, under its second name."""

from onfit.callbacks import *
