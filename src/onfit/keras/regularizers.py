"""`onfit.regularizers`, for tools that read code; Python itself gets that module."""

from onfit.regularizers import *
