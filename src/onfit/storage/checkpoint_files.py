"""The files of one checkpoint: written, checked against their manifest, and read.

What cannot be read is one of three things. Damaged: a file is missing, or not as it was written.
Not readable now: the disk or the permissions say no. Of a newer version: its manifest says so.
"""

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np

from onfit.errors import FileFormatError, StorageError
from onfit.storage import durable
from onfit.storage.trees import unpacked

_MANIFEST, _STATE, _ARRAYS = "manifest.json", "state.json", "arrays.npz"
_FORMAT = 1

# A file that is missing, or a folder in its place. All other errors of the system may pass.
_DAMAGE = (FileNotFoundError, NotADirectoryError, IsADirectoryError)

Packed = tuple[str, dict[str, Any]]


def write_checkpoint(folder: Path, content: Packed) -> None:
    """Write what `packed` returned, and the manifest."""
    text, arrays = content
    with open(folder / _ARRAYS, "wb") as file:
        np.savez(file, allow_pickle=False, **{f"a{key}": arrays[key] for key in arrays})
    (folder / _STATE).write_text(text)
    listed = {
        name: {"size": (folder / name).stat().st_size, "blake2b": _sum(folder / name)}
        for name in (_STATE, _ARRAYS)
    }
    (folder / _MANIFEST).write_text(json.dumps({"format": _FORMAT, "files": listed}))


def bring_to_disk(folder: Path) -> None:
    """Wait until the files of a checkpoint are on the disk."""
    # One after the other at the end: the first waits for the disk, the others hardly.
    for name in (_STATE, _ARRAYS, _MANIFEST):
        durable.fsync_file(folder / name)
    durable.fsync_folder(folder)


def damage_of(path: Path) -> str | None:
    """What is damaged of a checkpoint; None if its files are what the manifest says.

    Raises:
        StorageError: if it cannot be read now.
        FileFormatError: if a newer version of onfit wrote it.
    """
    try:
        return _damage_of(path)
    except FileFormatError:
        raise
    except _DAMAGE as error:
        return f"its manifest cannot be read: {error}"
    except OSError as error:
        raise _not_readable(path, error) from error
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        return f"its manifest cannot be read: {error}"


def _damage_of(path: Path) -> str | None:
    manifest = json.loads((path / _MANIFEST).read_text())
    version = manifest["format"]
    if type(version) is int and version > _FORMAT:
        raise FileFormatError(
            f"a newer version of onfit wrote the checkpoint {str(path)!r}: it has format "
            f"{version}, and this version reads up to {_FORMAT}. Nothing was trained or removed. "
            "Resume with that version, or give this run another folder."
        )
    if version != _FORMAT:
        return f"its format is {version!r}, and {_FORMAT} is known"
    for name in (_STATE, _ARRAYS):
        facts = manifest["files"][name]
        if (path / name).stat().st_size != facts["size"]:
            return f"{name} has another size than was written"
        if _sum(path / name) != facts["blake2b"]:
            return f"{name} has another content than was written"
    return None


def read_checkpoint(path: Path) -> Any:
    """The tree of a checkpoint whose files are as they were written.

    Raises:
        StorageError: if it cannot be read now.
        FileFormatError: if it says what no run writes.
    """
    try:
        with np.load(path / _ARRAYS, allow_pickle=False) as file:
            arrays = {key.removeprefix("a"): file[key] for key in file.files}
        return unpacked((path / _STATE).read_text(), arrays)
    except OSError as error:
        raise _not_readable(path, error) from error
    except Exception as error:  # whatever json, numpy or torch make of it
        raise FileFormatError(
            f"the checkpoint {str(path)!r} has the checksums of its manifest, but not the content "
            f"of a checkpoint ({type(error).__name__}: {str(error)[:200]}). It stays where it is. "
            "Move it away to go on from the one before, or give this run another folder."
        ) from error


def _not_readable(path: Path, error: OSError) -> StorageError:
    return StorageError(
        f"the checkpoint {str(path)!r} cannot be read now: {error.strerror or error}. Nothing was "
        "trained or removed. Start again when it can be read; or move it away, to go on from the "
        "one before."
    )


def _sum(path: Path) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "blake2b").hexdigest()
