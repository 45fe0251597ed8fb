"""A member of a zip file, written and read as HDF5 needs it: back and forth, and in its place.

The zip library writes members from front to back, so that HDF5 would have to go to another file
first: twice the bytes to write. Members that are not packed are bytes in a row, and HDF5 takes
them for a file.
"""

import io
import os
import struct
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

from onfit.saving.formats.stretch import Stretch
from onfit.storage.background import BackgroundWriter

# A few bytes that claim to be many are there to fill the memory. Weights shrink little.
_MOST_TIMES, _MOST_UNPACKED = 100, 1 << 28


@contextmanager
def first_member(path: Path, archive: zipfile.ZipFile, name: str) -> Iterator[Stretch]:
    """Give a stretch to write, which becomes the first member of a new zip file.

    Args:
        path: the zip file's.
        archive: the zip file, open to write and with nothing in it.
        name: the member's.
    """
    info = zipfile.ZipInfo(name, datetime.now().timetuple()[:6])
    info.external_attr = 0o600 << 16
    info.CRC = info.header_offset = 0
    begin = len(info.FileHeader(zip64=True))
    with open(path, "rb+", buffering=0) as file:
        member = Stretch(file, begin)
        try:
            yield member
        finally:
            member.require_written()  # rather than what HDF5 made of it
        flushing = BackgroundWriter()
        flushing.start(lambda: os.fsync(file.fileno()))  # which takes its time, as the sum does
        try:
            info.CRC = member.checksum()
        finally:
            flushing.wait()
        info.file_size = info.compress_size = member.size
        file.seek(0)
        file.write(info.FileHeader(zip64=True))
    archive.filelist.append(info)
    archive.NameToInfo[name] = info
    archive.start_dir = begin + member.size  # where the next member goes


def checked_member(archive: zipfile.ZipFile, file: Any, name: str) -> Any:
    """A member as a file of its own, whose bytes are those that were written.

    Args:
        archive: the zip file.
        file: the same, open to read bytes.
        name: the member's.

    Raises:
        BadZipFile: if a byte is another.
    """
    info = archive.getinfo(name)
    if info.compress_type != zipfile.ZIP_STORED:  # somebody packed it: so it must be unpacked
        if info.file_size > max(_MOST_UNPACKED, _MOST_TIMES * info.compress_size):
            raise zipfile.BadZipFile(f"its {name} is too large to be true")
        with archive.open(info) as packed:
            return io.BytesIO(packed.read())
    with archive.open(info):  # which checks what stands before it
        pass
    # What stands before the bytes: 30 bytes, the name, and more; the last two have their lengths.
    file.seek(info.header_offset)
    head = file.read(30)
    lengths = struct.unpack("<2H", head[26:])
    begin = info.header_offset + len(head) + sum(lengths)
    member = Stretch(file, begin, info.file_size)
    if member.checksum() != info.CRC:
        raise zipfile.BadZipFile(f"its {name} is not what was written")
    return member
