"""A file for HDF5 to write to, so that a full disk does not end the process.

HDF5 does not survive an error in the middle of writing: it cannot put on the disk what it holds in
memory when it is closed, and the process dies. So it gets a file whose `write` never fails.
"""

import io
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from onfit.saving.formats.seal import seal

_PIECE = 1 << 24
# A smaller piece is not worth the call.
_LARGE = 1 << 20


@contextmanager
def new_h5(path: Path) -> Iterator[Any]:
    """Give a new, empty `h5py.File` at `path`, which gets a checksum when the block has ended.

    Raises:
        OSError: when the block has ended, if not all could be written.
    """
    import h5py  # here, since a training that writes no file need not load it

    with open(path, "wb+", buffering=0) as raw:
        stretch = Stretch(raw, stays=True)
        try:
            with h5py.File(stretch, "w") as file:
                yield file
        finally:
            stretch.require_written()  # this error, not the one that HDF5 makes of it
        seal(raw)


class Stretch(io.RawIOBase):
    """A stretch of an open file as a file of its own.

    The first error in writing is kept, and all later bytes are dropped, until HDF5 is done and
    `require_written` raises the error.

    Args:
        file: the open file, unbuffered.
        begin: where the stretch begins.
        size: how many bytes it has; it grows when written to.
        stays: whether the bytes are to stay on the disk. The system may then begin to put large
            pieces there while more is written.
    """

    def __init__(self, file: Any, begin: int = 0, size: int = 0, *, stays: bool = False) -> None:
        self._file, self._begin, self.size, self._at = file, begin, size, 0
        self._stays = stays
        self._wrong: BaseException | None = None

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Go to a place in the stretch, and return it."""
        self._at = offset + {os.SEEK_SET: 0, os.SEEK_CUR: self._at, os.SEEK_END: self.size}[whence]
        return self._at

    def tell(self) -> int:
        """The place where the next byte is read or written."""
        return self._at

    def readinto(self, buffer: Any) -> int:
        """Fill `buffer`, as far as the stretch has bytes."""
        view = memoryview(buffer).cast("B")[: max(0, self.size - self._at)]
        self._file.seek(self._begin + self._at)
        done = 0
        while done < len(view):  # the system reads at most two gigabytes at once
            count = self._file.readinto(view[done:])
            if not count:
                break
            done += count
            self._at += count
        return done

    def write(self, buffer: Any) -> int:
        """Write all of `buffer`."""
        view = memoryview(buffer).cast("B")
        place = self._begin + self._at
        self._at += len(view)
        self.size = max(self.size, self._at)
        self._attempt(lambda: self._write(view, place))
        return len(view)

    def _write(self, view: memoryview, place: int) -> None:
        self._file.seek(place)
        while view:
            count = self._file.write(view[:_PIECE])
            view = view[count:]
            if self._stays and count >= _LARGE:
                begin_writeback(self._file, place, count)
            place += count

    def truncate(self, size: int | None = None) -> int:
        """Make the stretch end at `size`, or where it is."""
        self.size = self._at if size is None else size
        end = self._begin + self.size
        self._attempt(lambda: self._file.truncate(end))
        return self.size

    def _attempt(self, act: Callable[[], None]) -> None:
        if self._wrong is None:
            try:
                act()
            except BaseException as error:  # Ctrl-C too
                self._wrong = error

    def require_written(self) -> None:
        """Raise the first error in writing, if there was one."""
        if self._wrong is not None:
            raise self._wrong


def begin_writeback(file: Any, begin: int, count: int) -> None:
    """Let the system begin to put new bytes of a file on the disk, so that `fsync` waits less.

    Linux does so when a program says that it will not read them soon, and it does not wait: an
    error of the disk is left to `fsync`. Other systems may do nothing.
    """
    if hasattr(os, "posix_fadvise"):
        with suppress(OSError):
            os.posix_fadvise(file.fileno(), begin, count, os.POSIX_FADV_DONTNEED)
