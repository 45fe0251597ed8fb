"""The types of `onfit.datasets.mnist`, under its second name."""

from onfit.datasets.mnist import *
