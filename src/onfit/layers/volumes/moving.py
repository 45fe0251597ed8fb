"""Layers without weights that pad, cut, repeat or drop parts of a volume."""

from collections.abc import Sequence
from typing import Any

from torch import Tensor

from onfit.layers.checks import per_axis
from onfit.layers.layer import Layer
from onfit.layers.regularization.noise import _SpatialDropout
from onfit.layers.reshaping.margins import Widths, _CroppingOfSpace, _ZeroPadding
from onfit.layers.spatial import Layout


class ZeroPadding3D(_ZeroPadding):
    """Puts zeros around a volume.

    Args:
        padding: how many; one number, a number for each axis, or a pair (before, after) for each.
        data_format: `"channels_last"` (also for None) or `"channels_first"`.
        **layer: arguments of every layer.

    Example:
        >>> import torch
        >>> ZeroPadding3D((0, 1, 2))(torch.zeros(1, 4, 4, 4, 1)).shape
        torch.Size([1, 4, 6, 8, 1])
    """

    rank = 3

    def __init__(
        self, padding: Widths = (1, 1, 1), data_format: str | None = None, **layer: Any
    ) -> None:
        super().__init__(padding, data_format, **layer)


class Cropping3D(_CroppingOfSpace):
    """Cuts margins off a volume.

    Args:
        cropping: how much; one number, a number for each axis, or a pair (before, after) for each.
        data_format: `"channels_last"` (also for None) or `"channels_first"`.
        **layer: arguments of every layer.

    Example:
        >>> import torch
        >>> Cropping3D((0, 1, (0, 2)))(torch.zeros(1, 4, 4, 4, 1)).shape
        torch.Size([1, 4, 2, 2, 1])
    """

    rank = 3

    def __init__(
        self,
        cropping: Widths = ((1, 1), (1, 1), (1, 1)),
        data_format: str | None = None,
        **layer: Any,
    ) -> None:
        super().__init__(cropping, data_format, **layer)


class UpSampling3D(Layer):
    """Repeats each voxel of a volume.

    Args:
        size: how often along each axis; one number for all.
        data_format: `"channels_last"` (also for None) or `"channels_first"`.
        **layer: arguments of every layer.

    Example:
        >>> import torch
        >>> UpSampling3D((1, 2, 3))(torch.zeros(1, 4, 4, 4, 1)).shape
        torch.Size([1, 4, 8, 12, 1])
    """

    def __init__(
        self,
        size: int | Sequence[int] = (2, 2, 2),
        data_format: str | None = None,
        **layer: Any,
    ) -> None:
        super().__init__(**layer)
        self.size = per_axis(self, "size", size, 3)
        self.layout = Layout.of(self, 3, data_format)
        self.data_format = self.layout.data_format

    def forward(self, x: Tensor) -> Tensor:
        self.layout.check(self, x.shape)
        for axis, times in enumerate(self.size, start=1 if self.layout.last else 2):
            x = x.repeat_interleave(times, axis)
        return x

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "size": self.size, "data_format": self.layout.data_format}


class SpatialDropout3D(_SpatialDropout):
    """Drops whole channels of a volume in training.

    Args:
        rate: the fraction to drop.
        data_format: `"channels_last"` (also for None) or `"channels_first"`.
        seed: an int, to draw from a generator of the layer's own.
        **layer: arguments of every layer.
    """

    rank = 3
