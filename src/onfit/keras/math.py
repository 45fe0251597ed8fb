"""`onfit.math`, for tools that read code; Python itself gets that module."""

from onfit.math import *
