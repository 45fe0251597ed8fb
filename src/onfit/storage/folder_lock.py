"""A lock on a folder, so that one run at a time keeps its files there."""

import errno
import os
import weakref
from contextlib import suppress
from pathlib import Path
from typing import IO, Any

from onfit.errors import StorageError
from onfit.storage import durable

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]
try:
    import msvcrt
except ImportError:  # everywhere else
    msvcrt = None  # type: ignore[assignment]

_NAME = ".lock"

# The locks that this process has.
_held: "weakref.WeakSet[FolderLock]" = weakref.WeakSet()


class FolderLock:
    """The right to keep files in a folder, for one run at a time.

    The operating system gives the lock back when the process ends, however it ends. On a file
    system without locks nothing is locked.

    Args:
        folder: made by `acquire` if it is missing.

    Example:
        >>> lock = FolderLock(Path("runs/backup"))   # doctest: +SKIP
        >>> lock.acquire()                           # doctest: +SKIP
    """

    def __init__(self, folder: Path) -> None:
        self._path = folder / _NAME
        self._file: IO[bytes] | None = None
        self._owner: weakref.ref[Any] | None = None

    def acquire(self, owner: Any = None) -> None:
        """Lock the folder.

        Args:
            owner: the run that asks. The lock is another's to take, in the same process, when this
                object is gone, or says that it is `over`.

        Raises:
            StorageError: if another run has locked it, or it cannot be written.
        """
        if self._file is not None and not self._is_left():
            if owner is None or self._of(owner):
                return
            raise self._taken()
        self.release()
        self._file = self._opened_and_locked()
        self._owner = None if owner is None else weakref.ref(owner)
        _held.add(self)

    def release(self) -> None:
        """Let another run use the folder."""
        if self._file is not None:
            self._file.close()
            self._file = self._owner = None
            _held.discard(self)

    def remove(self) -> None:
        """Remove the file of the lock, which this object has locked."""
        if self._file is not None:
            with suppress(OSError):
                self._path.unlink()

    def _of(self, owner: Any) -> bool:
        return self._owner is not None and self._owner() is owner

    def _is_left(self) -> bool:
        """Whether the run that had the lock is over, and did not come to give it back."""
        owner = None if self._owner is None else self._owner()
        return self._owner is not None and (owner is None or getattr(owner, "over", False))

    def _opened_and_locked(self) -> IO[bytes]:
        while True:
            file = self._opened()
            if not _locked(file):
                file.close()
                if not self._taken_over():
                    raise self._taken()
            elif self._is_there(file):
                return file
            else:  # the run before removed the file in this very moment
                file.close()

    def _opened(self) -> IO[bytes]:
        # Of a link the file that it points to would be locked, and made if it is not there.
        flags = os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0)
        folder = str(self._path.parent)
        try:
            durable.require_name(folder)
            durable.make_folder(self._path.parent)
            return os.fdopen(os.open(self._path, flags, 0o666), "r+b", buffering=0)
        except OSError as error:
            if isinstance(error, StorageError):
                raise
            if error.errno == errno.ELOOP:
                raise StorageError(
                    f"{str(self._path)!r} is a symbolic link, where a run has the file that locks "
                    "its folder. Remove the link, or choose another folder."
                ) from error
            found = "it is a file" if error.errno == errno.EEXIST else error.strerror
            raise StorageError(
                f"checkpoints cannot be kept in {folder!r}: {found}. "
                "Choose a folder that you may write to."
            ) from error

    def _is_there(self, file: IO[bytes]) -> bool:
        """Whether the file is still the one of that name."""
        try:
            return os.path.samestat(os.fstat(file.fileno()), os.lstat(self._path))
        except FileNotFoundError:
            return False

    def _taken_over(self) -> bool:
        """Release a lock of this process whose run is over; whether there was one."""
        left = [one for one in list(_held) if one._path == self._path and one._is_left()]
        for one in left:
            one.release()
        return bool(left)

    def _taken(self) -> StorageError:
        return StorageError(
            f"another run keeps its checkpoints in {str(self._path.parent)!r} right now. "
            "Wait for it, or give this run a folder of its own."
        )


def _locked(file: IO[bytes]) -> bool:
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
        lock.release()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_close_in_child)
