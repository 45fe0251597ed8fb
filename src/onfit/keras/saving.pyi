"""The types of `onfit.saving`, under its second name."""

from onfit.saving import *
