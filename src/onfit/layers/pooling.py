"""Layers that replace many values by one: their largest or their mean."""

from collections.abc import Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from onfit.layers.checks import one_of, per_axis
from onfit.layers.layer import Layer
from onfit.layers.spatial import Layout, Margins, padded, same_margins, with_margins


class _Pooling(Layer):
    """A window that slides over the axes of space; `rank` is the number of these axes."""

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
        self.data_format = self.layout.data_format

    def forward(self, x: Tensor) -> Tensor:
        self.layout.check(self, x.shape)
        x = self.layout.to_torch(x)
        return self.layout.from_torch(self._pooled(x, self._margins(x.shape[2:])))

    def _margins(self, lengths: Sequence[int]) -> Margins:
        if self.padding == "valid":
            return [(0, 0)] * self.rank
        return same_margins(lengths, self.pool_size, self.strides, (1,) * self.rank)

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
        pool: Any = (F.max_pool1d, F.max_pool2d, F.max_pool3d)[self.rank - 1]
        x, padding = with_margins(x, margins, -torch.inf)
        pooled: Tensor = pool(x, self.pool_size, self.strides, padding)
        return pooled


class _AveragePooling(_Pooling):
    def _pooled(self, x: Tensor, margins: Margins) -> Tensor:
        means = self._means(padded(x, margins))
        if not any(map(any, margins)):
            return means
        # Padding must not count in a mean: divide by the share of the window that is data.
        return means / self._means(padded(x.new_ones(1, 1, *x.shape[2:]), margins))

    def _means(self, x: Tensor) -> Tensor:
        pool: Any = (F.avg_pool1d, F.avg_pool2d, F.avg_pool3d)[self.rank - 1]
        means: Tensor = pool(x, self.pool_size, self.strides)
        return means


class MaxPooling1D(_MaxPooling):
    """The largest value in each window along a sequence.

    Args:
        pool_size: how many steps the window spans.
        strides: how far the window moves each time; None means `pool_size`: no windows overlap.
        padding: `"valid"` for windows that lie in the input; `"same"` for as many windows as
            there are steps (divided by `strides`); the padding does not count.
        data_format: `"channels_last"` (also for None) for inputs of shape
            (batch, steps, channels); `"channels_first"` for
            (batch, channels, steps).
        **layer: arguments of every layer.

    Example:
        >>> MaxPooling1D()(torch.zeros(2, 10, 4)).shape
        torch.Size([2, 5, 4])
    """

    rank = 1


class MaxPooling2D(_MaxPooling):
    """The largest value in each window of an image.

    Args:
        pool_size: height and width of the window; one number for both.
        strides: how far the window moves each time; None means `pool_size`: no windows overlap.
        padding: `"valid"` for windows that lie in the input; `"same"` for as many windows as
            there are pixels (divided by `strides`); the padding does not count.
        data_format: `"channels_last"` (also for None) for inputs of shape
            (batch, height, width, channels); `"channels_first"` for
            (batch, channels, height, width).
        **layer: arguments of every layer.

    Example:
        >>> MaxPooling2D()(torch.zeros(2, 28, 28, 4)).shape
        torch.Size([2, 14, 14, 4])
    """

    rank = 2


class AveragePooling1D(_AveragePooling):
    """The mean of each window along a sequence.

    Args:
        pool_size: how many steps the window spans.
        strides: how far the window moves each time; None means `pool_size`: no windows overlap.
        padding: `"valid"` for windows that lie in the input; `"same"` for as many windows as
            there are steps (divided by `strides`); the padding does not count.
        data_format: `"channels_last"` (also for None) for inputs of shape
            (batch, steps, channels); `"channels_first"` for
            (batch, channels, steps).
        **layer: arguments of every layer.

    Example:
        >>> AveragePooling1D()(torch.zeros(2, 10, 4)).shape
        torch.Size([2, 5, 4])
    """

    rank = 1


class AveragePooling2D(_AveragePooling):
    """The mean of each window of an image.

    Args:
        pool_size: height and width of the window; one number for both.
        strides: how far the window moves each time; None means `pool_size`: no windows overlap.
        padding: `"valid"` for windows that lie in the input; `"same"` for as many windows as
            there are pixels (divided by `strides`); the padding does not count.
        data_format: `"channels_last"` (also for None) for inputs of shape
            (batch, height, width, channels); `"channels_first"` for
            (batch, channels, height, width).
        **layer: arguments of every layer.

    Example:
        >>> AveragePooling2D()(torch.zeros(2, 28, 28, 4)).shape
        torch.Size([2, 14, 14, 4])
    """

    rank = 2


class _GlobalPooling(Layer):
    """Reduces the axes of space to one value per channel; `rank` is the number of these axes."""

    rank: int

    def __init__(
        self, data_format: str | None = None, keepdims: bool = False, **layer: Any
    ) -> None:
        super().__init__(**layer)
        self.layout = Layout.of(self, self.rank, data_format)
        self.data_format = self.layout.data_format
        self.keepdims = keepdims

    def forward(self, x: Tensor) -> Tensor:
        self.layout.check(self, x.shape)
        first = 1 if self.layout.last else 2
        return self._pooled(x, tuple(range(first, first + self.rank)))

    def _pooled(self, x: Tensor, space: tuple[int, ...]) -> Tensor:
        raise NotImplementedError

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "data_format": self.layout.data_format,
            "keepdims": self.keepdims,
        }


class _GlobalAveragePooling(_GlobalPooling):
    def _pooled(self, x: Tensor, space: tuple[int, ...]) -> Tensor:
        return x.mean(space, keepdim=self.keepdims)


class _GlobalMaxPooling(_GlobalPooling):
    def _pooled(self, x: Tensor, space: tuple[int, ...]) -> Tensor:
        return x.amax(space, keepdim=self.keepdims)


class GlobalAveragePooling1D(_GlobalAveragePooling):
    """The mean of each channel of a sequence.

    Args:
        data_format: `"channels_last"` (also for None) for inputs of shape
            (batch, steps, channels); or `"channels_first"`.
        keepdims: keep the pooled axes, with length 1.
        **layer: arguments of every layer.

    Example:
        >>> GlobalAveragePooling1D()(torch.zeros(2, 10, 4)).shape
        torch.Size([2, 4])
    """

    rank = 1
    supports_masking = True

    def forward(self, x: Tensor, mask: Tensor | None = None) -> Tensor:
        """The means; with a mask of shape (batch, steps), over the steps that count."""
        if mask is None:
            return super().forward(x)
        steps = 1 if self.layout.last else 2
        weight = mask.to(x.dtype).unsqueeze(-1 if self.layout.last else 1)
        total = (x * weight).sum(steps, keepdim=self.keepdims)
        return total / weight.sum(steps, keepdim=self.keepdims)

    def compute_mask(self, inputs: Any, mask: Any = None) -> None:
        """None: the output has no steps."""


class GlobalAveragePooling2D(_GlobalAveragePooling):
    """The mean of each channel of an image.

    Args:
        data_format: `"channels_last"` (also for None) for inputs of shape
            (batch, height, width, channels); or `"channels_first"`.
        keepdims: keep the pooled axes, with length 1.
        **layer: arguments of every layer.

    Example:
        >>> GlobalAveragePooling2D()(torch.zeros(2, 7, 7, 4)).shape
        torch.Size([2, 4])
    """

    rank = 2


class GlobalMaxPooling1D(_GlobalMaxPooling):
    """The largest value in each channel of a sequence.

    Args:
        data_format: `"channels_last"` (also for None) for inputs of shape
            (batch, steps, channels); or `"channels_first"`.
        keepdims: keep the pooled axes, with length 1.
        **layer: arguments of every layer.

    Example:
        >>> GlobalMaxPooling1D()(torch.zeros(2, 10, 4)).shape
        torch.Size([2, 4])
    """

    rank = 1


class GlobalMaxPooling2D(_GlobalMaxPooling):
    """The largest value in each channel of an image.

    Args:
        data_format: `"channels_last"` (also for None) for inputs of shape
            (batch, height, width, channels); or `"channels_first"`.
        keepdims: keep the pooled axes, with length 1.
        **layer: arguments of every layer.

    Example:
        >>> GlobalMaxPooling2D()(torch.zeros(2, 7, 7, 4)).shape
        torch.Size([2, 4])
    """

    rank = 2


MaxPool1D = MaxPooling1D
MaxPool2D = MaxPooling2D
AvgPool1D = AveragePooling1D
AvgPool2D = AveragePooling2D
GlobalAvgPool1D = GlobalAveragePooling1D
GlobalAvgPool2D = GlobalAveragePooling2D
GlobalMaxPool1D = GlobalMaxPooling1D
GlobalMaxPool2D = GlobalMaxPooling2D
