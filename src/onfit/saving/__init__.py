"""Writing models to files and reading them back.

    save.py, snapshot.py, load.py, read.py    the verbs
      capture.py         a model            -> contents
      fitting.py, partly.py   contents      -> weights in their place
      state.py           contents           -> optimizer slots in their place
      describe.py, describe_functional.py   layers -> configuration
      rebuild.py, rebuild_functional.py     configuration -> layers
      training.py        loss, metrics, optimizer <-> configuration
      torch_state.py     a torch optimizer with its state <-> plain data and tensors
      changes.py         what was changed of these in mid-training, for checkpoints
      values.py          one function or object   <-> what JSON can hold
    contents.py          what there is to write, and what was read
    names.py             the names of a model's weights in files
    keras_order.py       the order of a model's layers and weights in files
    formats/             contents <-> a file: one module for each format, and the table of suffixes
      layout.py, keras_config.py    where all of that stands in .h5 and .keras files
      hdf5.py            walks an HDF5 file from elsewhere
    beside.py            what other readers pass over: plain data in an HDF5 file
    files.py             reading a file, and putting a new one in the place of the old
    graph_config.py      a model's layers for TensorBoard's graph

Models import this package when they are saved. Only `rebuild.py` imports the classes of models.
"""

from typing import TYPE_CHECKING

from onfit.errors import refusal_of_names
from onfit.registered import (
    CustomObjectScope,
    custom_object_scope,
    get_custom_objects,
    register_keras_serializable,
)
from onfit.saving.changes import change_again, changes_in_training
from onfit.saving.describe import model_config
from onfit.saving.graph_config import graph_config
from onfit.saving.load import load_model
from onfit.saving.read import load_weights, read_notes
from onfit.saving.rebuild import model_from_config
from onfit.saving.save import check_filepath, save_model, save_weights
from onfit.saving.snapshot import Snapshot

__all__ = [
    "CustomObjectScope",
    "Snapshot",
    "change_again",
    "changes_in_training",
    "check_filepath",
    "custom_object_scope",
    "get_custom_objects",
    "graph_config",
    "load_model",
    "load_weights",
    "model_config",
    "model_from_config",
    "read_notes",
    "register_keras_serializable",
    "save_model",
    "save_weights",
]


if not TYPE_CHECKING:  # whose reader knows the names from above, and should miss all others
    __getattr__ = refusal_of_names(__name__, __all__)
