"""The types of `onfit.layers`, under its second name."""

from onfit.layers import *
