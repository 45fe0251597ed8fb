"""`onfit.initializers`, for tools that read code; Python itself gets that module."""

from onfit.initializers import *
