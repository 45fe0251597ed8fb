"""The types of `onfit.initializers`, under its second name."""

from onfit.initializers import *
