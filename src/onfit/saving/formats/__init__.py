"""What a file's name says about its format.

Each format is a module with three functions: `write(path, contents)`, `opened(path, asked)` and
`read_notes(path, asked)`. The table says what each format can hold, so that no module has to
refuse contents.
"""

import importlib
import os
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

from onfit._types import StrPath
from onfit.errors import ArgumentError, ArgumentTypeError
from onfit.saving.contents import Contents
from onfit.saving.formats import h5, keras_zip, safetensors_file, torch_file, weights_h5
from onfit.saving.names import Naming


@dataclass(frozen=True)
class Format:
    """The format that a suffix stands for.

    Attributes:
        suffix: how names of such files end.
        write: puts contents into a new file.
        opened: a block with the contents of one, whose weights can be read while it lasts.
        read_notes: gives the notes of one, as JSON; None if it has none.
        naming: how it names weights; `write` finds them in contents under names of that kind.
        whole: whether it holds whole models.
        weights: whether it holds weights alone.
        code: whether it holds anything of a model that only its own code can make.
        require: raises if a library that it needs is missing.
    """

    suffix: str
    write: Callable[[Path, Contents], None]
    opened: Callable[[str, str], AbstractContextManager[Contents]]
    read_notes: Callable[[str, str], str | None]
    naming: Naming
    whole: bool = True
    weights: bool = True
    code: bool = True
    require: Callable[[str], None] = lambda asked: None


def _load_h5py(asked: str) -> None:
    """Load it before training. A thread that writes a file must not be the first to do so: a
    process that is forked meanwhile could wait for ever.
    """
    importlib.import_module("h5py")


# The first of these whose suffix a name ends with is its format.
FORMATS = (
    Format(
        ".weights.h5",
        weights_h5.write,
        h5.opened,
        h5.read_notes,
        Naming.BY_NUMBER,
        whole=False,
        require=_load_h5py,
    ),
    Format(".h5", h5.write, h5.opened, h5.read_notes, Naming.BY_LAYER, require=_load_h5py),
    Format(".hdf5", h5.write, h5.opened, h5.read_notes, Naming.BY_LAYER, require=_load_h5py),
    Format(
        ".keras",
        keras_zip.write,
        keras_zip.opened,
        keras_zip.read_notes,
        Naming.BY_NUMBER,
        weights=False,
        code=False,
        require=_load_h5py,
    ),
    Format(
        ".safetensors",
        safetensors_file.write,
        safetensors_file.opened,
        safetensors_file.read_notes,
        Naming.BY_NAME,
        whole=False,
        require=safetensors_file.require,
    ),
    *(
        Format(
            suffix,
            torch_file.write,
            torch_file.opened,
            torch_file.read_notes,
            Naming.BY_NAME,
            whole=False,
        )
        for suffix in (".pt", ".pth", ".ckpt")
    ),
)

WHOLE = ", ".join(each.suffix for each in FORMATS if each.whole)
WEIGHTS = ", ".join(each.suffix for each in FORMATS if each.weights)
ALL = ", ".join(each.suffix for each in FORMATS)


def format_of(filepath: StrPath, asked: str, known: str = ALL) -> Format:
    """The format of a file of this name.

    Args:
        filepath: the file, which need not be there.
        asked: the function that was called, for the errors: `load_weights`.
        known: the suffixes to name in the error.

    Raises:
        ArgumentError: if no format has its suffix.
        ArgumentTypeError: if it is no path.
    """
    if not isinstance(filepath, (str, os.PathLike)):
        raise ArgumentTypeError(f"{asked}: filepath is a path; got {filepath!r}.")
    name = str(os.fspath(filepath))
    for each in FORMATS:
        if name.lower().endswith(each.suffix):
            return each
    suffix = Path(name).suffix
    found = f"the suffix {suffix!r}" if suffix else "no suffix"
    raise ArgumentError(
        f"{asked}({name!r}): the name has {found}, which says nothing of a format known here. "
        f"Give it one of {known}."
    )


def format_to_write(filepath: StrPath, asked: str, described: str, made_by_code: bool) -> Format:
    """The format for `save` or `save_weights` of a model.

    Args:
        filepath: the file.
        asked: `save` or `save_weights`.
        described: how errors speak of the model.
        made_by_code: whether only the model's own code can make it.

    Raises:
        ArgumentError: if the format is not for this, or not for this kind of model.
        MissingPackageError: if it needs a library that is not installed.
    """
    whole = asked == "save"
    found = format_of(filepath, asked, WHOLE if whole else WEIGHTS)
    text = f"{asked}({os.fspath(filepath)!r})"
    if whole and not found.whole:
        raise ArgumentError(
            f"{text}: {found.suffix} is for weights alone. Use save_weights, or "
            f"ModelCheckpoint(..., save_weights_only=True); for the whole model, a name that ends "
            f"in one of {WHOLE}."
        )
    if not whole and not found.weights:
        raise ArgumentError(
            f"{text}: {found.suffix} is for whole models. Use save, or a name that ends in one of "
            f"{WEIGHTS}, for the weights."
        )
    if whole and made_by_code and not found.code:
        raise ArgumentError(_only_code(f"{described}.{text}", found.suffix))
    found.require(text)
    return found


def format_to_load(filepath: StrPath) -> Format:
    """The format for `load_model`.

    Raises:
        ArgumentError: if it holds no whole models.
    """
    found = format_of(filepath, "load_model", WHOLE)
    if not found.whole:
        raise ArgumentError(
            f"load_model({os.fspath(filepath)!r}): {found.suffix} holds weights alone, and not "
            "the layers they belong to. Build the model and use its load_weights."
        )
    return found


def _only_code(asked: str, suffix: str) -> str:
    return (
        f"{asked}: a {suffix} file holds how to make a model's layers, and only its own code can "
        "make this one. A .h5 file holds its weights and its optimizer; save_weights writes the "
        "weights, also to .pt, .safetensors and .weights.h5; BackupAndRestore keeps all of a "
        "training."
    )
