"""Weights that lie in pieces on several processes: taken down piece by piece, and put together by
any number of processes.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple, Protocol

import numpy as np
import torch
from torch import Tensor

from onfit.errors import FileFormatError
from onfit.layers.wrappers import is_divided, put, region_of, whole

Array = np.ndarray[Any, Any]


class TakesDown(Protocol):
    """Takes a tensor down as what a checkpoint can hold."""

    def __call__(self, tensor: Tensor) -> Any:
        """A copy in the machine's memory, or what says where its pieces are."""


def copied(tensor: Tensor) -> Tensor:
    """A copy in the machine's memory: the device may have no room for a second model."""
    return whole(tensor.detach()).to("cpu", copy=True)


class _Piece(NamedTuple):
    """Where a piece lies in its tensor.

    Attributes:
        number: that of the tensor, among those that are in pieces.
        begin: its first place on each axis.
        shape: its lengths.
    """

    number: int
    begin: tuple[int, ...]
    shape: tuple[int, ...]

    @classmethod
    def of(cls, name: str) -> "_Piece":
        number, begin, shape = json.loads(name)
        return cls(number, tuple(begin), tuple(shape))


class Pieces:
    """Takes tensors down: of those that are divided what this process has, and no more.

    Every process takes the same tensors down, in the same order.

    Attributes:
        own: the bytes of this process' pieces, by names that say where they lie.
    """

    def __init__(self) -> None:
        self.own: dict[str, Array] = {}
        self._count = 0

    def __call__(self, tensor: Tensor) -> Any:
        if not is_divided(tensor):
            return copied(tensor)
        begin, local = region_of(tensor.detach())
        number, self._count = self._count, self._count + 1
        if local.numel():
            name = json.dumps(_Piece(number, begin, tuple(local.shape)))
            held = local.to("cpu", copy=True).contiguous()
            self.own[name] = held.reshape(-1).view(torch.uint8).numpy()
        kind = str(tensor.dtype).removeprefix("torch.")
        return {"in_pieces": number, "shape": list(tensor.shape), "dtype": kind}


def shape_of(saved: Any) -> tuple[int, ...]:
    """The shape of a tensor, or of what `Pieces` has of one."""
    return tuple(saved["shape"] if is_in_pieces(saved) else saved.shape)


def is_in_pieces(saved: Any) -> bool:
    """Whether something is what `Pieces` has of a tensor."""
    return isinstance(saved, dict) and "in_pieces" in saved


class FoundPieces:
    """The pieces that all processes have left.

    Args:
        files: for each process its pieces, by name.
    """

    def __init__(self, files: Iterable[Mapping[str, Array]]) -> None:
        self._of: dict[int, dict[_Piece, Array]] = {}
        for file in files:
            for name, array in file.items():
                piece = _Piece.of(name)
                self._of.setdefault(piece.number, {})[piece] = array

    def fill(self, target: Tensor, saved: Any) -> None:
        """Put what was saved of a tensor into one of the same shape, whole or divided.

        Raises:
            FileFormatError: if the pieces do not cover it.
        """
        begin, local = region_of(target)
        missing = local.numel()
        with torch.no_grad():
            for piece, array in self._of.get(saved["in_pieces"], {}).items():
                here = list(_common(begin, local.shape, piece))
                if all(length > 0 for *_, length in here):
                    part = _tensor_of(array, piece, saved["dtype"])
                    found = part[tuple(slice(a, a + n) for _, a, n in here)]
                    local[tuple(slice(a, a + n) for a, _, n in here)].copy_(found)
                    missing -= found.numel()
        if missing:
            raise FileFormatError(
                f"the pieces of a tensor of shape {tuple(saved['shape'])} in the checkpoint do not "
                f"cover it: {missing} numbers are not there. Move the checkpoint away to go on "
                "from the one before, or give this run another folder."
            )


def put_saved(tensor: Tensor, saved: Any, pieces: FoundPieces | None) -> None:
    """Copy what was saved of a tensor into it."""
    if not is_in_pieces(saved):
        put(tensor, saved)
    elif pieces is None:
        raise ValueError("pieces of weights are not there")
    else:
        pieces.fill(tensor, saved)


def _common(
    begin: tuple[int, ...], shape: Iterable[int], piece: _Piece
) -> Iterator[tuple[int, int, int]]:
    """Of the part that both have, on each axis: where it begins in each of them, and its length."""
    for mine, length, its, its_length in zip(begin, shape, piece.begin, piece.shape, strict=True):
        first = max(mine, its)
        yield first - mine, first - its, min(mine + length, its + its_length) - first


def _tensor_of(array: Array, piece: _Piece, kind: str) -> Tensor:
    dtype: torch.dtype = getattr(torch, kind)
    return torch.from_numpy(array).view(dtype).reshape(piece.shape)
