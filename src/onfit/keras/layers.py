"""`onfit.layers`, for tools that read code; Python itself gets that module."""

from onfit.layers import *
