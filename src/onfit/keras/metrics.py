"""`onfit.metrics`, for tools that read code; Python itself gets that module."""

from onfit.metrics import *
