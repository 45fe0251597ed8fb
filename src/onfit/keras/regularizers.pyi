"""The types of `onfit.regularizers`, under its second name."""

from onfit.regularizers import *
