"""`onfit.ops`, for tools that read code; Python itself gets that module."""

from onfit.ops import *
