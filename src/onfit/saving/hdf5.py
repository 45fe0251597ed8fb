"""An HDF5 file from elsewhere, of which only what it holds itself is read.

Groups and datasets are found by hard links alone, from the root on: other links lead to other
places or files. No object has two names, so that none is walked twice. Shapes are known, and added
up, before a number is read.
"""

import math
import zlib
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import numpy as np
import torch

from onfit.saving.contents import Array, Declared, Value
from onfit.storage.foreign import read_json, require_explained

Block = AbstractContextManager[None]

# HDF5's numbers for the filters gzip, shuffle and fletcher32. Others are libraries of their own.
_GZIP = 1
_FILTERS = {_GZIP: "gzip", 2: "shuffle", 3: "fletcher32"}
_PIECE = 1 << 20
# What a checksum and the head of a packed chunk add at most.
_MARGIN = 1 << 10


class Found:
    """The groups and datasets of an open file.

    Args:
        file: an `h5py.File`.
        size: how many bytes the file has.
        parsing: gives a block that makes errors of its own out of those in reading numbers.
    """

    def __init__(self, file: Any, size: int, parsing: Callable[[], Block]) -> None:
        self.root = file["/"]
        self.parsing = parsing
        self._size, self._claimed = size, 0
        self._paths: dict[int, str] = {_address(self.root): "/"}
        self._read: set[str] = set()

    # --- groups ------------------------------------------------------------------------------

    def inside(self, group: Any, path: str) -> Any:
        """The group or dataset under a path in a group.

        Raises:
            KeyError: if there is none.
            ValueError: if the path leaves the file, or leads to an object with two names.
        """
        for name in filter(None, path.split("/")):
            group = self._child(group, name)
        return group

    def _child(self, group: Any, name: str) -> Any:
        import h5py

        path = f"{group.name.rstrip('/')}/{name}"
        if name not in group:
            raise ValueError(f"{path} is missing")
        link = group.id.links.get_info(name.encode())
        if link.type != h5py.h5l.TYPE_HARD:
            raise ValueError(f"{path} leads elsewhere")
        if self._paths.setdefault(link.u, path) != path:
            raise ValueError(f"{path} and {self._paths[link.u]} are the same")
        return group[name]

    # --- attributes --------------------------------------------------------------------------

    def text(self, group: Any, key: str) -> str | None:
        """The text of an attribute; None if it is not there."""
        return None if key not in group.attrs else as_text(self._attribute(group, key))

    def json(self, group: Any, key: str) -> dict[str, Any] | None:
        """What an attribute says in JSON; None if it is not there.

        Raises:
            ValueError: if it is no JSON, or not of a dict.
        """
        text = self.text(group, key)
        found = None if text is None else read_json(text, key)
        if found is not None and not isinstance(found, dict):
            raise ValueError(f"its {key} says nothing of a model")
        return found

    def names(self, group: Any, key: str) -> list[str] | None:
        """The names under `key`, or spread over `key0`, `key1` ...; None if there are neither."""
        if key in group.attrs:
            return [as_text(name) for name in self._attribute(group, key)]
        if f"{key}0" not in group.attrs:
            return None
        names: list[str] = []
        index = 0
        while f"{key}{index}" in group.attrs:
            names += [as_text(name) for name in self._attribute(group, f"{key}{index}")]
            index += 1
        return names

    def _attribute(self, group: Any, key: str) -> Any:
        attribute = group.attrs.get_id(key)
        # Texts of any length stand elsewhere in the file; each may be as long as that.
        each = self._size if attribute.dtype.kind == "O" else attribute.dtype.itemsize
        self._claim(math.prod(attribute.shape) * each if attribute.shape else 0, key)
        return group.attrs[key]

    # --- weights -----------------------------------------------------------------------------

    def weight(self, dataset: Any) -> Declared:
        """The weight in a dataset, of which no number is read yet.

        Raises:
            ValueError: if it holds something else, or its numbers are not in this file.
        """
        _require_own_numbers(dataset)
        if dataset.name in self._read:
            raise ValueError(f"weight {dataset.name!r} is named twice")
        self._read.add(dataset.name)
        sizes = [dataset.shape, *([dataset.chunks] if dataset.chunks else [])]
        claimed = max(math.prod(shape) for shape in sizes) * dataset.dtype.itemsize
        self._claim(claimed, f"weight {dataset.name!r}")
        return Declared(dataset.shape, lambda: self._numbers(dataset))

    def _numbers(self, dataset: Any) -> Value:
        with self.parsing():
            return _numbers(dataset)

    def _claim(self, size: int, what: str) -> None:
        self._claimed += size
        require_explained(self._claimed, self._size, what)


def as_text(value: Any) -> str:
    """A text from HDF5, which keeps texts as bytes or as str."""
    return value.decode() if isinstance(value, bytes) else str(value)


def _address(item: Any) -> int:
    import h5py

    address: int = h5py.h5o.get_info(item.id).addr
    return address


def _require_own_numbers(dataset: Any) -> None:
    import h5py

    if not isinstance(dataset, h5py.Dataset):
        raise ValueError(f"{dataset.name!r} is no weight")
    if dataset.external or dataset.is_virtual:
        raise ValueError(f"weight {dataset.name!r} is not in this file but in another")
    if dataset.dtype.kind not in "biufc" and not _is_bfloat16(dataset):
        raise ValueError(
            f"weight {dataset.name!r} holds values of type {dataset.dtype}, not numbers"
        )
    if dataset.shape is None:
        raise ValueError(f"weight {dataset.name!r} is empty")


def _is_bfloat16(dataset: Any) -> bool:
    """Whether it is what Keras writes for weights of that type."""
    kind = dataset.dtype
    return bool(kind == "V2" and dataset.attrs.get("dtype") == "bfloat16")


def _numbers(dataset: Any) -> Value:
    _require_known_packing(dataset)
    if dataset.dtype.kind == "V":
        return torch.from_numpy(np.asarray(dataset).view(np.int16)).view(torch.bfloat16)
    # In the byte order of this machine: the file may come from another kind of machine.
    array: Array = np.asarray(dataset, dtype=dataset.dtype.newbyteorder("="))
    return array


def _require_known_packing(dataset: Any) -> None:
    """Check that each chunk unpacks to what a chunk may be: HDF5 takes all that comes out of it."""
    made = dataset.id.get_create_plist()
    filters = [made.get_filter(index)[0] for index in range(made.get_nfilters())]
    if not set(filters) <= _FILTERS.keys():
        raise ValueError(f"weight {dataset.name!r} is packed in a way that is not known here")
    if _GZIP not in filters:
        return
    most = math.prod(dataset.chunks) * dataset.dtype.itemsize + _MARGIN
    places: list[Any] = []
    dataset.id.chunk_iter(lambda chunk: places.append(chunk.chunk_offset))
    for place in places:
        left_out, packed = dataset.id.read_direct_chunk(place)
        packs = not left_out >> filters.index(_GZIP) & 1
        if packs and _unpacked_size(packed, most) > most:
            raise ValueError(f"weight {dataset.name!r} unpacks to more than it is")


def _unpacked_size(packed: bytes, most: int) -> int:
    """How many bytes come out, counted until there are more than `most`."""
    unpacking, size = zlib.decompressobj(), 0
    while size <= most and not unpacking.eof:
        piece = unpacking.decompress(packed, _PIECE)
        if not piece:
            break
        size, packed = size + len(piece), unpacking.unconsumed_tail
    return size
