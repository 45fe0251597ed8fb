"""`load_weights` and `read_notes`: what a model reads from files once it is made."""

import os
from typing import TYPE_CHECKING, Any

from onfit._arguments import check_flags
from onfit._types import StrPath
from onfit.engine.model.weights import load_extra_states
from onfit.errors import FileFormatError
from onfit.saving.beside import own_of
from onfit.saving.fitting import fitting, put_all
from onfit.saving.formats import format_of
from onfit.saving.partly import partly_fitting
from onfit.storage.foreign import read_json

if TYPE_CHECKING:
    from onfit.engine.model.model import Model

# An error shows at most so much of what should be notes.
_SHOWN = 200


def load_weights(
    model: "Model", filepath: StrPath, by_name: bool = False, skip_mismatch: bool = False
) -> None:
    """Read the weights of a file that `save` or `save_weights`, of onfit or of Keras, wrote.

    Layers are matched by name if the names of all are the same, else by order. Those of a
    `.safetensors` or of a state dict (`.pt`) are matched by name alone, and those of a
    `.weights.h5` or `.keras` by kind and number.

    All of the file is checked and converted before the first weight is changed.

    Args:
        model: a built model.
        filepath: the file: `.h5`, `.hdf5`, `.weights.h5`, `.keras`, `.safetensors`,
            or a state dict of torch, `.pt`, `.pth` or `.ckpt`. Nothing but tensors is unpickled.
        by_name: read those layers alone whose names the model has, too. Not for `.weights.h5` and
            `.keras`, which have no names of layers.
        skip_mismatch: leave out what does not fit, and warn of it, instead of raising an error.

    Raises:
        ArgumentError: for a name with another suffix, or one that has no layers by name.
        StorageError: if there is no such file.
        FileFormatError: if it is damaged or its weights do not fit; nothing is changed then.
        MissingPackageError: if reading it needs a library that is not installed.
    """
    form = format_of(filepath, "load_weights")
    check_flags("load_weights", by_name=by_name, skip_mismatch=skip_mismatch)
    asked = f"load_weights({os.fspath(filepath)!r})"
    with form.opened(os.fspath(filepath), "load_weights") as found:
        if by_name or skip_mismatch:
            pairs = partly_fitting(model, found, asked, by_name, skip_mismatch)
        else:
            pairs = fitting(model, found, asked)
        extra = own_of(found).get("extra_states", {})
        put_all(pairs, found, asked)
        load_extra_states(model._inside, extra)


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
    text = kind.read_notes(path, "read_notes") or "{}"
    try:
        notes = read_json(text, "notes")
    except ValueError:
        notes = None
    if not isinstance(notes, dict):
        raise FileFormatError(
            f"read_notes({path!r}): what stands where its notes should be is damaged: "
            f"{text[:_SHOWN]!r}. Save the file again."
        )
    return notes
