"""Layers that bring their inputs to mean 0 and variance 1, and then scale and shift them."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor

from onfit import constraints, initializers, regularizers
from onfit._types import Identifier
from onfit.dtypes import EPSILON
from onfit.errors import ArgumentError, ShapeError
from onfit.initializers.initializer import InitializerLike
from onfit.layers.activated import as_weight
from onfit.layers.arguments import NotHere
from onfit.layers.checks import known, require_size
from onfit.layers.layer import Layer
from onfit.layers.precision import widened
from onfit.layers.shapes import Shape


class ScaledAndShifted(Layer):
    """A layer with an optional `gamma`, which scales, and an optional `beta`, which shifts."""

    supports_masking = True

    gamma: Tensor | None
    beta: Tensor | None

    def __init__(
        self,
        epsilon: float,
        center: bool,
        scale: bool,
        beta_initializer: InitializerLike,
        gamma_initializer: InitializerLike,
        beta_regularizer: Identifier | None,
        gamma_regularizer: Identifier | None,
        beta_constraint: Identifier | None,
        gamma_constraint: Identifier | None,
        **layer: Any,
    ) -> None:
        super().__init__(**layer)
        self.epsilon = epsilon
        self.center = center
        self.scale = scale
        self.beta_initializer = initializers.get(beta_initializer)
        self.gamma_initializer = initializers.get(gamma_initializer)
        self.beta_regularizer = regularizers.get(beta_regularizer)
        self.gamma_regularizer = regularizers.get(gamma_regularizer)
        self.beta_constraint = constraints.get(beta_constraint)
        self.gamma_constraint = constraints.get(gamma_constraint)

    def add_gamma_and_beta(self, shape: tuple[int, ...]) -> None:
        """Make `gamma` if `scale` is True, and `beta` if `center` is True; else it is None."""
        for name, wanted in (("gamma", self.scale), ("beta", self.center)):
            if wanted:
                self.add_weight(name, shape, getattr(self, f"{name}_initializer"))
            else:
                self.register_parameter(name, None)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "epsilon": self.epsilon,
            "center": self.center,
            "scale": self.scale,
            "beta_initializer": self.beta_initializer,
            "gamma_initializer": self.gamma_initializer,
            "beta_regularizer": self.beta_regularizer,
            "gamma_regularizer": self.gamma_regularizer,
            "beta_constraint": self.beta_constraint,
            "gamma_constraint": self.gamma_constraint,
        }


class BatchNormalization(ScaledAndShifted):
    """Normalizes each channel over the batch; outside of training, by moving averages.

    Training uses the mean and the variance of the batch, and mixes them into `moving_mean` and
    `moving_variance`. Everywhere else, and always while `trainable` is False, the layer uses
    these two instead.

    Args:
        axis: the axis of the channels.
        momentum: how much of a moving statistic is kept at each batch.
        epsilon: added to the variance.
        center: whether to shift by `beta`.
        scale: whether to scale by `gamma`.
        beta_initializer: sets the first values of `beta`, of shape (channels,).
        gamma_initializer: sets the first values of `gamma`.
        moving_mean_initializer: sets the first values of `moving_mean`.
        moving_variance_initializer: sets the first values of `moving_variance`.
        beta_regularizer: penalty on `beta`.
        gamma_regularizer: penalty on `gamma`.
        beta_constraint: limit of `beta`.
        gamma_constraint: limit of `gamma`.
        **layer: arguments of every layer.

    Example:
        >>> layer = BatchNormalization().train()
        >>> layer(torch.tensor([[1.0], [3.0]])).flatten().tolist()  # doctest: +ELLIPSIS
        [-0.999..., 0.999...]
    """

    of_keras_alone: ClassVar[Mapping[str, NotHere]] = {
        "renorm": NotHere("Use larger batches, or LayerNormalization.", (False,)),
        "renorm_clipping": NotHere("It goes with renorm."),
        "renorm_momentum": NotHere(None),
        "synchronized": NotHere("Pass compile(sync_batch_norm=True).", (False,)),
        "fused": NotHere(None),
        "virtual_batch_size": NotHere("Give fit smaller batches."),
    }

    moving_mean: Tensor
    moving_variance: Tensor

    def __init__(
        self,
        axis: int = -1,
        momentum: float = 0.99,
        epsilon: float = 1e-3,
        center: bool = True,
        scale: bool = True,
        beta_initializer: InitializerLike = "zeros",
        gamma_initializer: InitializerLike = "ones",
        moving_mean_initializer: InitializerLike = "zeros",
        moving_variance_initializer: InitializerLike = "ones",
        beta_regularizer: Identifier | None = None,
        gamma_regularizer: Identifier | None = None,
        beta_constraint: Identifier | None = None,
        gamma_constraint: Identifier | None = None,
        **layer: Any,
    ) -> None:
        super().__init__(
            epsilon,
            center,
            scale,
            beta_initializer,
            gamma_initializer,
            beta_regularizer,
            gamma_regularizer,
            beta_constraint,
            gamma_constraint,
            **layer,
        )
        self.axis = axis
        self.momentum = momentum
        self.moving_mean_initializer = initializers.get(moving_mean_initializer)
        self.moving_variance_initializer = initializers.get(moving_variance_initializer)

    def build(self, input_shape: Shape) -> None:
        self._check_axis(input_shape)
        shape = (known(self, input_shape, self.axis, "channels"),)
        self.add_gamma_and_beta(shape)
        for name in ("moving_mean", "moving_variance"):
            self.add_weight(name, shape, getattr(self, f"{name}_initializer"), trainable=False)

    def _check_axis(self, shape: Sequence[Any]) -> None:
        if not -len(shape) < self.axis < len(shape) or self.axis == 0:
            raise ShapeError(
                f"{self.described} has axis={self.axis}, which must be an axis of its inputs but "
                f"not the batch; got shape {tuple(shape)}."
            )

    def forward(self, x: Tensor, mask: Tensor | None = None) -> Tensor:
        """Normalize `x`; in training by the positions alone of which `mask` is True."""
        self._check_axis(x.shape)
        require_size(self, x.shape, self.axis, len(self.moving_mean), "channels")
        x = as_weight(x, self.moving_mean).movedim(self.axis, 1)
        by_batch = self.training and self.trainable
        if by_batch and mask is not None:
            normalized = self._by_what_counts(x, mask.unsqueeze(-1).movedim(self.axis, 1))
        else:
            normalized = self._by_batch(x) if by_batch else self._by_usual(x)
        return normalized.movedim(1, self.axis)

    def _by_what_counts(self, x: Tensor, mask: Tensor) -> Tensor:
        axes = [axis for axis in range(x.ndim) if axis != 1]
        x = widened(x)
        counts = mask.bool().expand_as(x)
        number = counts.sum(axes, keepdim=True) + EPSILON
        mean = torch.where(counts, x, 0).sum(axes, keepdim=True) / number
        variance = torch.where(counts, x - mean, 0).square().sum(axes, keepdim=True) / number
        self.moving_mean.lerp_(mean.detach().flatten(), 1 - self.momentum)
        self.moving_variance.lerp_(variance.detach().flatten(), 1 - self.momentum)
        shape = [-1 if axis == 1 else 1 for axis in range(x.ndim)]
        scaled = (x - mean) * torch.rsqrt(variance + self.epsilon)
        scaled = scaled if self.gamma is None else scaled * self.gamma.reshape(shape)
        return scaled if self.beta is None else scaled + self.beta.reshape(shape)

    def _by_batch(self, x: Tensor) -> Tensor:
        # This kernel returns the statistics that it computes. torch's usual function would mix
        # another variance, divided by n - 1, into the buffer, and it refuses a batch of one.
        if self.gamma is None:  # of half types the kernel then gives statistics in halves
            x = x.to(self.moving_mean.dtype)
        y, mean, inverse_stddev = torch.native_batch_norm(
            x, self.gamma, self.beta, None, None, True, 0.0, self.epsilon
        )
        variance = inverse_stddev.detach().square().reciprocal() - self.epsilon
        self.moving_mean.lerp_(mean.detach(), 1 - self.momentum)
        self.moving_variance.lerp_(variance, 1 - self.momentum)
        return y

    def _by_usual(self, x: Tensor) -> Tensor:
        statistics = self.moving_mean, self.moving_variance
        return F.batch_norm(x, *statistics, self.gamma, self.beta, False, 0.0, self.epsilon)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "axis": self.axis,
            "momentum": self.momentum,
            "moving_mean_initializer": self.moving_mean_initializer,
            "moving_variance_initializer": self.moving_variance_initializer,
        }


class LayerNormalization(ScaledAndShifted):
    """Normalizes each sample on its own, over one axis or several.

    Args:
        axis: the axis, or a list of axes.
        epsilon: added to the variance.
        center: whether to shift by `beta`.
        scale: whether to scale by `gamma`.
        beta_initializer: sets the first values of `beta`, which has the shape of the axes.
        gamma_initializer: sets the first values of `gamma`.
        beta_regularizer: penalty on `beta`.
        gamma_regularizer: penalty on `gamma`.
        beta_constraint: limit of `beta`.
        gamma_constraint: limit of `gamma`.
        **layer: arguments of every layer.

    Example:
        >>> LayerNormalization()(torch.tensor([[1.0, 3.0]])).tolist()  # doctest: +ELLIPSIS
        [[-0.999..., 0.999...]]
    """

    def __init__(
        self,
        axis: int | Sequence[int] = -1,
        epsilon: float = 1e-3,
        center: bool = True,
        scale: bool = True,
        beta_initializer: InitializerLike = "zeros",
        gamma_initializer: InitializerLike = "ones",
        beta_regularizer: Identifier | None = None,
        gamma_regularizer: Identifier | None = None,
        beta_constraint: Identifier | None = None,
        gamma_constraint: Identifier | None = None,
        **layer: Any,
    ) -> None:
        super().__init__(
            epsilon,
            center,
            scale,
            beta_initializer,
            gamma_initializer,
            beta_regularizer,
            gamma_regularizer,
            beta_constraint,
            gamma_constraint,
            **layer,
        )
        self.axis = axis if isinstance(axis, int) else list(axis)
        if self.axis == []:
            raise ArgumentError("LayerNormalization(axis=[]): there must be an axis.")

    def build(self, input_shape: Shape) -> None:
        axes = self._axes(input_shape)
        self.add_gamma_and_beta(tuple(known(self, input_shape, axis, "values") for axis in axes))

    def _axes(self, shape: Sequence[Any]) -> list[int]:
        asked = [self.axis] if isinstance(self.axis, int) else self.axis
        axes = sorted(axis % len(shape) for axis in asked if -len(shape) <= axis < len(shape))
        if len(set(axes)) < len(asked) or 0 in axes:
            raise ShapeError(
                f"{self.described} has axis={self.axis}, which must be axes of its inputs but "
                f"not the batch; got shape {tuple(shape)}."
            )
        return axes

    def forward(self, x: Tensor) -> Tensor:
        axes = self._axes(x.shape)
        weight = self.beta if self.gamma is None else self.gamma
        if weight is not None:
            # torch's kernel goes back from halves only with both weights, or with none.
            has_both = self.gamma is not None and self.beta is not None
            x = as_weight(x, weight) if has_both else x.to(weight.dtype)
            for axis, size in zip(axes, weight.shape, strict=True):
                require_size(self, x.shape, axis, size, "values")
        last = list(range(-len(axes), 0))
        x = x.movedim(axes, last)
        shape = x.shape[-len(axes) :]
        return F.layer_norm(x, shape, self.gamma, self.beta, self.epsilon).movedim(last, axes)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "axis": self.axis}
