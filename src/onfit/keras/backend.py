"""`onfit.backend`, for tools that read code; Python itself gets that module."""

from onfit.backend import *
