"""The files of one checkpoint: written, checked against their manifest, and read.

What cannot be read is one of three things. Damaged: a file is missing, or not as it was written.
Not readable now: the disk or the permissions say no. Of a newer version: its manifest says so.
"""

import errno
import hashlib
import json
import os
import re
import stat
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from onfit.errors import FileFormatError, StorageError
from onfit.storage import array_file, durable
from onfit.storage.archives import read_npz
from onfit.storage.trees import unpacked

_MANIFEST, _STATE, _ARRAYS = "manifest.json", "state.json", "arrays.bin"
_ARCHIVE = "arrays.npz"  # in place of `_ARRAYS`, in checkpoints of format 1
# None between them, and 10 next: a bit that flips would make "newer than this version" of others.
_FORMAT, _IN_PIECES = 3, 9  # the latter has files of pieces, too
_FILES = {1: (_STATE, _ARCHIVE), _FORMAT: (_STATE, _ARRAYS), _IN_PIECES: (_STATE, _ARRAYS)}
_PIECES = re.compile(r"pieces-\d{5}\.bin")

# A file that is missing, or a folder in its place. All other errors of the system may pass.
_DAMAGE = (FileNotFoundError, NotADirectoryError, IsADirectoryError)

Packed = tuple[str, dict[str, Any]]
Listed = dict[str, dict[str, Any]]  # what a manifest says of each file


def write_checkpoint(folder: Path, content: Packed, pieces: Listed | None = None) -> None:
    """Write what `packed` returned, and the manifest.

    Args:
        folder: of the checkpoint.
        content: what `packed` returned.
        pieces: what `write_pieces` returned in each process that wrote some.
    """
    text, arrays = content
    listed = {
        _STATE: _written(folder / _STATE, [text.encode()]),
        _ARRAYS: _written(folder / _ARRAYS, array_file.pieces(arrays)),
    }
    version = _IN_PIECES if pieces else _FORMAT
    files = {**listed, **(pieces or {})}
    _written(folder / _MANIFEST, [json.dumps({"format": version, "files": files}).encode()])


def write_pieces(folder: Path, rank: int, arrays: dict[str, Any], *, wait: bool) -> Listed:
    """Write the pieces of weights that one of several processes has.

    Args:
        folder: of the checkpoint, which all processes see.
        rank: the number of the process.
        arrays: its pieces.
        wait: wait for the disk.

    Returns:
        What the manifest is to say of the file.
    """
    path = folder / f"pieces-{rank:05d}.bin"
    facts = _written(path, array_file.pieces(arrays))
    if wait:
        durable.fsync_file(path)
    return {path.name: facts}


def read_pieces(folder: Path) -> list[dict[str, Any]]:
    """The pieces that each process has written. Only what is looked at is read.

    Raises:
        StorageError: if they cannot be read now.
    """
    try:
        return [array_file.mapped(folder / name) for name in _listed_pieces(folder)]
    except OSError as error:
        raise _not_readable(folder, error) from error


def has_pieces(folder: Path) -> bool:
    """Whether several processes wrote pieces of weights to a checkpoint."""
    return bool(_listed_pieces(folder))


def _listed_pieces(folder: Path) -> list[str]:
    """The files of pieces that the manifest lists; nothing vouches for others."""
    return sorted(filter(_PIECES.fullmatch, _manifest_of(folder)["files"]))


def _pieces_in(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if _PIECES.fullmatch(path.name))


def _written(path: Path, pieces: Iterable[bytes | memoryview]) -> dict[str, Any]:
    """Write a file, and return what a manifest says of it."""
    size, digest = 0, hashlib.blake2b()
    with open(path, "wb") as file:
        for piece in pieces:
            size += file.write(piece)
            digest.update(piece)
    return {"size": size, "blake2b": digest.hexdigest()}


def bring_to_disk(folder: Path) -> None:
    """Wait until the files of a checkpoint are on the disk."""
    # One after the other at the end: the first waits for the disk, the others hardly.
    pieces = [path.name for path in _pieces_in(folder)]
    for name in (*pieces, _STATE, _ARRAYS, _MANIFEST):
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
    manifest = _manifest_of(path)
    version = manifest["format"]
    if type(version) is int and version > max(_FILES):
        raise FileFormatError(
            f"a newer version of onfit wrote the checkpoint {str(path)!r}: it has format "
            f"{version}, and this version reads up to {max(_FILES)}. Nothing was trained or "
            "removed. Resume with that version, or give this run another folder."
        )
    if type(version) is not int or version not in _FILES:
        return f"its format is {version!r}, and {', '.join(map(str, _FILES))} are known"
    pieces = filter(_PIECES.fullmatch, manifest["files"])
    for name in (*_FILES[version], *pieces):
        facts = manifest["files"][name]
        if _own_size(path / name) != facts["size"]:
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
        return unpacked((path / _STATE).read_text("utf-8"), _arrays_of(path))
    except OSError as error:
        raise _not_readable(path, error) from error
    except Exception as error:  # whatever json, numpy or torch make of it
        raise FileFormatError(
            f"the checkpoint {str(path)!r} has the checksums of its manifest, but not the content "
            f"of a checkpoint ({type(error).__name__}: {str(error)[:200]}). It stays where it is. "
            "Move it away to go on from the one before, or give this run another folder."
        ) from error


def _arrays_of(path: Path) -> dict[str, Any]:
    if _ARCHIVE in _FILES[_manifest_of(path)["format"]]:
        found = read_npz(path / _ARCHIVE)
        return {name.removeprefix("a"): array for name, array in found.items()}
    with open(path / _ARRAYS, "rb") as file:
        return array_file.read(file, _own_size(path / _ARRAYS))


def _manifest_of(path: Path) -> Any:
    _own_size(path / _MANIFEST)
    return json.loads((path / _MANIFEST).read_text("utf-8"))


def _own_size(path: Path) -> int:
    """The size of a file. A link would give another file's bytes, and a pipe none, or for ever.

    Raises:
        OSError: for a link, a pipe or a device; it is `IsADirectoryError` for a folder.
    """
    found = path.lstat()
    if stat.S_ISDIR(found.st_mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
    if not stat.S_ISREG(found.st_mode):
        raise OSError(errno.EINVAL, f"{path.name} is a link, a pipe or a device, and not a file")
    return found.st_size


def _not_readable(path: Path, error: OSError) -> StorageError:
    return StorageError(
        f"the checkpoint {str(path)!r} cannot be read now: {error.strerror or error}. Nothing was "
        "trained or removed. Start again when it can be read; or move it away, to go on from the "
        "one before."
    )


def _sum(path: Path) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "blake2b").hexdigest()
