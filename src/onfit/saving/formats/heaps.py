"""The heaps in which an HDF5 file keeps its texts, looked through before HDF5 reads them.

In a damaged heap an object may have a size so large that HDF5, which adds it up, comes back to
where it was, and goes round for ever.
"""

from typing import IO

_BEGIN = b"GCOL\x01\0\0\0"
_HEAD, _OBJECT = 16, 16
_PIECE = 1 << 20


def require_sound_heaps(file: IO[bytes]) -> None:
    """Check that the objects of each heap lie in it.

    Args:
        file: the HDF5 file, open to read.

    Raises:
        ValueError: if one does not.
    """
    begin, kept = 0, b""
    file.seek(0)
    while piece := file.read(_PIECE):
        content = kept + piece
        place = content.find(_BEGIN)
        while place >= 0:
            after = begin + len(content)
            _require_sound(file, begin + place)
            file.seek(after)
            place = content.find(_BEGIN, place + 1)
        kept = content[-len(_BEGIN) + 1 :]
        begin += len(content) - len(kept)


def _require_sound(file: IO[bytes], place: int) -> None:
    file.seek(place + 8)
    size = int.from_bytes(file.read(8), "little")
    file.seek(place)
    heap = file.read(min(size, 1 << 26))
    at = _HEAD
    while at + _OBJECT <= len(heap):
        index, length = (
            int.from_bytes(heap[at + a : at + b], "little") for a, b in ((0, 2), (8, 16))
        )
        if not index:  # what is left is free
            return
        if length > size:
            raise ValueError("a text in it claims to be larger than where it stands")
        at += _OBJECT + -(-length // 8) * 8
