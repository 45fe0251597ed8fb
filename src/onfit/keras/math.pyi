"""The types of `onfit.math`, under its second name."""

from onfit.math import *
