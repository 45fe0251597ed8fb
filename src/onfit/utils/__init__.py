"""Small helpers, under Keras' names."""

from typing import TYPE_CHECKING

from onfit import _doors
from onfit.engine.data.sequences import Sequence
from onfit.errors import refusal_of_names
from onfit.preprocessing.sequence import pad_sequences
from onfit.registered import (
    CustomObjectScope,
    custom_object_scope,
    get_custom_objects,
    register_keras_serializable,
)
from onfit.utils import np_utils
from onfit.utils.interactive_logging import (
    disable_interactive_logging,
    enable_interactive_logging,
    is_interactive_logging_enabled,
)
from onfit.utils.np_utils import normalize, to_categorical
from onfit.utils.seeding import set_random_seed

PyDataset = Sequence  # Keras 3's name for it

__all__ = [
    "CustomObjectScope",
    "PyDataset",
    "Sequence",
    "custom_object_scope",
    "disable_interactive_logging",
    "enable_interactive_logging",
    "get_custom_objects",
    "is_interactive_logging_enabled",
    "normalize",
    "np_utils",
    "pad_sequences",
    "register_keras_serializable",
    "set_random_seed",
    "to_categorical",
]

if not TYPE_CHECKING:  # whose reader knows the names from above, and should miss all others
    __getattr__ = refusal_of_names(__name__, __all__)

# Keras 2's modules of these.
_doors.open_old_modules(__name__, ["data_utils", "generic_utils", "layer_utils", "vis_utils"])
