"""RMSNormalization and UnitNormalization: layers that divide by the length of each sample."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from onfit.layers.activated import as_weight
from onfit.layers.checks import known
from onfit.layers.layer import Layer
from onfit.layers.precision import widened
from onfit.layers.shapes import Shape

_LEAST_SQUARE = 1e-12  # what a length is at least, squared


def _axes(axis: int | Sequence[int]) -> list[int]:
    return [axis] if isinstance(axis, int) else list(axis)


class RMSNormalization(Layer):
    """Divides by the root of the mean square along an axis, and scales what comes out.

    Args:
        axis: the axis, or a list of axes.
        epsilon: added to the mean square.
        **layer: arguments of every layer.

    Example:
        >>> RMSNormalization()(torch.tensor([[2.0, -2.0]])).tolist()  # doctest: +ELLIPSIS
        [[0.999..., -0.999...]]
    """

    scale: Tensor

    def __init__(self, axis: int | Sequence[int] = -1, epsilon: float = 1e-6, **layer: Any) -> None:
        super().__init__(**layer)
        self.axis = axis if isinstance(axis, int) else list(axis)
        self.epsilon = epsilon

    def build(self, input_shape: Shape) -> None:
        shape = tuple(known(self, input_shape, axis, "values") for axis in _axes(self.axis))
        self.add_weight("scale", shape, "ones")

    def forward(self, x: Tensor) -> Tensor:
        x = as_weight(x, self.scale)
        axes = _axes(self.axis)
        shape = [1] * x.ndim
        for axis, size in zip(axes, self.scale.shape, strict=True):
            shape[axis] = size
        wide: Tensor = widened(x)  # squares of halves overflow
        mean_square = wide.square().mean(axes, keepdim=True)
        normalized = wide * torch.rsqrt(mean_square + self.epsilon)
        return normalized.to(x.dtype) * self.scale.reshape(shape)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "axis": self.axis, "epsilon": self.epsilon}


class UnitNormalization(Layer):
    """Divides by the length (the root of the sum of squares) along an axis.

    Args:
        axis: the axis, or a list of axes.
        **layer: arguments of every layer.

    Example:
        >>> UnitNormalization()(torch.tensor([[3.0, 4.0]])).tolist()  # doctest: +ELLIPSIS
        [[0.600..., 0.800...]]
    """

    supports_masking = True

    def __init__(self, axis: int | Sequence[int] = -1, **layer: Any) -> None:
        super().__init__(**layer)
        self.axis = axis if isinstance(axis, int) else list(axis)

    def forward(self, x: Tensor) -> Tensor:
        wide: Tensor = widened(x)
        squares = wide.square().sum(_axes(self.axis), keepdim=True)
        return (wide * torch.rsqrt(squares.clamp(min=_LEAST_SQUARE))).to(x.dtype)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "axis": self.axis}
