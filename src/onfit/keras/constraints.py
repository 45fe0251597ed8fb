"""`onfit.constraints`, for tools that read code; Python itself gets that module."""

from onfit.constraints import *
