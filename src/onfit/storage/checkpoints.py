"""A folder of checkpoints, each of them whole, or not there.

A checkpoint is a folder of its own. It is written under a hidden name, gets a manifest with the
size and the checksum of every file in it, and is renamed when all is on the disk. It is never
changed again.
"""

import hashlib
import json
import os
import re
import shutil
import tempfile
import warnings
import weakref
from contextlib import suppress
from pathlib import Path
from typing import IO, Any

import numpy as np

from onfit._types import StrPath
from onfit.errors import OnfitWarning, StorageError
from onfit.storage import durable
from onfit.storage.trees import packed, unpacked

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]
try:
    import msvcrt
except ImportError:  # everywhere else
    msvcrt = None  # type: ignore[assignment]

_NAME = re.compile(r"checkpoint-(\d{8})")
_HIDDEN, _LOCK = ".writing-", ".lock"
_MANIFEST, _STATE, _ARRAYS = "manifest.json", "state.json", "arrays.npz"
_FORMAT = 1

# The locks this process holds.
_held: "weakref.WeakSet[IO[str]]" = weakref.WeakSet()


class CheckpointManager:
    """Keeps the newest checkpoints of one run in a folder.

    Args:
        folder: made if it is missing.
        keep: how many checkpoints stay; older ones are removed once a newer one is whole.

    Example:
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     checkpoints = CheckpointManager(folder)
        ...     checkpoints.save({"epoch": 3, "weights": [np.zeros(2)]})
        ...     checkpoints.latest()["epoch"]
        3
    """

    def __init__(self, folder: StrPath, keep: int = 2) -> None:
        self.folder = Path(folder)
        self.keep = keep
        self._lock: IO[str] | None = None

    def __getstate__(self) -> dict[str, Any]:
        """What a copy holds: all but the lock, which is this process' own."""
        return {**vars(self), "_lock": None}

    # --- one run at a time ---------------------------------------------------------------

    def acquire(self) -> None:
        """Lock the folder for this run, and remove what a killed run left half-written.

        The operating system gives the lock back when the process ends, however it ends. (On a file
        system without locks, nothing is locked.)

        Raises:
            StorageError: if another run has locked it, or it cannot be written.
        """
        if self._lock is not None:
            return
        try:
            durable.make_folder(self.folder)
            lock = open(self.folder / _LOCK, "w")  # noqa: SIM115 - held until release
        except OSError as error:
            raise StorageError(
                f"checkpoints cannot be kept in {str(self.folder)!r}: {error.strerror}. "
                "Choose a folder that you may write to."
            ) from error
        if not _locked(lock):
            lock.close()
            raise StorageError(
                f"another run keeps its checkpoints in {str(self.folder)!r} right now. "
                "Wait for it, or give this run a folder of its own."
            )
        self._lock = lock
        _held.add(lock)
        for orphan in self.folder.glob(f"{_HIDDEN}*"):
            shutil.rmtree(orphan, ignore_errors=True)

    def release(self) -> None:
        """Let another run use the folder."""
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    # --- saving --------------------------------------------------------------------------

    def save(self, tree: Any) -> None:
        """Write a checkpoint. When this returns, the whole checkpoint is on the disk.

        Args:
            tree: nested plain data and arrays.

        Raises:
            StorageError: if it cannot be written; all earlier ones are as they were.
        """
        text, arrays = packed(tree)
        target = self.folder / f"checkpoint-{self._next_number():08d}"
        hidden: Path | None = None
        try:
            durable.make_folder(self.folder)
            hidden = Path(tempfile.mkdtemp(prefix=_HIDDEN, dir=self.folder))
            self._write(hidden, text, arrays)
            durable.rename(hidden, target)
            durable.fsync_folder(self.folder)
        except OSError as error:
            if hidden is not None:
                shutil.rmtree(hidden, ignore_errors=True)
            raise StorageError(
                f"the checkpoint {str(target)!r} could not be written: {error}. Earlier ones are "
                "as they were. Make room there, or choose another folder."
            ) from error
        self._remove_old()

    def _write(self, folder: Path, text: str, arrays: dict[str, Any]) -> None:
        with open(folder / _ARRAYS, "wb") as file:
            np.savez(file, allow_pickle=False, **{f"a{key}": arrays[key] for key in arrays})
        (folder / _STATE).write_text(text)
        listed = {}
        for name in (_STATE, _ARRAYS):
            durable.fsync_file(folder / name)
            listed[name] = {"size": (folder / name).stat().st_size, "blake2b": _sum(folder / name)}
        (folder / _MANIFEST).write_text(json.dumps({"format": _FORMAT, "files": listed}))
        durable.fsync_file(folder / _MANIFEST)
        durable.fsync_folder(folder)

    def _remove_old(self) -> None:
        for _, old in self._found()[: -self.keep]:
            self._remove(old)

    def _remove(self, checkpoint: Path) -> None:
        # Hidden first: a crash half-way must not leave a checkpoint that looks damaged.
        doomed = self.folder / f"{_HIDDEN}{checkpoint.name}"
        with suppress(OSError):
            os.rename(checkpoint, doomed)
            shutil.rmtree(doomed)

    # --- finding -------------------------------------------------------------------------

    def latest(self) -> Any:
        """The newest checkpoint that is whole; None if there is none.

        A damaged one is passed over with a warning, and left where it is.
        """
        found = [path for _, path in self._found()]
        while found:
            path = found.pop()
            problem = _problem_with(path)
            if problem is None:
                return _read(path)
            instead = "the one before it is used" if found else "there is none before it"
            warnings.warn(
                f"the checkpoint {str(path)!r} is damaged ({problem}); {instead}.",
                OnfitWarning,
                stacklevel=2,
            )
        return None

    def clear(self) -> None:
        """Remove all checkpoints, the newest last, and the folder if nothing else is in it."""
        for _, path in self._found():
            self._remove(path)
        with suppress(OSError):
            (self.folder / _LOCK).unlink()
            self.folder.rmdir()

    def _found(self) -> list[tuple[int, Path]]:
        """Number and path of every checkpoint, oldest first."""
        if not self.folder.is_dir():
            return []
        matches = ((_NAME.fullmatch(path.name), path) for path in self.folder.iterdir())
        return sorted((int(match[1]), path) for match, path in matches if match)

    def _next_number(self) -> int:
        found = self._found()
        return found[-1][0] + 1 if found else 0


def _locked(file: IO[str]) -> bool:
    """Lock the file for this process; False if another process has locked it."""
    try:
        if fcntl is not None:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        elif msvcrt is not None:
            file.seek(0)  # the first byte is locked, although the file is empty
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
    except (BlockingIOError, PermissionError):  # fcntl's error, and msvcrt's
        return False
    except OSError:  # a file system without locks
        return True
    return True


def _close_in_child() -> None:
    """Close the locks in a forked process.

    It may be a worker that loads data. It may live on for a while after this process was killed,
    and must not hold the locks then.
    """
    for lock in list(_held):
        lock.close()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_close_in_child)


def _problem_with(path: Path) -> str | None:
    """What is wrong with a checkpoint; None if its files are what the manifest says."""
    try:
        manifest = json.loads((path / _MANIFEST).read_text())
        if manifest["format"] != _FORMAT:
            return f"its format is {manifest['format']!r}, and {_FORMAT} is known"
        for name in (_STATE, _ARRAYS):
            facts = manifest["files"][name]
            if (path / name).stat().st_size != facts["size"]:
                return f"{name} has another size than was written"
            if _sum(path / name) != facts["blake2b"]:
                return f"{name} has another content than was written"
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        return f"its manifest cannot be read: {error}"
    return None


def _read(path: Path) -> Any:
    with np.load(path / _ARRAYS, allow_pickle=False) as file:
        arrays = {key.removeprefix("a"): file[key] for key in file.files}
    return unpacked((path / _STATE).read_text(), arrays)


def _sum(path: Path) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "blake2b").hexdigest()
