"""Small helpers, under Keras' names."""

from onfit.engine.data.sequences import Sequence
from onfit.utils import np_utils
from onfit.utils.np_utils import to_categorical
from onfit.utils.seeding import set_random_seed

PyDataset = Sequence  # Keras 3's name for it

__all__ = ["PyDataset", "Sequence", "np_utils", "set_random_seed", "to_categorical"]
