"""`onfit.random`, for tools that read code; Python itself gets that module."""

from onfit.random import *
