"""The types of `onfit.constraints`, under its second name."""

from onfit.constraints import *
