"""Layers that put one value in the place of many: the largest or the mean."""

from collections.abc import Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from onfit.layers.checks import one_of, per_axis
from onfit.layers.layer import Layer
from onfit.layers.spatial import Layout, Margins, padded, same_margins


class _Pooling(Layer):
    """A window that slides over space; `rank` is how many axes space has.

    Args:
        pool_size: how long the window is, along each axis of space or along all.
        strides: how far it moves on; None for `pool_size`, so that windows do not overlap.
        padding: `"valid"` for windows that lie in the input; `"same"` for as many windows as
            there are positions (divided by `strides`). What is put around counts for nothing.
        data_format: `"channels_last"`, which None means, or `"channels_first"`.
        **layer: arguments of every layer.
    """

    rank: int

    def __init__(
        self,
        pool_size: int | Sequence[int] = 2,
        strides: int | Sequence[int] | None = None,
        padding: str = "valid",
        data_format: str | None = None,
        **layer: Any,
    ) -> None:
        super().__init__(**layer)
        self.pool_size = per_axis(self, "pool_size", pool_size, self.rank)
        strides = self.pool_size if strides is None else strides
        self.strides = per_axis(self, "strides", strides, self.rank)
        self.padding = one_of(self, "padding", padding, ("valid", "same"))
        self.layout = Layout.of(self, self.rank, data_format)

    def forward(self, x: Tensor) -> Tensor:
        self.layout.check(self, x.shape)
        x = self.layout.to_torch(x)
        return self.layout.from_torch(self._pooled(x, self._margins(x)))

    def _margins(self, x: Tensor) -> Margins:
        if self.padding == "valid":
            return []
        return same_margins(x.shape[2:], self.pool_size, self.strides, (1,) * self.rank)

    def _pooled(self, x: Tensor, margins: Margins) -> Tensor:
        raise NotImplementedError

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "pool_size": self.pool_size,
            "strides": self.strides,
            "padding": self.padding,
            "data_format": self.layout.data_format,
        }


class _MaxPooling(_Pooling):
    def _pooled(self, x: Tensor, margins: Margins) -> Tensor:
        pool: Any = (F.max_pool1d, F.max_pool2d)[self.rank - 1]
        pooled: Tensor = pool(padded(x, margins, -torch.inf), self.pool_size, self.strides)
        return pooled


class _AveragePooling(_Pooling):
    def _pooled(self, x: Tensor, margins: Margins) -> Tensor:
        pooled = self._means(padded(x, margins))
        if not margins:
            return pooled
        inside = padded(x.new_ones(1, 1, *x.shape[2:]), margins)
        return pooled / self._means(inside)

    def _means(self, x: Tensor) -> Tensor:
        pool: Any = (F.avg_pool1d, F.avg_pool2d)[self.rank - 1]
        means: Tensor = pool(x, self.pool_size, self.strides)
        return means


class MaxPooling1D(_MaxPooling):
    __doc__ = f"""The largest value in each window along a sequence.
{(_Pooling.__doc__ or "").partition("axes space has.")[2]}"""

    rank = 1
