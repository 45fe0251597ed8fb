"""The most common layers: Dense, Activation, Dropout, Flatten, and any torch module."""

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from onfit import activations
from onfit._types import Identifier
from onfit.errors import ArgumentError, ShapeError
from onfit.initializers.initializer import InitializerLike
from onfit.layers.activated import Activated, Affine, as_weight, laid_out_by_units
from onfit.layers.checks import one_of, sizes_of_noise, whole
from onfit.layers.layer import Layer
from onfit.layers.shapes import Shape

# A row of fewer floats leaves a part of a processor's widest register (512 bits) empty, and a
# product along such rows takes up to ten times as long.
_NARROW = 16


class Dense(Affine):
    """Connects every input with every output: `activation(x @ kernel + bias)`.

    A kernel with fewer than 16 units and more than 16 inputs is stored in memory unit after unit,
    as in `torch.nn.Linear`, because products with it are faster then. Flatten such a kernel with
    `reshape`, not with `view`.

    Args:
        units: size of the output's last axis.
        activation: a name or a callable; None for none.
        use_bias: whether to add a bias.
        kernel_initializer: sets the first values of the kernel, of shape (inputs, units).
        bias_initializer: sets the first values of the bias, of shape (units,).
        kernel_regularizer: penalty on the kernel, such as `"l2"` or `regularizers.L2(1e-4)`.
        bias_regularizer: penalty on the bias.
        activity_regularizer: penalty on the output.
        kernel_constraint: limit of the kernel, such as `"non_neg"` or `constraints.MaxNorm(3)`.
        bias_constraint: limit of the bias.
        **layer: arguments of every layer: `name`, `input_dim`, `input_shape`, `trainable`.

    Example:
        >>> Dense(10, activation="softmax", input_dim=784)(torch.zeros(32, 784)).shape
        torch.Size([32, 10])
    """

    supports_masking = True

    def __init__(
        self,
        units: int,
        activation: Identifier | None = None,
        use_bias: bool = True,
        kernel_initializer: InitializerLike = "glorot_uniform",
        bias_initializer: InitializerLike = "zeros",
        kernel_regularizer: Identifier | None = None,
        bias_regularizer: Identifier | None = None,
        activity_regularizer: Identifier | None = None,
        kernel_constraint: Identifier | None = None,
        bias_constraint: Identifier | None = None,
        **layer: Any,
    ) -> None:
        super().__init__(
            activation,
            use_bias,
            kernel_initializer,
            bias_initializer,
            kernel_regularizer,
            bias_regularizer,
            activity_regularizer,
            kernel_constraint,
            bias_constraint,
            **layer,
        )
        self.units = whole(self, "units", units)

    def build(self, input_shape: Shape) -> None:
        inputs = input_shape[-1] if len(input_shape) > 1 else None
        if inputs is None:
            raise ShapeError(
                f"{self.described} needs inputs of shape (batch, ..., features) with a known "
                f"number of features; got {input_shape}. If a sample is one number, pass "
                "x[:, None]."
            )
        initializer = self.kernel_initializer
        if self.units < _NARROW < inputs:
            initializer = laid_out_by_units(initializer)
        self.add_weight("kernel", (inputs, self.units), initializer)
        self.add_bias(self.units)

    def preactivation(self, x: Tensor) -> Tensor:
        # Read from torch's own dict: `self.kernel` is slower, because Python asks torch for an
        # attribute only after it has searched the instance and all of its classes.
        weights: dict[str, Any] = self._parameters
        kernel, bias = weights.get("kernel"), weights.get("bias")
        if kernel is None or bias is None:
            kernel, bias = self._made_or_moved(x)
        x = as_weight(x, kernel)
        try:
            if bias is not None and x.ndim == 2:
                return torch.addmm(bias, x, kernel)
            outputs = torch.matmul(x, kernel)
        except RuntimeError:
            self._check_features(x)
            raise
        if x.ndim < 2:
            self._check_features(x)
        return outputs if bias is None else outputs + bias

    def _made_or_moved(self, x: Tensor) -> tuple[Tensor, Tensor | None]:
        """The weights where `_parameters` lacks one: the layer is not built yet, it has no bias,
        or torch computes a weight from others (`torch.nn.utils.parametrize`).
        """
        if not self.built:
            self.ensure_built((None, *x.shape[1:]))
        return self.kernel, self.bias

    def _check_features(self, x: Tensor) -> None:
        """Check the shape of `x`; called after the product, because a check before it would take
        as long as a small product.
        """
        if x.ndim < 2 or x.shape[-1] != self.kernel.shape[0]:
            raise ShapeError(
                f"{self.described} expected inputs whose last axis is {self.kernel.shape[0]}, "
                f"such as (batch, {self.kernel.shape[0]}); got shape {tuple(x.shape)}."
            )

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "units": self.units}


class Activation(Activated):
    """An activation function as a layer.

    Args:
        activation: a name or a callable.
        **layer: arguments of every layer.
    """

    supports_masking = True

    def __init__(self, activation: Identifier | None, **layer: Any) -> None:
        super().__init__(**layer)
        self.activation = activations.get(activation)

    def preactivation(self, x: Tensor) -> Tensor:
        return x

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "activation": self.activation}


class Dropout(Layer):
    """Zeroes a fraction of its inputs in training and scales up the rest; else does nothing.

    Args:
        rate: the fraction, from 0 up to, but not including, 1. It may be changed in mid-training.
        noise_shape: shape of the mask, to drop along some axes only; None for an axis that is as
            long as in the input, such as the batch.
        seed: an int, to draw the masks from a generator of the layer's own.
        **layer: arguments of every layer.
    """

    supports_masking = True

    def __init__(
        self,
        rate: float,
        noise_shape: Shape | None = None,
        seed: int | None = None,
        **layer: Any,
    ) -> None:
        if not 0 <= rate < 1:
            raise ArgumentError(
                f"Dropout(rate={rate!r}): rate is the fraction to drop, at least 0 and below 1."
            )
        super().__init__(**layer)
        self.rate = rate
        self.noise_shape = None if noise_shape is None else tuple(noise_shape)
        self.seed = seed
        self._generator = None if seed is None else torch.Generator().manual_seed(seed)

    @property
    def is_plain(self) -> bool:
        """Whether torch's own dropout makes its masks."""
        return self.noise_shape is None and self._generator is None

    def forward(self, x: Tensor) -> Tensor:
        if self.is_plain:
            return F.dropout(x, self.rate, self.training)
        return self._masked(x) if self.training and self.rate > 0 else x

    def _masked(self, x: Tensor) -> Tensor:
        sizes = sizes_of_noise(self, self.noise_shape or x.shape, x)
        keep = torch.rand(sizes, generator=self._generator).to(x.device) >= self.rate
        return x * keep / (1 - self.rate)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "rate": self.rate,
            "noise_shape": self.noise_shape,
            "seed": self.seed,
        }


class Flatten(Layer):
    """Makes every sample one row: (batch, a, b) becomes (batch, a * b).

    Args:
        data_format: `"channels_first"` to bring the channels last before, so that the row is the
            same as of inputs with channels last; `"channels_last"` (also for None) to leave the
            values in their order.
        **layer: arguments of every layer.
    """

    def __init__(self, data_format: str | None = "channels_last", **layer: Any) -> None:
        super().__init__(**layer)
        options = ("channels_last", "channels_first")
        self.data_format = one_of(self, "data_format", data_format or options[0], options)

    @property
    def is_plain(self) -> bool:
        """Whether the values stay in their order."""
        return self.data_format == "channels_last"

    def forward(self, x: Tensor) -> Tensor:
        if not self.is_plain and x.ndim > 2:
            x = x.movedim(1, -1)
        return x.flatten(1) if x.ndim > 1 else x[:, None]

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "data_format": self.data_format}


class TorchModule(Layer):
    """Any torch module as a layer.

    Args:
        net: the module.
        **layer: arguments of every layer.

    Example:
        >>> TorchModule(nn.Conv2d(1, 8, 3))(torch.zeros(2, 1, 28, 28)).shape
        torch.Size([2, 8, 26, 26])
    """

    casts_outputs = False

    def __init__(self, net: nn.Module, **layer: Any) -> None:
        super().__init__(**layer)
        self.net = net

    @property
    def described(self) -> str:
        """The layer's name in error texts, with the class of the module in it."""
        return f"layer {self.name or type(self.net).__name__!r} ({type(self.net).__name__})"

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        return self.net(*args, **kwargs)
