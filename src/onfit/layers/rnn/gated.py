"""The weights and the gates of recurrent layers, which their cells share."""

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from onfit import activations, constraints, initializers, regularizers
from onfit._types import Identifier
from onfit.initializers.initializer import InitializerLike
from onfit.layers.activated import laid_out_by_units
from onfit.layers.checks import fraction, known, whole
from onfit.layers.layer import Layer
from onfit.layers.shapes import Shape

States = list[Tensor]


class Gated(Layer):
    """A layer with one block of its weights for each gate, and a step that uses them.

    A subclass says how many `gates` and `states` there are, and writes `_step`.
    """

    gates: int
    states: int

    kernel: Tensor
    recurrent_kernel: Tensor
    bias: Tensor | None

    def __init__(
        self,
        units: int,
        activation: Identifier | None,
        recurrent_activation: Identifier | None,
        use_bias: bool,
        *,
        kernel_initializer: InitializerLike = "glorot_uniform",
        recurrent_initializer: InitializerLike = "orthogonal",
        bias_initializer: InitializerLike = "zeros",
        kernel_regularizer: Identifier | None = None,
        recurrent_regularizer: Identifier | None = None,
        bias_regularizer: Identifier | None = None,
        kernel_constraint: Identifier | None = None,
        recurrent_constraint: Identifier | None = None,
        bias_constraint: Identifier | None = None,
        dropout: float = 0.0,
        recurrent_dropout: float = 0.0,
        seed: int | None = None,
        **layer: Any,
    ) -> None:
        super().__init__(**layer)
        self.units = whole(self, "units", units)
        self.activation = activations.get(activation)
        self.recurrent_activation = activations.get(recurrent_activation)
        self.use_bias = use_bias
        self.kernel_initializer = initializers.get(kernel_initializer)
        self.recurrent_initializer = initializers.get(recurrent_initializer)
        self.bias_initializer = initializers.get(bias_initializer)
        self.kernel_regularizer = regularizers.get(kernel_regularizer)
        self.recurrent_kernel_regularizer = regularizers.get(recurrent_regularizer)
        self.bias_regularizer = regularizers.get(bias_regularizer)
        self.kernel_constraint = constraints.get(kernel_constraint)
        self.recurrent_kernel_constraint = constraints.get(recurrent_constraint)
        self.bias_constraint = constraints.get(bias_constraint)
        self.dropout = fraction(self, "dropout", dropout)
        self.recurrent_dropout = fraction(self, "recurrent_dropout", recurrent_dropout)
        self.seed = seed
        self._generator = None if seed is None else torch.Generator().manual_seed(seed)

    @property
    def recurrent_regularizer(self) -> Any:
        """The penalty on `recurrent_kernel`; may be changed at any time."""
        return self.recurrent_kernel_regularizer

    @recurrent_regularizer.setter
    def recurrent_regularizer(self, value: Any) -> None:
        self.recurrent_kernel_regularizer = regularizers.get(value)

    @property
    def recurrent_constraint(self) -> Any:
        """The limit of `recurrent_kernel`; may be changed at any time."""
        return self.recurrent_kernel_constraint

    @recurrent_constraint.setter
    def recurrent_constraint(self, value: Any) -> None:
        self.recurrent_kernel_constraint = constraints.get(value)

    def build(self, input_shape: Shape) -> None:
        width = self.gates * self.units
        features = known(self, input_shape, -1, "features")
        self.add_weight("kernel", (features, width), laid_out_by_units(self.kernel_initializer))
        self.add_weight(
            "recurrent_kernel", (self.units, width), laid_out_by_units(self.recurrent_initializer)
        )
        if self.use_bias:
            self.add_weight("bias", self._bias_shape, self._first_bias)
        else:
            self.bias = None

    @property
    def _bias_shape(self) -> tuple[int, ...]:
        return (self.gates * self.units,)

    def _first_bias(self, shape: tuple[int, ...]) -> Tensor:
        return self.bias_initializer(shape)

    def _mask(self, like: Tensor, rate: float) -> Tensor:
        """Zeros for what is dropped; what is kept is scaled up."""
        if self._generator is None or like.is_meta:
            return F.dropout(torch.ones_like(like), rate)
        keep = torch.rand(like.shape, generator=self._generator).to(like.device) >= rate
        return keep / like.new_tensor(1 - rate)

    def _projected(self, x: Tensor) -> Tensor:
        """What the inputs add to the gates, for all steps at once."""
        return x @ self.kernel if self.bias is None else x @ self.kernel + self.bias

    def _step(self, x: Tensor, seen: Tensor, states: States) -> States:
        """The states after a step.

        Args:
            x: what the input adds to the gates.
            seen: the output of the previous step, perhaps with some of it dropped.
            states: the states after the previous step.
        """
        raise NotImplementedError

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "units": self.units,
            "activation": self.activation,
            "recurrent_activation": self.recurrent_activation,
            "use_bias": self.use_bias,
            "kernel_initializer": self.kernel_initializer,
            "recurrent_initializer": self.recurrent_initializer,
            "bias_initializer": self.bias_initializer,
            "kernel_regularizer": self.kernel_regularizer,
            "recurrent_regularizer": self.recurrent_regularizer,
            "bias_regularizer": self.bias_regularizer,
            "kernel_constraint": self.kernel_constraint,
            "recurrent_constraint": self.recurrent_constraint,
            "bias_constraint": self.bias_constraint,
            "dropout": self.dropout,
            "recurrent_dropout": self.recurrent_dropout,
            "seed": self.seed,
        }
