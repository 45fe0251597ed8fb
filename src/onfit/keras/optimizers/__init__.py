"""`onfit.optimizers`, for tools that read code; Python itself gets that module."""

from onfit.optimizers import *
