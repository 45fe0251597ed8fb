"""The types of `onfit.preprocessing.sequence`, under its second name."""

from onfit.preprocessing.sequence import *
