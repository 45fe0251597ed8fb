"""The types of `onfit.losses`, under its second name."""

from onfit.losses import *
