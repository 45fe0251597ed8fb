"""`onfit.callbacks`, for tools that read code; Python itself gets that module."""

from onfit.callbacks import *
