"""`onfit.activations`, for tools that read code; Python itself gets that module."""

from onfit.activations import *
