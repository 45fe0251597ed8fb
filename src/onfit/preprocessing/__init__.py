"""Data made ready for training, under Keras' names."""

from typing import TYPE_CHECKING

from onfit.errors import refusal_of_names
from onfit.preprocessing import sequence

__all__ = ["sequence"]


if not TYPE_CHECKING:  # whose reader knows the names from above, and should miss all others
    __getattr__ = refusal_of_names(__name__, __all__)
