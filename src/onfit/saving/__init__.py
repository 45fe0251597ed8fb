"""Writing models to files and reading them back.

    save.py, snapshot.py, load.py   the verbs
      capture.py         a model            -> contents
      state.py           contents           -> weights and optimizer slots in their place
      architecture.py    layers            <-> configuration
      training.py        loss, metrics, optimizer <-> configuration
      values.py          one function or object   <-> what JSON can hold
    contents.py          what there is to write, and what was read
    names.py             how a model's weights are called in files
    formats/             contents <-> a file: one module for each format, and the table of suffixes
      layout.py, keras_config.py    where all of that stands in .h5 and .keras files
    files.py             reading a file, and putting a new one in the place of the old

`load_model` is in `load.py` and not offered here: it makes a Sequential, and models import
this package.
"""

from onfit.saving.architecture import model_config, model_from_config
from onfit.saving.graph_config import graph_config
from onfit.saving.load import load_weights, read_notes
from onfit.saving.save import check_filepath, save_model, save_weights
from onfit.saving.snapshot import Snapshot

__all__ = [
    "Snapshot",
    "check_filepath",
    "graph_config",
    "load_weights",
    "model_config",
    "model_from_config",
    "read_notes",
    "save_model",
    "save_weights",
]
