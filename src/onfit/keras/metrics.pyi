"""The types of `onfit.metrics`, under its second name."""

from onfit.metrics import *
