"""The types of `onfit.optimizers.schedules`, under its second name."""

from onfit.optimizers.schedules import *
