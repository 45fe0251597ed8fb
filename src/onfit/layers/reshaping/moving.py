"""Layers without weights that move, repeat or scale what comes in."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch.nn.functional as F
from torch import Tensor

from onfit.errors import ArgumentError, ShapeError
from onfit.layers.checks import one_of, per_axis, require_rank, whole
from onfit.layers.layer import Layer
from onfit.layers.spatial import Layout


def _numbers(value: Any) -> Any:
    """The value, if it is a number, an array or a tensor of numbers."""
    if not isinstance(value, Tensor) and not np.isfinite(np.asarray(value, dtype=float)).all():
        raise ValueError(f"{value} is not finite")
    return value


class Rescaling(Layer):
    """`x * scale + offset`, as for pixels: `Rescaling(1 / 255)`.

    Args:
        scale: the factor.
        offset: what is added.
        **layer: arguments of every layer.
    """

    supports_masking = True

    def __init__(self, scale: float | Tensor, offset: float | Tensor = 0.0, **layer: Any) -> None:
        super().__init__(**layer)
        self.scale = _numbers(scale)
        self.offset = _numbers(offset)

    def forward(self, x: Tensor) -> Tensor:
        result: Tensor = x * self.scale + self.offset
        return result

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "scale": self.scale, "offset": self.offset}


class Permute(Layer):
    """Brings the axes of a sample into another order.

    Args:
        dims: for each axis of the output, which axis of the input it is; 1 is the first after
            the batch.
        **layer: arguments of every layer.

    Example:
        >>> import torch
        >>> Permute((2, 1))(torch.zeros(5, 3, 4)).shape
        torch.Size([5, 4, 3])
    """

    def __init__(self, dims: Sequence[int], **layer: Any) -> None:
        super().__init__(**layer)
        self.dims = tuple(dims)
        if sorted(self.dims) != list(range(1, len(self.dims) + 1)):
            raise ArgumentError(
                f"Permute(dims={dims!r}): dims has each axis of a sample once, from 1 upwards."
            )

    def forward(self, x: Tensor) -> Tensor:
        if x.ndim != len(self.dims) + 1:
            raise ShapeError(
                f"{self.described} orders {len(self.dims)} axes of a sample; got inputs of shape "
                f"{tuple(x.shape)}."
            )
        return x.permute(0, *self.dims)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "dims": self.dims}


class RepeatVector(Layer):
    """Repeats each row: (batch, features) becomes (batch, n, features).

    Args:
        n: how often.
        **layer: arguments of every layer.
    """

    def __init__(self, n: int, **layer: Any) -> None:
        super().__init__(**layer)
        self.n = whole(self, "n", n)

    def forward(self, x: Tensor) -> Tensor:
        require_rank(self, x.shape, ("batch", "features"))
        return x[:, None].expand(-1, self.n, -1)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "n": self.n}


class UpSampling1D(Layer):
    """Repeats each step of a sequence.

    Args:
        size: how often.
        **layer: arguments of every layer.
    """

    def __init__(self, size: int = 2, **layer: Any) -> None:
        super().__init__(**layer)
        self.size = whole(self, "size", size)

    def forward(self, x: Tensor) -> Tensor:
        require_rank(self, x.shape, ("batch", "steps", "channels"))
        return x.repeat_interleave(self.size, 1)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "size": self.size}


class UpSampling2D(Layer):
    """Makes images larger.

    Args:
        size: how many times as high and as wide; one number for both.
        data_format: `"channels_last"` (also for None) or `"channels_first"`.
        interpolation: `"nearest"`, `"bilinear"` or `"bicubic"`.
        **layer: arguments of every layer.

    Example:
        >>> import torch
        >>> UpSampling2D((2, 3))(torch.zeros(1, 4, 4, 1)).shape
        torch.Size([1, 8, 12, 1])
    """

    def __init__(
        self,
        size: int | Sequence[int] = (2, 2),
        data_format: str | None = None,
        interpolation: str = "nearest",
        **layer: Any,
    ) -> None:
        super().__init__(**layer)
        self.size = per_axis(self, "size", size, 2)
        self.layout = Layout.of(self, 2, data_format)
        self.data_format = self.layout.data_format
        options = ("nearest", "bilinear", "bicubic")
        self.interpolation = one_of(self, "interpolation", interpolation, options)

    def forward(self, x: Tensor) -> Tensor:
        self.layout.check(self, x.shape)
        x = self.layout.to_torch(x)
        if self.interpolation == "nearest":
            larger = x.repeat_interleave(self.size[0], 2).repeat_interleave(self.size[1], 3)
        else:
            sizes = [length * factor for length, factor in zip(x.shape[2:], self.size, strict=True)]
            larger = F.interpolate(x, sizes, mode=self.interpolation, align_corners=False)
        return self.layout.from_torch(larger)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "size": self.size,
            "data_format": self.layout.data_format,
            "interpolation": self.interpolation,
        }
