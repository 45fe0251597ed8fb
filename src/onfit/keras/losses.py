"""`onfit.losses`, for tools that read code; Python itself gets that module."""

from onfit.losses import *
