"""A file for HDF5 to write to that a full disk does not bring down.

HDF5 does not survive an error in the middle of writing: what it holds in memory cannot be put on
the disk when it is closed, and the process dies of that. So it is given a file that takes all.
"""

import io
import os
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from onfit.storage.background import BackgroundWriter

_PIECE = 1 << 24
# Less is not worth a thread.
_MUCH = 1 << 25


@contextmanager
def new_h5(path: Path) -> Iterator[Any]:
    """Give a new, empty `h5py.File` at `path`.

    Raises:
        OSError: when the block has ended, if not all could be written.
    """
    import h5py  # here, because a training that writes no file need not wait for it

    with open(path, "wb+", buffering=0) as raw:
        stretch = Stretch(raw)
        try:
            with h5py.File(stretch, "w") as file:
                yield file
        finally:
            stretch.require_written()  # rather than what HDF5 made of it


class Stretch(io.RawIOBase):
    """A stretch of an open file as a file of its own.

    What goes wrong in writing is kept, and what comes after it is left out, until HDF5 is done
    and `require_written` tells.

    Args:
        file: the open file, unbuffered.
        begin: where the stretch begins.
        size: how many bytes it has; it grows when written to.
    """

    def __init__(self, file: Any, begin: int = 0, size: int = 0) -> None:
        self._file, self._begin, self.size, self._at = file, begin, size, 0
        self._wrong: BaseException | None = None
        self._flushing, self._unflushed = BackgroundWriter(), 0

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Go to a place in the stretch."""
        self._at = offset + {os.SEEK_SET: 0, os.SEEK_CUR: self._at, os.SEEK_END: self.size}[whence]
        return self._at

    def tell(self) -> int:
        """Where it is."""
        return self._at

    def readinto(self, buffer: Any) -> int:
        """Fill `buffer` as far as there is something."""
        view = memoryview(buffer).cast("B")[: max(0, self.size - self._at)]
        self._file.seek(self._begin + self._at)
        done = 0
        while done < len(view):  # the system takes two gigabytes at once, no more
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
            self._flush_along(count)

    def _flush_along(self, count: int) -> None:
        """Let the disk take what there is while more is written, rather than all at the end."""
        self._unflushed += count
        if self._unflushed >= _MUCH and not self._flushing.busy:
            self._unflushed = 0
            self._flushing.start(lambda: os.fsync(self._file.fileno()))

    def truncate(self, size: int | None = None) -> int:
        """Make it end there."""
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
        """Raise what went wrong in writing, if anything did. The file may be closed after that."""
        try:
            self._flushing.wait()
        except OSError as error:
            self._wrong = self._wrong or error
        if self._wrong is not None:
            raise self._wrong

    def checksum(self) -> int:
        """The sum by which zip files know whether a byte is another."""
        piece, crc = bytearray(_PIECE), 0
        self.seek(0)
        while count := self.readinto(piece):
            crc = zlib.crc32(memoryview(piece)[:count], crc)
        return crc
