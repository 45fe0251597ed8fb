"""Opening files, putting new ones in the place of old ones, and saying what is wrong."""

import os
import struct
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from onfit._types import StrPath
from onfit.errors import (
    FileFormatError,
    OnfitError,
    StorageError,
    did_you_mean,
)
from onfit.storage import replacing
from onfit.storage.durable import not_written
from onfit.storage.foreign import is_regular


@contextmanager
def writing(filepath: StrPath, overwrite: bool) -> Iterator[Path]:
    """Give a path to write a new file to; when the block ends well, it has become `filepath`.

    Raises:
        StorageError: if it cannot be written; what was there before is as it was.
    """
    path = os.fspath(filepath)
    if not overwrite and os.path.exists(path):
        raise StorageError(
            f"overwrite=False, and {path!r} exists. Choose another name, or overwrite=True."
        )
    try:
        with replacing(path) as temporary:
            yield temporary
    except OnfitError:
        raise
    except (OSError, RuntimeError) as error:  # HDF5 raises a RuntimeError for a full disk
        raise not_written(path, error) from error


@contextmanager
def reading(path: str, asked: str, kind: str = "HDF5 file") -> Iterator[None]:
    """A block that opens a file and reads it: what goes wrong becomes an error about the file.

    Args:
        path: the file.
        asked: the function that was called, for the errors: `load_model`.
        kind: what the file should be.

    Raises:
        StorageError: if there is no such file, or it may not be read.
        FileFormatError: if it is something else, or breaks off.
    """
    require_readable(path, asked)
    with parsing(path, asked, kind):
        yield


@contextmanager
def parsing(path: str, asked: str, kind: str = "HDF5 file") -> Iterator[None]:
    """The same, for a file that is open already."""
    try:
        yield
    except OnfitError:
        raise
    except _SIGNS_OF_DAMAGE as error:
        raise FileFormatError(
            f"{asked}({path!r}): this is no {kind} with a model in it, or it is damaged: "
            f"{error}. Give a file that save or save_weights wrote."
        ) from error


# What the libraries that read files raise for a damaged one.
_SIGNS_OF_DAMAGE = (
    *(OSError, RuntimeError, LookupError, ValueError, TypeError, AttributeError, EOFError),
    *(ArithmeticError, AssertionError, MemoryError, struct.error),
    *(zipfile.BadZipFile, zlib.error),
)


def require_readable(path: str, asked: str) -> None:
    """Check that there is such a file, and that it has an end; errors are those of `reading`."""
    if not os.path.exists(path):
        folder = Path(path).parent
        names = os.listdir(folder) if folder.is_dir() else []
        place = f" Nor is there a folder {str(folder)!r}."
        if folder.is_dir():
            place = f" It was looked for in {str(folder.resolve())!r}."
        raise StorageError(
            f"{asked}({path!r}): there is no such file.{place}"
            f"{did_you_mean(Path(path).name, names)}"
        )
    if os.path.isdir(path):
        raise StorageError(f"{asked}({path!r}): it is a folder. Give the name of a file.")
    if not os.access(path, os.R_OK):
        raise StorageError(f"{asked}({path!r}): you may not read this file.")
    if not is_regular(path):
        raise FileFormatError(
            f"{asked}({path!r}): it is a pipe or a device, which has no bytes of its own to go "
            "back and forth in. Copy what it gives to a file, and load that."
        )
