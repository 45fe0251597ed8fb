"""`onfit.preprocessing.sequence`, for tools that read code; Python itself gets that module."""

from onfit.preprocessing.sequence import *
