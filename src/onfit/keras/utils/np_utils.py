"""`onfit.utils.np_utils`, for tools that read code; Python itself gets that module."""

from onfit.utils.np_utils import *
