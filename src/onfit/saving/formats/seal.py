"""A checksum behind the end of an HDF5 file.

HDF5 has none for what it holds, and looks at no byte behind its end. So the checksum of the file
stands there, in the last 16 bytes, and other readers pass over it. What changes a file with HDF5
cuts it off, and files of others have none: they are read without one.
"""

import os
import struct
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import IO

from onfit.saving.formats.heaps import require_sound_heaps
from onfit.storage.sums import checksum_of

_MARK = b"onfitsum"
_SEAL = struct.Struct("<II8s")
_SIGNATURE = b"\x89HDF\r\n\x1a\n"
# Where HDF5 says how long its file is, by the version of its first block.
_LENGTH_AT = {0: 40, 2: 28, 3: 28}
# A larger file is summed up in a thread while HDF5 reads it.
_LARGE = 1 << 22


def seal(file: IO[bytes]) -> None:
    """Add the checksum to a file that is open without a buffer."""
    size = file.seek(0, os.SEEK_END)
    found = checksum_of(file, size)
    file.seek(size)
    file.write(_SEAL.pack(found, found ^ 0xFFFFFFFF, _MARK))


@contextmanager
def checking(path: str) -> Iterator[Callable[[], None]]:
    """Compare a file with its checksum, if it has one.

    It gives a function to call before what was read is used. A small file is compared at once.

    Raises:
        ValueError: here or from that function, if the file is not as it was written.
    """
    if os.path.getsize(path) < _LARGE:
        _compare(path)
        yield lambda: None
        return
    with ThreadPoolExecutor(1) as thread:
        comparison = thread.submit(_compare, path)
        yield comparison.result


def _compare(path: str) -> None:
    with open(path, "rb", buffering=0) as file:
        size = file.seek(0, os.SEEK_END) - _SEAL.size
        if size < 0:
            return
        file.seek(size)
        found, inverse, mark = _SEAL.unpack(file.read(_SEAL.size))
        damaged = _length(file) == size  # then the 16 bytes are a seal, whatever is in them
        if mark == _MARK:
            damaged = found != inverse ^ 0xFFFFFFFF or found != checksum_of(file, size)
        elif not damaged:
            require_sound_heaps(file)
    if damaged:
        raise ValueError("it is not as it was written: its checksum is another")


def _length(file: IO[bytes]) -> int | None:
    """How long HDF5 says that its file is."""
    file.seek(0)
    head = file.read(48)
    begin = _LENGTH_AT.get(head[8]) if head.startswith(_SIGNATURE) and len(head) == 48 else None
    return None if begin is None else int.from_bytes(head[begin : begin + 8], "little")
