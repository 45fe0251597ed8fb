"""What layers with an activation, and those with a kernel and a bias, have in common."""

from typing import Any

import torch
from torch import Tensor

from onfit import activations, constraints, initializers, regularizers
from onfit._types import Identifier
from onfit.initializers.initializer import InitializerLike
from onfit.layers.arguments import OF_ADAPTERS
from onfit.layers.layer import Layer


class Activated(Layer):
    """A layer that ends with an activation, which a loss may ask it to leave out.

    Subclass it, set `activation`, and compute the input of the activation in `preactivation`.

    Attributes:
        activation: a function of a tensor.
    """

    activation: activations.Activation

    def forward(self, x: Tensor) -> Any:
        return self.activation(self.preactivation(x))

    @property
    def output_activation(self) -> Any:
        # A whole call may do more: what a subclass computes, or what looks at the output.
        leaves_out = type(self).forward is Activated.forward and self.activity_regularizer is None
        return self.activation if leaves_out else None


class Affine(Activated):
    """A layer with a kernel, perhaps a bias, and perhaps an activation.

    Args:
        activation: a name or a callable; None for none.
        use_bias: whether to add a bias.
        kernel_initializer: sets the kernel's first values.
        bias_initializer: sets the bias's first values.
        kernel_regularizer: penalty on the kernel.
        bias_regularizer: penalty on the bias.
        activity_regularizer: penalty on the output.
        kernel_constraint: limit of the kernel.
        bias_constraint: limit of the bias.
        **layer: arguments of every layer.
    """

    of_keras_alone = OF_ADAPTERS

    kernel: Tensor
    bias: Tensor | None

    def __init__(
        self,
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
        super().__init__(activity_regularizer=activity_regularizer, **layer)
        self.activation = activations.get(activation)
        self.use_bias = use_bias
        self.kernel_initializer = initializers.get(kernel_initializer)
        self.bias_initializer = initializers.get(bias_initializer)
        self.kernel_regularizer = regularizers.get(kernel_regularizer)
        self.bias_regularizer = regularizers.get(bias_regularizer)
        self.kernel_constraint = constraints.get(kernel_constraint)
        self.bias_constraint = constraints.get(bias_constraint)

    def add_bias(self, size: int) -> None:
        """Make the bias, or set it to None if `use_bias` is False."""
        if self.use_bias:
            self.add_weight("bias", (size,), self.bias_initializer)
        else:
            self.bias = None

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "activation": self.activation,
            "use_bias": self.use_bias,
            "kernel_initializer": self.kernel_initializer,
            "bias_initializer": self.bias_initializer,
            "kernel_regularizer": self.kernel_regularizer,
            "bias_regularizer": self.bias_regularizer,
            "kernel_constraint": self.kernel_constraint,
            "bias_constraint": self.bias_constraint,
        }


def laid_out_by_units(initializer: Any) -> Any:
    """An initializer that makes the same kernels, of shape (inputs, units), but stores them in
    memory unit after unit, as torch's own layers do.
    """
    return lambda shape: initializer(shape).T.contiguous().T


def as_weight(x: Tensor, weight: Tensor) -> Tensor:
    """`x` in the dtype of `weight`, unless autocast is on: then torch chooses the dtypes."""
    if x.dtype is weight.dtype or _autocasts(x.device):
        return x
    return x.to(weight.dtype)


def _autocasts(device: torch.device) -> bool:
    # Shapes are found on the meta device. Autocast is never on there, and asking torch would raise.
    return device.type != "meta" and torch.is_autocast_enabled(device.type)
