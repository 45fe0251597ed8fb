"""Arrays in a file: a line of JSON says what they are, and their bytes follow, one array after the
other. It takes a tenth of the time of an archive of many small files.
"""

import json
from collections.abc import Iterable, Iterator
from math import prod
from pathlib import Path
from typing import IO, Any

import numpy as np

Array = np.ndarray[Any, Any]

# What a file says of its arrays is read up to here; the rest would not be of this format.
_LONGEST_LINE = 1 << 28


def pieces(arrays: dict[str, Array]) -> Iterator[bytes | memoryview]:
    """What a file of these arrays consists of, in order.

    >>> [bytes(each) for each in pieces({"0": np.array([65, 66], "u1")})][-1]
    b'AB'
    """
    listed = [(name, array.dtype.str, array.shape) for name, array in arrays.items()]
    yield json.dumps(listed).encode() + b"\n"
    for array in arrays.values():
        if array.nbytes:
            yield _bytes_in(np.ascontiguousarray(array))


def read(file: IO[bytes], size: int) -> dict[str, Array]:
    """The arrays of a file of `size` bytes. It takes no more memory than the file has bytes.

    Raises:
        ValueError: if the file is something else, or has more or fewer bytes than its arrays.
    """
    line = file.readline(min(size, _LONGEST_LINE))
    listed = [(name, _kind(kind), tuple(shape)) for name, kind, shape in json.loads(line)]
    claimed = len(line) + sum(bytes_of(kind, shape) for _, kind, shape in listed)
    if claimed != size:
        raise ValueError(f"its arrays would be {claimed} bytes, and it has {size}")
    return {name: read_into(file, np.empty(shape, kind)) for name, kind, shape in listed}


def mapped(path: Path) -> dict[str, Array]:
    """The arrays of a file, of which only what is looked at is read. They cannot be changed.

    Raises:
        ValueError: as `read`.
    """
    with open(path, "rb") as file:
        line = file.readline(_LONGEST_LINE)
    content: Array = np.memmap(path, np.uint8, mode="c")
    found, begin = {}, len(line)
    for name, kind, shape in json.loads(line):
        end = begin + bytes_of(_kind(kind), shape)
        found[name] = content[begin:end].view(_kind(kind)).reshape(shape)
        begin = end
    if begin != content.size:
        raise ValueError(f"its arrays would be {begin} bytes, and it has {content.size}")
    return found


def _kind(text: str) -> np.dtype[Any]:
    kind = np.dtype(text)
    if kind.hasobject:
        raise ValueError("its arrays hold objects")
    return kind


def bytes_of(kind: np.dtype[Any], shape: Iterable[int]) -> int:
    """How many bytes the numbers of an array have.

    Raises:
        ValueError: for what is no shape.
    """
    if any(type(length) is not int or length < 0 for length in shape):
        raise ValueError(f"{shape} is no shape")
    return kind.itemsize * prod(shape)


def read_into(file: IO[bytes], array: Array) -> Array:
    """Fill an array that is new with what comes next in a file; the same array."""
    if array.nbytes:
        file.readinto(_bytes_in(array))  # type: ignore[attr-defined]
    return array


def _bytes_in(array: Array) -> memoryview:
    """The bytes of an array without gaps, in the order in which they are in memory."""
    flat: Any = array.reshape(-1, order="A").view(np.uint8)
    return memoryview(flat)
