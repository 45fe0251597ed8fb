"""`onfit.models`, for tools that read code; Python itself gets that module."""

from onfit.models import *
