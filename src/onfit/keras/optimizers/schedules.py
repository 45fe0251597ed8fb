"""`onfit.optimizers.schedules`, for tools that read code; Python itself gets that module."""

from onfit.optimizers.schedules import *
