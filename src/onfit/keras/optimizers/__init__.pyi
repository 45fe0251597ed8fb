"""The types of `onfit.optimizers`, under its second name."""

from onfit.optimizers import *
