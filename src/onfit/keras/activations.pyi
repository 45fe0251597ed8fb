"""The types of `onfit.activations`, under its second name."""

from onfit.activations import *
