"""The types of `onfit.datasets.fashion_mnist`, under its second name."""

from onfit.datasets.fashion_mnist import *
