"""Cells: one step of a recurrent layer, which `RNN` takes along a sequence."""

from typing import Any

import torch
from torch import Tensor

from onfit.layers.activated import as_weight
from onfit.layers.arguments import NotHere
from onfit.layers.checks import require_rank, require_size
from onfit.layers.rnn.gated import Gated, States
from onfit.layers.rnn.gates import GRUGates, LSTMGates, SimpleGates
from onfit.layers.shapes import Shape


class Cell(Gated):
    """One step: called on the inputs of a step and the states before it."""

    of_keras_alone = {"implementation": NotHere(None)}  # noqa: RUF012

    _dropped_of_inputs: Tensor | None = None
    _dropped_of_states: Tensor | None = None

    @property
    def state_size(self) -> int | list[int]:
        """How many numbers each state has."""
        return self.units if self.states == 1 else [self.units] * self.states

    @property
    def output_size(self) -> int:
        """How many numbers the output has."""
        return self.units

    def get_initial_state(self, batch_size: int) -> States:
        """The states before the first step: zeros.

        Args:
            batch_size: for how many samples.
        """
        weight = self.kernel if self.built else torch.empty(0)
        return [weight.new_zeros(batch_size, self.units) for _ in range(self.states)]

    def build(self, input_shape: Shape) -> None:
        require_rank(self, input_shape, ("batch", "features"))
        super().build(input_shape)

    def forward(  # type: ignore[override]
        self, inputs: Tensor, states: Any
    ) -> tuple[Tensor, States]:
        """Take a step.

        Args:
            inputs: the inputs of a step, of shape (batch, features).
            states: the states before it, each of shape (batch, units); what a call gave.

        Returns:
            The output, and the states after the step.
        """
        require_rank(self, inputs.shape, ("batch", "features"))
        require_size(self, inputs.shape, -1, self.kernel.shape[0], "features")
        x = as_weight(inputs, self.kernel)
        before = [as_weight(s, x) for s in ([states] if isinstance(states, Tensor) else states)]
        seen = before[0]
        if self.training and self.dropout:
            self._dropped_of_inputs = self._kept(self._dropped_of_inputs, x, self.dropout)
            x = x * self._dropped_of_inputs
        if self.training and self.recurrent_dropout:
            kept = self._kept(self._dropped_of_states, seen, self.recurrent_dropout)
            self._dropped_of_states = kept
            seen = seen * kept
        after = self._step(self._projected(x), seen, before)
        return after[0], after

    def _kept(self, known: Tensor | None, like: Tensor, rate: float) -> Tensor:
        """What is dropped: the same at each step, until it is drawn anew."""
        if known is None or known.shape != like.shape or known.device != like.device:
            return self._mask(like, rate)
        return known

    def reset_dropout_mask(self) -> None:
        """Draw anew which features are dropped, at the next step; `RNN` does so for each batch."""
        self._dropped_of_inputs = None

    def reset_recurrent_dropout_mask(self) -> None:
        """Draw anew what of the last output is dropped, at the next step."""
        self._dropped_of_states = None


class SimpleRNNCell(SimpleGates, Cell):
    """A step of `SimpleRNN`.

    Args:
        units: how many values the output has.
        activation: a name or a callable.
        use_bias: whether to add a bias.
        **recurrent: the further arguments of `SimpleRNN`, but those of sequences.

    Example:
        >>> cell = SimpleRNNCell(3)
        >>> output, states = cell(torch.zeros(2, 4), [torch.zeros(2, 3)])
        >>> output.shape, len(states)
        (torch.Size([2, 3]), 1)
    """


class LSTMCell(LSTMGates, Cell):
    """A step of `LSTM`.

    Args:
        units: how many values the output and the memory have.
        activation: the activation of the values: a name or a callable.
        recurrent_activation: the activation of the gates.
        use_bias: whether to add a bias.
        unit_forget_bias: start the forget gate's bias at 1.
        **recurrent: the further arguments of `LSTM`, but those of sequences.

    Example:
        >>> cell = LSTMCell(3)
        >>> output, (output_again, memory) = cell(torch.zeros(2, 4), [torch.zeros(2, 3)] * 2)
        >>> memory.shape
        torch.Size([2, 3])
    """


class GRUCell(GRUGates, Cell):
    """A step of `GRU`.

    Args:
        units: how many values the output has.
        activation: the activation of the values: a name or a callable.
        recurrent_activation: the activation of the gates.
        use_bias: whether to add a bias.
        reset_after: whether the reset gate is applied after the recurrent kernel or before it.
        **recurrent: the further arguments of `GRU`, but those of sequences.

    Example:
        >>> GRUCell(3)(torch.zeros(2, 4), [torch.zeros(2, 3)])[0].shape
        torch.Size([2, 3])
    """
