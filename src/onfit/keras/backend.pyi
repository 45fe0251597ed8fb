"""The types of `onfit.backend`, under its second name."""

from onfit.backend import *
