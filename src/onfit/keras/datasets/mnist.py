"""`onfit.datasets.mnist`, for tools that read code; Python itself gets that module."""

from onfit.datasets.mnist import *
