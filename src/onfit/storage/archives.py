"""Zip files from elsewhere: what they would cost is checked before they are unpacked."""

import os
import zipfile
from typing import IO, Any

import numpy as np

from onfit._types import StrPath
from onfit.storage.array_file import bytes_of, read_into
from onfit.storage.foreign import require_explained

Array = np.ndarray[Any, Any]

_ARRAY = ".npy"
_HEADERS = {
    (1, 0): np.lib.format.read_array_header_1_0,
    (2, 0): np.lib.format.read_array_header_2_0,
}


def read_npz(source: StrPath | IO[bytes]) -> dict[str, Array]:
    """The arrays of a file of `numpy.savez`, by name. Nothing is unpickled.

    Args:
        source: the path of the file, or the file, open to read bytes.

    Raises:
        BadZipFile: if it is damaged.
        ValueError: if it is something else, or its arrays are too large to be true.
    """
    with zipfile.ZipFile(source) as archive:
        names = archive.namelist()
        members = [sound_info(archive, name) for name in names if name.endswith(_ARRAY)]
        claimed = sum(info.file_size for info in members)
        require_explained(claimed, _size(archive), "arrays")
        return {info.filename.removesuffix(_ARRAY): _array(archive, info) for info in members}


def _size(archive: zipfile.ZipFile) -> int:
    assert archive.fp is not None  # it is open
    return archive.fp.seek(0, os.SEEK_END)


def _array(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> Array:
    with archive.open(info) as member:
        shape, by_columns, kind = _header(member, info.filename)
        if kind.hasobject:
            raise ValueError(f"its {info.filename} holds objects, which would have to be unpickled")
        if member.tell() + bytes_of(kind, shape) != info.file_size:
            raise ValueError(f"its {info.filename} has not the size of an array of shape {shape}")
        array = np.empty(shape, kind, order="F" if by_columns else "C")
        read_into(member, array)
        member.read(1)  # at its end the zip library compares the checksum
    return array


def _header(member: IO[bytes], name: str) -> Any:
    version = np.lib.format.read_magic(member)
    if version not in _HEADERS:
        raise ValueError(f"its {name} has the format {version}")
    try:
        return _HEADERS[version](member)
    except Exception as error:  # of whatever reads Python's text for numpy
        raise ValueError(f"its {name} has no header of an array") from error


def read_member(archive: zipfile.ZipFile, name: str) -> bytes:
    """All of a member, after a check that its size can be true; the zip library compares checksums.

    Raises:
        BadZipFile: if it is damaged.
        ValueError: if it is too large to be true, or packed in another way than zip's own.
    """
    info = sound_info(archive, name)
    with archive.open(info) as member:
        return member.read(info.file_size)


def sound_info(archive: zipfile.ZipFile, name: str) -> zipfile.ZipInfo:
    """What the archive says of a member, after a check of what that would cost; errors are those of
    `read_member`.
    """
    info = archive.getinfo(name)
    # The zip library unpacks the others to the end, however little of them is asked for.
    if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise ValueError(f"its {name} is packed in a way that is not known here")
    if info.compress_type == zipfile.ZIP_STORED and info.file_size != info.compress_size:
        raise zipfile.BadZipFile(f"its {name} has two sizes")
    if info.header_offset + info.compress_size > archive.start_dir:  # the list of all members
        raise zipfile.BadZipFile(f"its {name} is larger than what stands before its end")
    require_explained(info.file_size, info.compress_size, name)
    return info
