"""Files of arrays by name, `.npz` and `.safetensors`. Nothing is ever unpickled."""

import os
from pathlib import Path
from typing import Any, cast

import numpy as np

from onfit._types import StrPath
from onfit.errors import ArgumentError, FileFormatError, MissingPackageError
from onfit.storage.archives import read_npz
from onfit.storage.durable import replacing

Array = np.ndarray[Any, Any]
SUFFIXES = (".npz", ".safetensors")


def write(filepath: StrPath, arrays: dict[str, Array]) -> None:
    """Write a file that replaces the old one when it is whole and on the disk.

    Raises:
        ArgumentError: for a name without a format, or an array that the format has no type for.
        StorageError: if the file cannot be written.
    """
    require_kinds(filepath, arrays)
    write_whole = _write_npz if _format_of(filepath) == ".npz" else _write_safetensors
    with replacing(filepath) as temporary:
        write_whole(temporary, arrays)


def read(filepath: StrPath) -> dict[str, Array]:
    """The arrays of a file, by name.

    Raises:
        FileFormatError: if it is damaged, or something else.
    """
    return _read_npz(filepath) if _format_of(filepath) == ".npz" else _read_safetensors(filepath)


def require_kinds(filepath: StrPath, arrays: dict[str, Array]) -> None:
    """Refuse a name without a format, and arrays that the format has no type for."""
    any_kind = _format_of(filepath) == ".npz"
    for name, one in arrays.items():
        if one.dtype.hasobject:
            raise ArgumentError(
                f"{os.fspath(filepath)!r}: {name} is no number that an array holds, and no file "
                "here holds Python objects. Keep it out of the model's state."
            )
        if any_kind:
            continue
        if one.dtype.kind not in "biufc" or one.dtype.itemsize > 8:
            raise ArgumentError(
                f"{os.fspath(filepath)!r}: {name} is of {one.dtype}, which safetensors has not. "
                "Save as .npz."
            )


def _format_of(filepath: StrPath) -> str:
    suffix = Path(filepath).suffix
    if suffix not in SUFFIXES:
        raise ArgumentError(
            f"{os.fspath(filepath)!r}: a model of arrays is saved as {' or '.join(SUFFIXES)}. "
            "Give the file a name that ends in one of them."
        )
    if suffix == ".safetensors":
        _safetensors()
    return suffix


def _safetensors() -> Any:
    try:
        import safetensors.numpy
    except ModuleNotFoundError as error:
        raise MissingPackageError(
            '.safetensors needs safetensors: pip install "onfit[safetensors]". Or save as .npz.',
            name="safetensors",
        ) from error
    return safetensors


def _write_npz(path: Path, arrays: dict[str, Array]) -> None:
    with open(path, "wb") as file:
        np.savez(file, **cast(dict[str, Any], arrays))


def _write_safetensors(path: Path, arrays: dict[str, Array]) -> None:
    path.write_bytes(_safetensors().numpy.save(arrays))


def _read_npz(filepath: StrPath) -> dict[str, Array]:
    with open(filepath, "rb") as file:
        try:
            return read_npz(file)
        except Exception as error:  # whatever numpy and zlib raise of a file that is damaged
            raise _unreadable(filepath, error) from error


def _read_safetensors(filepath: StrPath) -> dict[str, Array]:
    content = Path(filepath).read_bytes()
    try:
        return dict(_safetensors().numpy.load(content))
    except Exception as error:
        raise _unreadable(filepath, error) from error


def _unreadable(filepath: StrPath, error: Exception) -> FileFormatError:
    return FileFormatError(
        f"{os.fspath(filepath)!r} is no whole {Path(filepath).suffix} file of arrays "
        f"({type(error).__name__}: {str(error)[:200]}). Take another file."
    )
