"""`save` and `save_weights`."""

import os
import warnings
from typing import TYPE_CHECKING

from onfit._types import StrPath
from onfit.engine.saving import layout, weights_layout
from onfit.engine.saving.architecture import can_be_described, model_config
from onfit.engine.saving.files import require_suffix, writing
from onfit.engine.saving.layout import Contents
from onfit.engine.saving.state import arrays_of, optimizer_arrays
from onfit.engine.saving.training import optimizer_config, training_config
from onfit.errors import OnfitWarning
from onfit.optimizers import TorchOptimizer

if TYPE_CHECKING:
    from onfit.engine.model import Model


def save_model(model: "Model", filepath: StrPath, overwrite: bool = True) -> None:
    """Write a whole model: layers, weights, what `compile` received, the optimizer's state.

    Keras opens the file with `keras.models.load_model` (with `compile=False` if the loss is one
    of torch's).

    - A model that is no plain `Sequential`, such as `Model(net)`, is made by code, which no file
      holds. Its weights and its optimizer are written; `load_weights` reads them back.
    - The state of a torch optimizer is not written. A Sequential saved with one comes back
      uncompiled, and a warning says so.

    Args:
        model: a built model.
        filepath: the file, `.h5` or `.hdf5`. It is replaced in one step: whatever happens on
            the way, the one that was there stays whole.
        overwrite: False refuses to replace a file.

    Raises:
        ArgumentError: for another suffix, or if a layer, a loss, a metric or an activation
            cannot be kept in a file: torch modules in a Sequential, functions without a name.
        StorageError: if the file cannot be written, or exists and `overwrite` is False.
    """
    require_suffix(filepath, "save")
    contents = _contents(model, str(filepath))  # all that can be refused is, before a file is made
    with writing(filepath, overwrite) as file:
        layout.write(file, contents)


def save_weights(model: "Model", filepath: StrPath, overwrite: bool = True) -> None:
    """Write the weights of a model alone.

    Arguments and errors are those of `save_model`. Keras reads the file with `load_weights`; one
    whose name ends in `.weights.h5` it expects in another layout, which is then there as well.
    """
    require_suffix(filepath, "save_weights")
    contents = Contents(arrays_of(model), name=model.name)
    with writing(filepath, overwrite) as file:
        layout.write_layers(file, contents)
        if os.fspath(filepath).endswith(weights_layout.SUFFIX) and can_be_described(model):
            weights_layout.add_links(file, model)


def _contents(model: "Model", path: str) -> Contents:
    described = can_be_described(model)
    contents = Contents(arrays_of(model), name=model.name)
    if described:
        contents.model_config = model_config(model)
    if model._compiled is None:
        return contents
    optimizer = model._compiled.optimizer
    owner = f"{model.described}.save"
    if isinstance(optimizer, TorchOptimizer):
        if described:
            _warn_of_torch_optimizer(model, path)
        return contents
    if described:
        contents.training_config = training_config(model._compiled, owner)
    else:
        # Its losses and metrics may be anything: nothing could be made of them without its code.
        contents.training_config = {"optimizer_config": optimizer_config(optimizer, owner)}
    contents.optimizer = optimizer_arrays(model, optimizer)
    return contents


def _warn_of_torch_optimizer(model: "Model", path: str) -> None:
    warnings.warn(
        f"{model.described}.save({path!r}): it is compiled with a torch optimizer, whose state an "
        "HDF5 file does not hold. load_model will give the model uncompiled; call compile on it, "
        "or use an onfit optimizer.",
        OnfitWarning,
        stacklevel=4,
    )
