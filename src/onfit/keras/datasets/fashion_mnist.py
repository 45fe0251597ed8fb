"""`onfit.datasets.fashion_mnist`, for tools that read code; Python itself gets that module."""

from onfit.datasets.fashion_mnist import *
