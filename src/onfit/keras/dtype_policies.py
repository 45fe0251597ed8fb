"""`onfit.mixed_precision`, for tools that read code; Python itself gets that module."""

from onfit.mixed_precision import *
