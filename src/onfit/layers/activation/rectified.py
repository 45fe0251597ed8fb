"""Activations as layers, by Keras' names."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from onfit import activations, constraints, initializers, regularizers
from onfit._types import Identifier
from onfit.errors import ArgumentError
from onfit.initializers.initializer import InitializerLike
from onfit.layers.checks import known
from onfit.layers.layer import Layer
from onfit.layers.shapes import Shape


class ReLU(Layer):
    """`max(x, 0)`, and its variants.

    Args:
        max_value: the largest value that comes out; None for no limit.
        negative_slope: the slope below the threshold.
        threshold: what is not above it is 0, or lies on the negative slope.
        **layer: arguments of every layer.

    Example:
        >>> ReLU(max_value=6)(torch.tensor([-1.0, 9.0]))
        tensor([0., 6.])
    """

    supports_masking = True

    def __init__(
        self,
        max_value: float | None = None,
        negative_slope: float = 0.0,
        threshold: float = 0.0,
        **layer: Any,
    ) -> None:
        super().__init__(**layer)
        self.max_value = None if max_value is None else _from_0(self, "max_value", max_value)
        self.negative_slope = _from_0(self, "negative_slope", negative_slope)
        self.threshold = _from_0(self, "threshold", threshold)

    def forward(self, x: Tensor) -> Tensor:
        return activations.relu(x, self.negative_slope, self.max_value, self.threshold)

    def get_config(self) -> dict[str, Any]:
        names = ("max_value", "negative_slope", "threshold")
        return {**super().get_config(), **{name: getattr(self, name) for name in names}}


class LeakyReLU(Layer):
    """x where positive, negative_slope * x elsewhere.

    Args:
        negative_slope: the slope below 0.
        alpha: Keras 2's name of `negative_slope`.
        **layer: arguments of every layer.
    """

    supports_masking = True

    def __init__(
        self, negative_slope: float = 0.3, *, alpha: float | None = None, **layer: Any
    ) -> None:
        super().__init__(**layer)
        slope = negative_slope if alpha is None else alpha
        self.negative_slope = _from_0(self, "negative_slope", slope)

    def forward(self, x: Tensor) -> Tensor:
        return activations.leaky_relu(x, self.negative_slope)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "negative_slope": self.negative_slope}


class ELU(Layer):
    """x where positive, alpha * (exp(x) - 1) elsewhere.

    Args:
        alpha: what very negative values approach, with its sign turned.
        **layer: arguments of every layer.
    """

    supports_masking = True

    def __init__(self, alpha: float = 1.0, **layer: Any) -> None:
        super().__init__(**layer)
        self.alpha = alpha

    def forward(self, x: Tensor) -> Tensor:
        return activations.elu(x, self.alpha)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "alpha": self.alpha}


class PReLU(Layer):
    """x where positive, alpha * x elsewhere, with an alpha that is learned.

    Args:
        alpha_initializer: sets the first values of `alpha`, which has the shape of a sample.
        alpha_regularizer: penalty on `alpha`.
        alpha_constraint: limit of `alpha`.
        shared_axes: axes along which there is one alpha for all, as `[1, 2]` of images with
            channels last.
        **layer: arguments of every layer.

    Example:
        >>> PReLU(alpha_initializer="ones")(torch.tensor([[-1.0, 2.0]])).tolist()
        [[-1.0, 2.0]]
    """

    supports_masking = True

    alpha: Tensor

    def __init__(
        self,
        alpha_initializer: InitializerLike = "zeros",
        alpha_regularizer: Identifier | None = None,
        alpha_constraint: Identifier | None = None,
        shared_axes: int | Sequence[int] | None = None,
        **layer: Any,
    ) -> None:
        super().__init__(**layer)
        self.alpha_initializer = initializers.get(alpha_initializer)
        self.alpha_regularizer = regularizers.get(alpha_regularizer)
        self.alpha_constraint = constraints.get(alpha_constraint)
        shared = [shared_axes] if isinstance(shared_axes, int) else shared_axes
        self.shared_axes = None if shared is None else list(shared)

    def build(self, input_shape: Shape) -> None:
        rank, shared = len(input_shape), self.shared_axes or []
        if any(not 0 < axis < rank for axis in shared):
            raise ArgumentError(
                f"{self.described} has shared_axes={shared}, which must be axes of its inputs but "
                f"not the batch; got shape {input_shape}."
            )
        shape = [
            1 if axis in shared else known(self, input_shape, axis, "values")
            for axis in range(1, rank)
        ]
        self.add_weight("alpha", tuple(shape), self.alpha_initializer)

    def forward(self, x: Tensor) -> Tensor:
        return torch.relu(x) - self.alpha * torch.relu(-x)

    def get_config(self) -> dict[str, Any]:
        names = ("alpha_initializer", "alpha_regularizer", "alpha_constraint", "shared_axes")
        return {**super().get_config(), **{name: getattr(self, name) for name in names}}


class Softmax(Layer):
    """exp(x) over its sum along an axis.

    Args:
        axis: the axis, or several.
        **layer: arguments of every layer.
    """

    supports_masking = True

    def __init__(self, axis: int | Sequence[int] = -1, **layer: Any) -> None:
        super().__init__(**layer)
        self.axis = axis if isinstance(axis, int) else list(axis)

    def forward(self, x: Tensor, mask: Tensor | None = None) -> Tensor:
        """The parts; with a mask that can be spread over `x`, 0 where it is False."""
        if mask is not None:
            x = torch.where(mask.bool(), x, torch.finfo(x.dtype).min / 2)
        if isinstance(self.axis, int):
            return activations.softmax(x, self.axis)
        return torch.exp(x - torch.logsumexp(x, self.axis, keepdim=True))

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "axis": self.axis}


class ThresholdedReLU(Layer):
    """x where above `theta`, 0 elsewhere; a layer of Keras 2.

    Args:
        theta: the threshold.
        **layer: arguments of every layer.
    """

    def __init__(self, theta: float = 1.0, **layer: Any) -> None:
        super().__init__(**layer)
        self.theta = _from_0(self, "theta", theta)

    def forward(self, x: Tensor) -> Tensor:
        return activations.threshold(x, self.theta, 0.0)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "theta": self.theta}


def _from_0(layer: Layer, argument: str, value: Any) -> float:
    if value is None or not value >= 0:
        raise ArgumentError(
            f"{type(layer).__name__}({argument}={value!r}): {argument} is a number from 0 upwards."
        )
    return float(value)
