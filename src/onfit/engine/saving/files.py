"""Opening HDF5 files, putting new ones in the place of old ones, and saying what is wrong."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from onfit._types import StrPath
from onfit.errors import (
    ArgumentError,
    ArgumentTypeError,
    FileFormatError,
    OnfitError,
    StorageError,
    did_you_mean,
)
from onfit.storage import replacing

SUFFIXES = (".h5", ".hdf5")


@contextmanager
def writing(filepath: StrPath, overwrite: bool) -> Iterator[Any]:
    """Give a new `h5py.File`; when the block ends well, it has become `filepath`.

    Raises:
        StorageError: if it cannot be written; what was there before is as it was.
    """
    import h5py  # here, because a training that writes no file need not wait for it

    path = os.fspath(filepath)
    if not overwrite and os.path.exists(path):
        raise StorageError(
            f"overwrite=False, and {path!r} exists. Choose another name, or overwrite=True."
        )
    try:
        with replacing(path) as temporary, h5py.File(temporary, "w") as file:
            yield file
    except OnfitError:
        raise
    except (OSError, RuntimeError) as error:  # HDF5 tells of a full disk by a RuntimeError
        raise StorageError(
            f"cannot write {path!r}: {error}. What was there before is as it was. Make room "
            "there, or choose another place."
        ) from error


@contextmanager
def reading(filepath: StrPath, asked: str) -> Iterator[Any]:
    """Give `filepath` as an `h5py.File` to read.

    Args:
        filepath: the file.
        asked: who asks, for the errors: `load_model`.

    Raises:
        StorageError: if there is no such file, or it may not be read.
        FileFormatError: if it is not HDF5, or breaks off.
    """
    import h5py

    path = os.fspath(filepath)
    _require_readable(path, asked)
    try:
        with h5py.File(path, "r") as file:
            yield file
    except OnfitError:
        raise
    except (OSError, RuntimeError, KeyError, ValueError, TypeError) as error:
        raise FileFormatError(
            f"{asked}({path!r}): this is no HDF5 file with a model in it, or it is damaged: "
            f"{error}. Give a file that save or save_weights wrote."
        ) from error


def require_suffix(filepath: StrPath, asked: str) -> None:
    """Check, before anything else is done, that `filepath` is named as an HDF5 file.

    Raises:
        ArgumentError: if its suffix is another.
        ArgumentTypeError: if it is no path.
    """
    if not isinstance(filepath, (str, os.PathLike)):
        raise ArgumentTypeError(f"{asked}: filepath is a path; got {filepath!r}.")
    suffix = Path(filepath).suffix
    if suffix.lower() not in SUFFIXES:
        found = f"the suffix {suffix!r}" if suffix else "no suffix"
        raise ArgumentError(
            f"{asked}({os.fspath(filepath)!r}): the name has {found}, and models are kept in "
            f"HDF5 files. Give it one of {', '.join(SUFFIXES)}."
        )


def _require_readable(path: str, asked: str) -> None:
    if not os.path.exists(path):
        folder = Path(path).parent
        names = os.listdir(folder) if folder.is_dir() else []
        place = "" if folder.is_dir() else f" Nor is there a folder {str(folder)!r}."
        raise StorageError(
            f"{asked}({path!r}): there is no such file.{place}"
            f"{did_you_mean(Path(path).name, names)}"
        )
    if os.path.isdir(path):
        raise StorageError(f"{asked}({path!r}): it is a folder. Give the name of a file.")
    if not os.access(path, os.R_OK):
        raise StorageError(f"{asked}({path!r}): you may not read this file.")
