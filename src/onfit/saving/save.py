"""`save`, `save_weights`, and a check beforehand that they will accept a name."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from onfit._types import StrPath
from onfit.core.processes import processes
from onfit.engine.agreeing import require_all
from onfit.saving.capture import require_describable, taken
from onfit.saving.describe import can_be_described
from onfit.saving.formats import Format, format_to_write
from onfit.saving.snapshot import write_contents

if TYPE_CHECKING:
    from onfit.engine.model.model import Model

Notes = Mapping[str, Any]


def save_model(
    model: "Model",
    filepath: StrPath,
    overwrite: bool = True,
    notes: Notes | None = None,
    include_optimizer: bool = True,
) -> None:
    """Write a whole model: layers, weights, what `compile` received, the optimizer's state.

    Keras opens the file with `keras.models.load_model` (with `compile=False` if the loss is one
    of torch's).

    - A model that is no plain `Sequential` or functional model, such as `Model(net)`, is made
      by code, which no file holds. A `.h5` has its weights and its optimizer; `load_weights`
      reads them back.
    - A torch optimizer and its state stand where Keras passes over them: Keras opens the file
      uncompiled. What of it could only be pickled is left out, and a warning says so.
    - What torch modules keep beside weights (`get_extra_state`) is written, if it is plain.

    Args:
        model: a built model.
        filepath: the file, `.keras`, `.h5` or `.hdf5`. It is replaced in one step: if anything
            goes wrong on the way, the old file stays whole.
        overwrite: False refuses to replace a file.
        notes: plain data for the file to carry; `read_notes` gives it back.
        include_optimizer: False leaves out the optimizer and what else `compile` received.

    Raises:
        ArgumentError: for another suffix, or if a layer, a loss, a metric or an activation
            cannot be kept in a file: torch modules in a Sequential, functions without a name.
        StorageError: if the file cannot be written, or exists and `overwrite` is False.
    """
    to = _format(model, filepath, "save")
    require_all(model, "save")
    asked = f"save({str(filepath)!r})"
    contents = taken(model, asked, False, _own, {to.naming}, with_training=include_optimizer)
    if _writes_here(model):
        write_contents(contents, to, filepath, overwrite, notes)


def save_weights(
    model: "Model", filepath: StrPath, overwrite: bool = True, notes: Notes | None = None
) -> None:
    """Write the weights of a model alone: as the suffix says.

    It is `.h5`, `.hdf5`, `.weights.h5`, `.safetensors`, or for a state dict `.pt`, `.pth`, `.ckpt`.
    Arguments and errors are those of `save_model`. Keras reads the file with `load_weights`;
    torch reads a `.safetensors` of `Model(net)` with `safetensors.torch.load_file`, for
    `net.load_state_dict`, and a `.pt` with `torch.load(path, weights_only=True)`.
    """
    to = _format(model, filepath, "save_weights")
    require_all(model, "save_weights")
    contents = taken(model, f"save_weights({str(filepath)!r})", True, _own, {to.naming})
    if _writes_here(model):
        write_contents(contents, to, filepath, overwrite, notes)


def check_filepath(model: "Model", filepath: StrPath, weights_only: bool = False) -> None:
    """Refuse what `save`, or `save_weights`, would refuse of this name; nothing is written.

    Raises:
        ArgumentError: if its suffix is not for this, or not for this kind of model.
        MissingPackageError: if writing that format needs a library that is not installed.
    """
    _format(model, filepath, "save_weights" if weights_only else "save")
    # `save` refuses more than the name. It does so now, before a training has spent an epoch.
    if not weights_only and model.built and can_be_described(model):
        require_describable(model)


def _format(model: "Model", filepath: StrPath, asked: str) -> Format:
    return format_to_write(filepath, asked, model.described, not can_be_described(model))


def _writes_here(model: "Model") -> bool:
    """Whether this process writes the file. Where each process has a piece of the weights, all of
    them call `save`, and the main one writes.
    """
    return not model.is_divided or processes().is_main


def _own(name: str, tensor: Any) -> Any:
    return tensor
