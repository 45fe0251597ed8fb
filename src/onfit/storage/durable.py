"""Writing a file so that a crash, at any byte, leaves the one that was there before.

The order is the one POSIX asks for: write a temporary file in the same folder, fsync it,
rename it over the old one, fsync the folder (a rename is durable only once its folder is).
"""

import errno
import os
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TypeGuard

from onfit._types import StrPath
from onfit.errors import StorageError
from onfit.storage.background import BackgroundWriter

_DAY = 24 * 3600.0  # no write takes that long: whoever was at it is dead

# What a disk says of itself: it is full, a limit is reached, it fails, it is read-only.
_OF_THE_DISK = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.EROFS}


@contextmanager
def replacing(path: StrPath) -> Iterator[Path]:
    """Give a temporary path to write; when the block ends well, it has become `path`.

    If the block raises, nothing is left behind and `path` is as it was.

    Args:
        path: the file to create or replace. Missing folders are made. A symbolic link stays
            one: the file it points to is replaced.

    Raises:
        StorageError: if the folder cannot be written, `path` is a folder, or the disk is full or
            fails.

    Example:
        >>> with replacing("notes.txt") as temporary:   # doctest: +SKIP
        ...     temporary.write_text("all of it, or nothing")
    """
    target = Path(os.path.realpath(path))
    temporary = _temporary_beside(target)
    try:
        yield temporary
        fsync_file(temporary)
        rename(temporary, target)
    except BaseException as error:
        with suppress(OSError):
            temporary.unlink()
        if _is_of_the_disk(error):
            raise _not_written(target, error) from error
        raise
    fsync_folder(target.parent)


def append(path: StrPath, content: bytes) -> None:
    """Add bytes at the end of a file: all of them, or, where the disk is full, none.

    A process that is killed meanwhile may leave a part of them. What was there before stays.

    Args:
        path: the file; made if it is missing.
        content: what to add.

    Raises:
        StorageError: if the disk is full or fails; the file is as it was.

    Example:
        >>> append("log.csv", b"3;0.25;")   # doctest: +SKIP
    """
    with open(path, "ab", buffering=0) as file:
        size = file.seek(0, os.SEEK_END)
        try:
            while content:  # a disk takes a part of it before it says that it is full
                content = content[file.write(content) :]
        except OSError as error:
            file.truncate(size)
            raise _not_written(Path(path), error) from error


def require_writable(path: StrPath, asked_by: str) -> None:
    """Find out before training whether `path` can be written, and make its folder. Half-written
    files that killed writers left in there are removed once they are a day old.

    Raises:
        StorageError: naming who asked, the path and the reason.
    """
    target = Path(os.path.realpath(path))
    if target.is_file() and not os.access(target, os.W_OK):
        raise StorageError(
            f"{asked_by}: {str(target)!r} may not be written. Change its permissions, or give "
            "another name."
        )
    try:
        _temporary_beside(target).unlink()
    except OSError as error:
        raise StorageError(f"{asked_by}: {error}") from error
    _remove_abandoned(target.parent)


def _remove_abandoned(folder: Path) -> None:
    for path in folder.glob(".*.????????.partial*"):
        with suppress(OSError):  # gone already, or not ours to remove
            if time.time() - path.stat().st_mtime > _DAY:
                path.unlink()


def _is_of_the_disk(error: BaseException) -> TypeGuard[OSError]:
    """Whether the disk is to blame, not what else a block does that writes, such as fetching."""
    return (
        isinstance(error, OSError)
        and not isinstance(error, StorageError)
        and error.errno in _OF_THE_DISK
    )


def _not_written(target: Path, error: OSError) -> StorageError:
    return StorageError(
        f"cannot write {str(target)!r}: {error.strerror or error}. What was there before is as it "
        "was. Make room there, or choose another place."
    )


def _temporary_beside(target: Path) -> Path:
    if target.is_dir():
        raise StorageError(
            f"cannot write {str(target)!r}: it is a folder. Give the name of a file."
        )
    try:
        make_folder(target.parent)
        # Hidden, so that no pattern such as "*.h5" ever finds a half-written file; with the
        # suffix kept, since writers choose the format by it.
        descriptor, name = tempfile.mkstemp(
            dir=target.parent, prefix=f".{target.stem}.", suffix=f".partial{target.suffix}"
        )
    except OSError as error:
        raise StorageError(
            f"cannot write {str(target)!r}: {error.strerror or error}. "
            "Choose a folder that exists or can be made, and that you may write to."
        ) from error
    _give_permissions(descriptor, target)
    os.close(descriptor)
    return Path(name)


def _give_permissions(descriptor: int, target: Path) -> None:
    """mkstemp makes files private; what a user saves should be as open as what it replaces, or
    as any new file of theirs.
    """
    try:
        mode = target.stat().st_mode & 0o777
    except OSError:
        umask = os.umask(0)
        os.umask(umask)
        mode = 0o666 & ~umask
    if hasattr(os, "fchmod"):  # Windows: who may read is inherited from the folder
        os.fchmod(descriptor, mode)


def make_folder(folder: Path) -> None:
    """Make a folder, and those above it that are missing; their names are on the disk then."""
    missing = [each for each in (folder, *folder.parents) if not each.exists()]
    folder.mkdir(parents=True, exist_ok=True)
    for made in reversed(missing):
        fsync_folder(made.parent)


# The three steps below are functions of their own so that a test can strike between them.


def fsync_file(path: Path) -> None:
    """Wait until the bytes of `path` are on the disk."""
    with open(path, "rb+") as file:
        os.fsync(file.fileno())


def rename(temporary: Path, target: Path) -> None:
    """Put `temporary` in the place of `target`, in one step."""
    held = _held_open(target)
    try:
        os.replace(temporary, target)
    finally:
        if held is not None:
            BackgroundWriter().start(lambda: os.close(held))


def fsync_folder(folder: Path) -> None:
    """Wait until the names in `folder` are on the disk. Not every system can; most do."""
    with suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


# To give the blocks of a large file back takes a third of the time that it took to write them. The
# system does so when nobody has it open any more: which a thread can wait for.
_LARGE = 1 << 24


def _held_open(path: Path) -> int | None:
    """A descriptor of a large file that is about to be replaced; None if that is not worth it."""
    try:
        # Elsewhere a file that somebody has open cannot be replaced.
        if os.name == "posix" and path.stat().st_size >= _LARGE:
            return os.open(path, os.O_RDONLY)
    except OSError:
        pass
    return None
