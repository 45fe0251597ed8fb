"""GRU, on torch's kernel."""

from typing import Any

import torch
from torch import Tensor

from onfit._types import Identifier
from onfit.layers.recurrent import Recurrent, States, through


class GRU(Recurrent):
    """Gated recurrent unit (Cho et al. 2014).

    Args:
        units: how many values the output has.
        activation: the activation of the values: a name or a callable.
        recurrent_activation: the activation of the gates.
        use_bias: whether to add a bias.
        kernel_initializer: sets the first values of `kernel`, of shape (features, 3 * units). Its
            blocks are the update gate, the reset gate and the values.
        recurrent_initializer: sets the first values of `recurrent_kernel`, of shape
            (units, 3 * units).
        bias_initializer: sets the first values of `bias`. Its shape is (2, 3 * units), a row for
            the input and a row for the previous output; (3 * units,) with `reset_after=False`.
        reset_after: whether the reset gate is applied after the recurrent kernel or before it.
        kernel_regularizer: penalty on `kernel`.
        recurrent_regularizer: penalty on `recurrent_kernel`.
        bias_regularizer: penalty on `bias`.
        kernel_constraint: limit of `kernel`.
        recurrent_constraint: limit of `recurrent_kernel`.
        bias_constraint: limit of `bias`.
        dropout: the fraction of the features to drop in training, the same at every step.
        recurrent_dropout: the fraction of the previous output to drop in training.
        seed: an int, to drop with a generator of the layer's own.
        return_sequences: return the output of every step, of shape (batch, steps, units), instead
            of the last output.
        return_state: return (output, output of the last step).
        go_backwards: walk from the last step to the first; the outputs are in that order.
        zero_output_for_mask: give 0 for a step that a mask leaves out, instead of the last output.
        **layer: arguments of every layer.

    Other activations than the defaults, `reset_after=False` and `recurrent_dropout` are computed
    step by step, which is slower.

    Example:
        >>> GRU(16, return_sequences=True)(torch.zeros(2, 10, 4)).shape
        torch.Size([2, 10, 16])
    """

    gates = 3
    states = 1

    def __init__(
        self,
        units: int,
        activation: Identifier | None = "tanh",
        recurrent_activation: Identifier | None = "sigmoid",
        use_bias: bool = True,
        *,
        reset_after: bool = True,
        **recurrent: Any,
    ) -> None:
        super().__init__(units, activation, recurrent_activation, use_bias, **recurrent)
        self.reset_after = reset_after

    @property
    def _bias_shape(self) -> tuple[int, ...]:
        width = self.gates * self.units
        return (2, width) if self.reset_after else (width,)

    @property
    def _kernel_can(self) -> bool:
        return self.reset_after and super()._kernel_can

    def _by_kernel(self, x: Any, states: States) -> tuple[Tensor, States]:
        weights = [_reset_first(self.kernel.T), _reset_first(self.recurrent_kernel.T)]
        if self.bias is not None:
            weights += [_reset_first(bias) for bias in self.bias]
        outputs, after = through(torch.gru, x, states[0][None], weights)
        return outputs, [after[0]]

    def _projected(self, x: Tensor) -> Tensor:
        if self.bias is None:
            return x @ self.kernel
        return x @ self.kernel + (self.bias[0] if self.reset_after else self.bias)

    def _step(self, x: Tensor, seen: Tensor, states: States) -> States:
        gate, squash, kernel = self.recurrent_activation, self.activation, self.recurrent_kernel
        x_update, x_reset, x_value = x.chunk(self.gates, -1)
        if self.reset_after:
            past = seen @ kernel if self.bias is None else seen @ kernel + self.bias[1]
            update, reset, value = past.chunk(self.gates, -1)
            value = gate(x_reset + reset) * value
        else:
            update, reset = (seen @ kernel[:, : 2 * self.units]).chunk(2, -1)
            value = (gate(x_reset + reset) * seen) @ kernel[:, 2 * self.units :]
        kept = gate(x_update + update)
        return [kept * states[0] + (1 - kept) * squash(x_value + value)]

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "reset_after": self.reset_after}


def _reset_first(weight: Tensor) -> Tensor:
    """The blocks of `weight` in torch's order: Keras has the update gate first, torch the reset
    gate.
    """
    update, reset, value = weight.chunk(3)
    return torch.cat([reset, update, value])
