"""Writing models to files and reading them back, in the HDF5 layout of Keras.

    save.py, load.py     the verbs
      architecture.py    layers      <-> configuration
      training.py        loss, metrics, optimizer <-> configuration
      values.py          one function or object   <-> what JSON can hold
      state.py           weights and optimizer slots <-> arrays
    layout.py            where all of that stands in the file
    weights_layout.py    the other layout Keras has, for `.weights.h5`
    files.py             opening a file, and putting a new one in the place of the old

`load_model` is in `load.py` and not offered here: it makes a Sequential, and models import
this package.
"""

from onfit.engine.saving.architecture import model_config, model_from_config
from onfit.engine.saving.files import require_suffix
from onfit.engine.saving.load import load_weights
from onfit.engine.saving.save import save_model, save_weights

__all__ = [
    "load_weights",
    "model_config",
    "model_from_config",
    "require_suffix",
    "save_model",
    "save_weights",
]
