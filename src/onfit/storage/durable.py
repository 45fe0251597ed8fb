"""Writing a file so that a crash, at any byte, leaves the one that was there before.

The order is the one POSIX asks for: write a temporary file in the same folder, fsync it,
rename it over the old one, fsync the folder (a rename is durable only once its folder is).
"""

import errno
import io
import os
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TypeGuard

from onfit._types import StrPath
from onfit.errors import StorageError

# A name that is longer on no file system of today.
_LONGEST_NAME = 255
_MADE_UP = len("..12345678.partial")  # what a temporary name has besides stem and suffix
_DAY = 24 * 3600.0  # no write takes that long: the process that began it is dead

# The errors of a disk: it is full, a limit is reached, it fails, it is read-only, it is another
# machine's that has lost the file.
_OF_THE_DISK = {
    errno.ENOSPC,
    errno.EDQUOT,
    errno.EFBIG,
    errno.EIO,
    errno.EROFS,
    getattr(errno, "ESTALE", errno.EIO),  # Windows has no such
}


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
    target = _target_of(path)
    temporary = _temporary_beside(target)
    try:
        yield temporary
        _put_in_place(temporary, target)
    except BaseException as error:
        with suppress(OSError):
            temporary.unlink()
        if _is_of_the_disk(error):
            raise not_written(target, error) from error
        raise
    fsync_folder(target.parent)


def _put_in_place(temporary: Path, target: Path) -> None:
    try:
        fsync_file(temporary)
        rename(temporary, target)
    except OSError as error:  # whatever it is: these two ask the disk, and nothing else
        raise not_written(target, error) from error


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
    require_name(path)
    with _open_to_append(path) as file:
        size = file.seek(0, os.SEEK_END)
        try:
            while content:  # a disk takes a part of it before it says that it is full
                content = content[file.write(content) :]
        except OSError as error:
            file.truncate(size)
            raise not_written(path, error) from error


def _open_to_append(path: StrPath) -> io.FileIO:
    try:
        return open(path, "ab", buffering=0)
    except OSError as error:
        raise not_written(path, error) from error


def require_writable(path: StrPath, asked_by: str) -> None:
    """Find out before training whether `path` can be written, and make its folder. Half-written
    files that killed writers left in there are removed once they are a day old.

    Raises:
        StorageError: naming `asked_by`, the path and the reason.
    """
    target = _target_of(path)
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
    """Whether the disk failed; a block that writes may fail otherwise, as in a download."""
    return (
        isinstance(error, OSError)
        and not isinstance(error, StorageError)
        and error.errno in _OF_THE_DISK
    )


def not_written(path: StrPath, error: Exception) -> StorageError:
    """The error for a file that could not be written; the file that was there is whole."""
    reason = getattr(error, "strerror", None) or error
    return StorageError(
        f"cannot write {os.fspath(path)!r}: {reason}. What was there before is as it was. "
        "Make room there, or choose another place."
    )


def absolute(path: StrPath) -> str:
    """A path that means the same file wherever the program goes.

    Raises:
        StorageError: if it begins from the folder that the program is in, and that is gone.
    """
    try:
        return os.path.abspath(os.fspath(path))
    except FileNotFoundError as error:
        raise StorageError(
            f"{os.fspath(path)!r} begins from the folder that this program is in, which is gone. "
            "Give a path that begins with the root, or go to another folder first."
        ) from error


def require_name(path: StrPath) -> None:
    """Refuse what no file or folder can be called.

    Raises:
        StorageError: for a zero byte, a character that cannot be written, or a part that is too
            long.
    """
    name = os.fspath(path)
    if "\0" in name:
        raise StorageError(
            f"{name!r} has a zero byte, which no name can have. Give a name without it."
        )
    try:
        os.fsencode(name)
    except UnicodeEncodeError as error:
        raise StorageError(
            f"{name!r} has a character that no name on this system can have. Give another name."
        ) from error
    longest = max(map(os.fsencode, Path(name).parts), key=len, default=b"")
    if len(longest) > _LONGEST_NAME:
        raise StorageError(
            f"{os.fsdecode(longest[:40])!r}... has {len(longest)} bytes, and a name takes at most "
            f"{_LONGEST_NAME}. Give a shorter one."
        )


def _target_of(path: StrPath) -> Path:
    """The file itself, where `path` is a symbolic link."""
    require_name(path)
    return Path(os.path.realpath(absolute(path)))


def _temporary_beside(target: Path) -> Path:
    if target.is_dir():
        raise StorageError(
            f"cannot write {str(target)!r}: it is a folder. Give the name of a file."
        )
    if target.exists() and not target.is_file():
        raise StorageError(
            f"cannot write {str(target)!r}: it is a device or a pipe, which a file would take the "
            "place of. Give the name of a file."
        )
    try:
        make_folder(target.parent)
        stem, suffix = _short(target)
        # The name is hidden, so that no pattern such as "*.h5" finds a half-written file. It keeps
        # the suffix, since writers choose the format by it.
        descriptor, name = tempfile.mkstemp(
            dir=target.parent, prefix=f".{stem}.", suffix=f".partial{suffix}"
        )
    except OSError as error:
        raise StorageError(
            f"cannot write {str(target)!r}: {error.strerror or error}. "
            "Choose a folder that exists or can be made, and that you may write to."
        ) from error
    _give_permissions(descriptor, target)
    os.close(descriptor)
    return Path(name)


def _short(target: Path) -> tuple[str, str]:
    """Stem and suffix of a name, the stem cut so that a temporary name is no longer than a name may
    be.
    """
    suffix = target.suffix if len(os.fsencode(target.suffix)) < 32 else ""
    room = _LONGEST_NAME - _MADE_UP - len(os.fsencode(suffix))
    return os.fsencode(target.stem)[:room].decode(errors="ignore"), suffix


def _give_permissions(descriptor: int, target: Path) -> None:
    """Give a temporary file the permissions of the file that it replaces, or of any new file.

    `mkstemp` makes private files, which other users may not read.
    """
    try:
        mode = target.stat().st_mode & 0o777
    except OSError:
        umask = os.umask(0)
        os.umask(umask)
        mode = 0o666 & ~umask
    if hasattr(os, "fchmod"):  # on Windows files inherit permissions from the folder
        os.fchmod(descriptor, mode)


def make_folder(folder: Path) -> None:
    """Make a folder, and the missing folders above it; their names are on the disk afterwards."""
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
    os.replace(temporary, target)


def fsync_folder(folder: Path) -> None:
    """Wait until the names in `folder` are on the disk. Not every system can; most do."""
    with suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
