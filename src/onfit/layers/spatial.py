"""Spatial data: the position of its channels, and its padding."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch.nn.functional as F
from torch import Tensor

from onfit.layers.checks import one_of, require_rank
from onfit.layers.layer import Layer

_SPACE = {1: ("steps",), 2: ("height", "width"), 3: ("depth", "height", "width")}


@dataclass(frozen=True)
class Layout:
    """Where the channels are: after the axes of space (Keras' way) or before them (torch's).

    Attributes:
        rank: how many axes of space there are.
        data_format: `"channels_last"` or `"channels_first"`.
    """

    rank: int
    data_format: str

    @classmethod
    def of(cls, layer: Layer, rank: int, data_format: Any) -> "Layout":
        """The layout that an argument `data_format` means; None is Keras' way."""
        options = ("channels_last", "channels_first")
        return cls(rank, one_of(layer, "data_format", data_format or options[0], options))

    @property
    def last(self) -> bool:
        """Whether the channels come last."""
        return self.data_format == "channels_last"

    @property
    def channels(self) -> int:
        """The axis of the channels."""
        return -1 if self.last else 1

    def check(self, layer: Layer, shape: Sequence[Any]) -> None:
        """Check that inputs of `shape` have the right number of axes.

        Raises:
            ShapeError: if not. The text names the expected axes.
        """
        space = _SPACE[self.rank]
        axes = (*space, "channels") if self.last else ("channels", *space)
        require_rank(layer, shape, ("batch", *axes))

    def to_torch(self, x: Tensor) -> Tensor:
        """A view with the channels where torch has them."""
        return x.movedim(-1, 1) if self.last else x

    def from_torch(self, x: Tensor) -> Tensor:
        """A view of torch's output with the channels where this layout has them."""
        return x.movedim(1, -1) if self.last else x


# For each axis of space, how much padding goes before and how much after.
Margins = list[tuple[int, int]]


def same_margins(
    lengths: Sequence[int],
    window: Sequence[int],
    strides: Sequence[int],
    dilation: Sequence[int],
) -> Margins:
    """The padding that gives one window for every `strides` steps of the input.

    If it cannot be divided evenly, the larger part goes after.
    """
    margins = []
    for length, size, stride, step in zip(lengths, window, strides, dilation, strict=True):
        reach = (size - 1) * step + 1
        windows = -(-length // stride)
        total = max(0, (windows - 1) * stride + reach - length)
        margins.append((total // 2, total - total // 2))
    return margins


def padded(x: Tensor, margins: Margins, value: float = 0.0) -> Tensor:
    """`x`, channels first, with `value` around it."""
    flat = [width for margin in reversed(margins) for width in margin]
    return F.pad(x, flat, value=value) if any(flat) else x


def with_margins(x: Tensor, margins: Margins, value: float = 0.0) -> tuple[Tensor, list[int]]:
    """`x`, and the padding to pass to torch's kernel. The kernel can only pad both sides equally,
    so any other padding is added to `x` here.
    """
    if all(before == behind for before, behind in margins):
        return x, [before for before, _ in margins]
    return padded(x, margins, value), [0] * len(margins)
