"""Nested plain data with arrays in it, as JSON and arrays apart, and back. Nothing is pickled."""

import array
import io
import json
from contextlib import suppress
from functools import partial
from typing import Any

import numpy as np

from onfit.core.packages import marked, owner_of
from onfit.core.packages.plain import ATOMS
from onfit.errors import ArgumentTypeError
from onfit.storage.archives import read_npz

Array = np.ndarray[Any, Any]

# Marks, in JSON, what JSON has no word for. No user's dict has such a key by accident.
_MARK = "onfit:"
_TUPLE, _ARRAY, _SCALAR, _ELEMENT, _PAIRS, _BYTES, _RAW, _NUMBERS = (
    f"{_MARK}{word}"
    for word in ("tuple", "array", "scalar", "element", "pairs", "bytes", "raw", "numbers")
)
# A list of so many floats, or ints, is kept as an array, as so many bytes are. A history has one
# number for each epoch, and may be saved after each: as text that would take longer and longer.
_MANY = 32
_KINDS = {float: "f8", int: "i8"}
_IN_TEXT = "biuf"
_OF_JSON = frozenset(ATOMS) - {bytes}


def packed(tree: Any) -> tuple[str, dict[str, Array]]:
    """The tree as text, and the arrays that the text refers to.

    Raises:
        ArgumentTypeError: naming what is no plain data.

    >>> text, arrays = packed({"wait": 2, "weights": (np.zeros(3),)})
    >>> list(arrays)
    ['0']
    """
    arrays: dict[str, Array] = {}
    plain = _plain(tree, arrays)
    try:
        return json.dumps(plain), arrays
    except ValueError as error:
        raise ArgumentTypeError(
            f"a number is too large to be kept: {error}. Keep it as text, or leave it out."
        ) from error


def unpacked(text: str, arrays: dict[str, Array]) -> Any:
    """What `packed` took apart."""
    return _restored(json.loads(text), arrays)


def as_bytes(tree: Any) -> bytes:
    """The tree as bytes, for a file that another library writes.

    Raises:
        ArgumentTypeError: naming what is no plain data.

    >>> from_bytes(as_bytes({"wait": 2, "best": None}))
    {'wait': 2, 'best': None}
    """
    text, arrays = packed(tree)
    stream = io.BytesIO()
    written = {f"a{key}": arrays[key] for key in arrays}
    np.savez(stream, allow_pickle=False, text=np.array(text), **written)
    return stream.getvalue()


def from_bytes(data: bytes) -> Any:
    """What `as_bytes` received."""
    found = read_npz(io.BytesIO(data))
    arrays = {key.removeprefix("a"): found[key] for key in found}
    return unpacked(str(arrays.pop("text")), arrays)


def _plain(value: Any, arrays: dict[str, Array]) -> Any:
    kind = type(value)
    if kind in _OF_JSON:
        return value
    if kind is dict:  # most of a tree is dicts and lists: no package is asked for these
        return _plain_dict(value, arrays)
    if kind is list:
        return _plain_list(value, arrays)
    if kind is array.array:
        return {_NUMBERS: _kept(np.array(value), arrays)}
    owner = owner_of(value)
    if owner is not None:
        if owner.mark:
            return {_MARK + owner.mark: owner.packed(value, partial(_kept, arrays=arrays))}
        return _plain_array(value, arrays)
    if isinstance(value, float):
        return float(value)
    if isinstance(value, tuple):
        return {_TUPLE: _plain_list(value, arrays)}
    if isinstance(value, list):
        return _plain_list(value, arrays)
    if isinstance(value, dict):
        return _plain_dict(value, arrays)
    if isinstance(value, bytes):
        return _plain_bytes(value, arrays)
    raise ArgumentTypeError(
        f"{value!r} of type {type(value).__name__} is no plain data. Numbers, text, arrays, "
        "tensors, and lists and dicts of them can be kept."
    )


def _plain_list(values: list[Any] | tuple[Any, ...], arrays: dict[str, Array]) -> Any:
    if len(values) >= _MANY and len(kinds := set(map(type, values))) == 1:
        kind = _KINDS.get(kinds.pop())
        with suppress(OverflowError):  # an int of more than 64 bits
            if kind is not None:
                return {_NUMBERS: _kept(np.array(values, kind), arrays)}
    return [_plain(item, arrays) for item in values]


def _plain_bytes(value: bytes, arrays: dict[str, Array]) -> Any:
    if len(value) < _MANY:
        return {_BYTES: value.hex()}
    return {_RAW: _kept(np.frombuffer(value, np.uint8), arrays)}


def _plain_array(value: Any, arrays: dict[str, Array]) -> Any:
    if isinstance(value, np.ndarray):
        return {_ARRAY: _kept(value, arrays)}
    # As text where text can say it, to the last bit: there may be thousands, and an array each
    # would be slow.
    if value.dtype.kind in _IN_TEXT and value.dtype.itemsize <= 8:
        return {_SCALAR: [value.dtype.str, value.item()]}
    return {_ELEMENT: _kept(np.asarray(value), arrays)}


def _plain_dict(value: dict[Any, Any], arrays: dict[str, Array]) -> Any:
    for key in value:
        if type(key) is not str or key.startswith(_MARK):
            return {_PAIRS: [[_plain(k, arrays), _plain(v, arrays)] for k, v in value.items()]}
    return {key: _plain(item, arrays) for key, item in value.items()}


def _kept(numbers: Array, arrays: dict[str, Array]) -> str:
    key = str(len(arrays))
    arrays[key] = numbers
    return key


def _restored(value: Any, arrays: dict[str, Array]) -> Any:
    if isinstance(value, list):
        return [_restored(item, arrays) for item in value]
    if not isinstance(value, dict):
        return value
    if len(value) == 1:
        mark, content = next(iter(value.items()))
        if mark in _RESTORERS:
            return _RESTORERS[mark](content, arrays)
        package = marked(mark.removeprefix(_MARK)) if mark.startswith(_MARK) else None
        if package is not None:
            return package.unpacked(content, arrays)
    return {key: _restored(item, arrays) for key, item in value.items()}


def _scalar(kind: str, value: Any) -> Any:
    found = np.dtype(kind)
    if found.kind not in _IN_TEXT:  # a type of records takes as many bytes as it says
        raise ValueError(f"{kind} is no kind of number")
    return found.type(value)


_RESTORERS: dict[str, Any] = {
    _TUPLE: lambda content, arrays: tuple(_restored(content, arrays)),
    _NUMBERS: lambda content, arrays: arrays[content].tolist(),
    _ARRAY: lambda content, arrays: arrays[content],
    _SCALAR: lambda content, arrays: _scalar(*content),
    _ELEMENT: lambda content, arrays: arrays[content][()],
    _PAIRS: lambda content, arrays: {
        _restored(key, arrays): _restored(item, arrays) for key, item in content
    },
    _BYTES: lambda content, arrays: bytes.fromhex(content),
    _RAW: lambda content, arrays: arrays[content].tobytes(),
}
