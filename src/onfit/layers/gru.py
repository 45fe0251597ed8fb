"""GRU, on torch's kernel."""

from typing import Any

import torch
from torch import Tensor

from onfit.layers.recurrent import Recurrent, through
from onfit.layers.rnn.gated import States
from onfit.layers.rnn.gates import GRUGates


class GRU(GRUGates, Recurrent):
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

    @property
    def _kernel_can(self) -> bool:
        return self.reset_after and super()._kernel_can

    def _by_kernel(self, x: Any, states: States) -> tuple[Tensor, States]:
        weights = [_reset_first(self.kernel.T), _reset_first(self.recurrent_kernel.T)]
        if self.bias is not None:
            weights += [_reset_first(bias) for bias in self.bias]
        outputs, after = through(torch.gru, x, states[0][None], weights)
        return outputs, [after[0]]


def _reset_first(weight: Tensor) -> Tensor:
    """The blocks of `weight` in torch's order: Keras has the update gate first, torch the reset
    gate.
    """
    update, reset, value = weight.chunk(3)
    return torch.cat([reset, update, value])
