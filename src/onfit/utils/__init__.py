"""Small helpers, under Keras' names."""

from typing import TYPE_CHECKING

from onfit.engine.data.sequences import Sequence
from onfit.errors import refusal_of_names
from onfit.utils import np_utils
from onfit.utils.interactive_logging import (
    disable_interactive_logging,
    enable_interactive_logging,
    is_interactive_logging_enabled,
)
from onfit.utils.np_utils import to_categorical
from onfit.utils.seeding import set_random_seed

PyDataset = Sequence  # Keras 3's name for it

__all__ = [
    "PyDataset",
    "Sequence",
    "disable_interactive_logging",
    "enable_interactive_logging",
    "is_interactive_logging_enabled",
    "np_utils",
    "set_random_seed",
    "to_categorical",
]


if not TYPE_CHECKING:  # whose reader knows the names from above, and should miss all others
    __getattr__ = refusal_of_names(__name__, __all__)
