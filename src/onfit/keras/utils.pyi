"""The types of `onfit.utils`, under its second name."""

from onfit.utils import *
