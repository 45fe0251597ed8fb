"""LSTM, on torch's kernel."""

from typing import Any

import torch
from torch import Tensor

from onfit.layers.recurrent import Recurrent, through
from onfit.layers.rnn.gated import States
from onfit.layers.rnn.gates import LSTMGates


class LSTM(LSTMGates, Recurrent):
    """Long short-term memory (Hochreiter and Schmidhuber 1997).

    Args:
        units: how many values the output and the memory have.
        activation: the activation of the values: a name or a callable.
        recurrent_activation: the activation of the gates.
        use_bias: whether to add a bias.
        kernel_initializer: sets the first values of `kernel`, of shape (features, 4 * units). Its
            blocks are the input gate, the forget gate, the values and the output gate.
        recurrent_initializer: sets the first values of `recurrent_kernel`, of shape
            (units, 4 * units).
        bias_initializer: sets the first values of `bias`, of shape (4 * units,).
        unit_forget_bias: start the forget gate's bias at 1 instead, so that the memory is kept at
            first.
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
        return_state: return (output, output of the last step, memory).
        go_backwards: walk from the last step to the first; the outputs are in that order.
        zero_output_for_mask: give 0 for a step that a mask leaves out, instead of the last output.
        **layer: arguments of every layer.

    Other activations than the defaults, and `recurrent_dropout`, are computed step by step, which
    is slower.

    Example:
        >>> LSTM(16)(torch.zeros(2, 10, 4)).shape
        torch.Size([2, 16])
    """

    def _by_kernel(self, x: Any, states: States) -> tuple[Tensor, States]:
        weights = [self.kernel.T, self.recurrent_kernel.T]
        if self.bias is not None:
            weights += [self.bias, torch.zeros_like(self.bias)]
        outputs, *after = through(torch.lstm, x, [s[None] for s in states], weights)
        return outputs, [state[0] for state in after]
