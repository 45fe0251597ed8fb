"""SimpleRNN: a layer that sees its input and its last output."""

from typing import Any

import torch
from torch import Tensor

from onfit import activations
from onfit.layers.recurrent import Recurrent, through
from onfit.layers.rnn.gated import States
from onfit.layers.rnn.gates import SimpleGates


class SimpleRNN(SimpleGates, Recurrent):
    """`activation(x @ kernel + bias + last output @ recurrent_kernel)`, step after step.

    Args:
        units: how many values the output has.
        activation: a name or a callable. torch's kernels compute `"tanh"` and `"relu"`; others are
            computed step by step, which is slower.
        use_bias: whether to add a bias.
        **recurrent: the further arguments of `LSTM`, but those of its gates.

    Example:
        >>> SimpleRNN(16)(torch.zeros(2, 10, 4)).shape
        torch.Size([2, 16])
    """

    @property
    def _kernel_can(self) -> bool:
        masks = self.training and self.recurrent_dropout > 0
        return self.activation in (activations.tanh, activations.relu) and not masks

    def _by_kernel(self, x: Any, states: States) -> tuple[Tensor, States]:
        weights = [self.kernel.T, self.recurrent_kernel.T]
        if self.bias is not None:
            weights += [self.bias, torch.zeros_like(self.bias)]
        walk: Any = torch.rnn_tanh if self.activation is activations.tanh else torch.rnn_relu
        outputs, after = through(walk, x, states[0][None], weights)
        return outputs, [after[0]]
