"""`load_weights` and `read_notes`: what a model reads from files once it is made."""

import json
import os
from typing import TYPE_CHECKING, Any

from onfit._types import StrPath
from onfit.errors import FileFormatError
from onfit.saving.formats import format_of
from onfit.saving.state import put_in

if TYPE_CHECKING:
    from onfit.engine.model.model import Model


def load_weights(model: "Model", filepath: StrPath) -> None:
    """Read the weights of a file that `save` or `save_weights`, of onfit or of Keras, wrote.

    Layers are matched by name if the names of all are the same, else by order. Those of a
    `.safetensors` or of a state dict (`.pt`) are matched by name alone, and those of a
    `.weights.h5` or `.keras` by kind and number.

    Args:
        model: a built model.
        filepath: the file: `.h5`, `.hdf5`, `.weights.h5`, `.keras`, `.safetensors`,
            or a state dict of torch, `.pt`, `.pth` or `.ckpt`. Nothing but tensors is unpickled.

    Raises:
        ArgumentError: for a name with another suffix.
        StorageError: if there is no such file.
        FileFormatError: if it is damaged or its weights do not fit; nothing is changed then.
        MissingPackageError: if reading it needs a library that is not installed.
    """
    contents = format_of(filepath, "load_weights").read(os.fspath(filepath), "load_weights")
    put_in(model, contents, f"load_weights({os.fspath(filepath)!r})")


def read_notes(filepath: StrPath) -> dict[str, Any]:
    """The `notes=` that a file was saved with; none if it has none, or if there is no such file.

    Args:
        filepath: the file, of any suffix that `save` and `save_weights` know.

    Raises:
        ArgumentError: for another suffix.
        FileFormatError: if it is damaged.

    Example:
        >>> read_notes("there is none.h5")
        {}
    """
    kind = format_of(filepath, "read_notes")
    path = os.fspath(filepath)
    if not os.path.exists(path):
        return {}
    text = kind.read_notes(path, "read_notes")
    try:
        notes = json.loads(text or "{}")
    except ValueError:
        notes = None
    if not isinstance(notes, dict):
        raise FileFormatError(
            f"read_notes({path!r}): what stands where its notes should be is damaged: {text!r}. "
            "Save the file again."
        )
    return notes
