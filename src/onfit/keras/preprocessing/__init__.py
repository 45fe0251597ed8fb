"""`onfit.preprocessing`, for tools that read code; Python itself gets that module."""

from onfit.keras.preprocessing import sequence as sequence
