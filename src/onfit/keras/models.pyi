"""The types of `onfit.models`, under its second name."""

from onfit.models import *
