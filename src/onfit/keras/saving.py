"""`onfit.saving`, for tools that read code; Python itself gets that module."""

from onfit.saving import *
