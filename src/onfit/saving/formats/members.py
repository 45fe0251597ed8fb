"""A member of a zip file, written and read by HDF5, which goes back and forth in its file.

The zip library writes and reads a member from front to back. So HDF5 writes to a temporary file,
which is then copied into the zip file. Nothing is copied to read: a member that is not packed is
bytes in a row, which HDF5 takes for a file.
"""

import io
import os
import struct
import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

from onfit.saving.formats.stretch import Stretch, begin_writeback
from onfit.storage.archives import read_member, sound_info

# What is copied, or summed up, at once: it stays in the processor's cache meanwhile.
_PIECE = 1 << 20


@contextmanager
def new_member(path: Path, archive: zipfile.ZipFile, name: str) -> Iterator[Stretch]:
    """Give a file for HDF5 to write, which becomes a member of a new zip file.

    Args:
        path: the path of the zip file.
        archive: the zip file, open to write.
        name: the name of the member.
    """
    with tempfile.TemporaryFile(dir=path.parent, buffering=0) as raw:
        written = Stretch(raw)
        try:
            yield written
        finally:
            written.require_written()  # this error, not the one that HDF5 makes of it
        raw.seek(0)
        info = zipfile.ZipInfo(name, datetime.now().timetuple()[:6])
        with open(path, "rb") as file, archive.open(info, "w", force_zip64=True) as member:
            piece, done = bytearray(_PIECE), 0
            while count := raw.readinto(piece):
                member.write(memoryview(piece)[:count])
                begin, done = done, file.seek(0, os.SEEK_END)
                begin_writeback(file, begin, done - begin)


def checked_member(archive: zipfile.ZipFile, file: Any, name: str) -> tuple[Any, int]:
    """A member as a file of its own, and how many bytes of the archive it is, after a check that
    they are those that were written.

    Args:
        archive: the zip file.
        file: the same, open to read bytes.
        name: the name of the member.

    Raises:
        BadZipFile: if a byte is another.
        ValueError: as `read_member`.
    """
    info = sound_info(archive, name)
    if info.compress_type != zipfile.ZIP_STORED:  # another program packed it
        return io.BytesIO(read_member(archive, name)), info.compress_size
    with archive.open(info) as member:
        while member.read(_PIECE):  # the zip library compares the checksum at the end
            pass
    # What stands before the bytes: 30 bytes, the name, and more; the last two have their lengths.
    file.seek(info.header_offset)
    head = file.read(30)
    lengths = struct.unpack("<2H", head[26:])
    begin = info.header_offset + len(head) + sum(lengths)
    return Stretch(file, begin, info.file_size), info.file_size
