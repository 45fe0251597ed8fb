"""RNN: takes any cell along a sequence."""

from typing import Any

import torch
from torch import Tensor

from onfit.layers.around.wrapper import Around
from onfit.layers.rnn.cells import Cell
from onfit.layers.rnn.stacked import StackedRNNCells, initial_state, require_cell
from onfit.layers.rnn.walker import Walker
from onfit.layers.shapes import Shape, mapped


class RNN(Walker, Around):
    """Walks along a sequence with a cell, from step to step.

    Args:
        cell: a cell such as `LSTMCell(16)`; a list of them, which are stacked; or a `Layer` of your
            own that has a `state_size` (a number, or a list with one for each state), and a
            `call(inputs, states)` that gives (output, states).
        return_sequences: return the output of every step, of shape (batch, steps, units), instead
            of the last output.
        return_state: return (output, state, ...), each state after the last step.
        go_backwards: walk from the last step to the first; the outputs are in that order.
        zero_output_for_mask: give 0 for a step that a mask leaves out, instead of the last output.
        **layer: arguments of every layer.

    `LSTM(16)` computes what `RNN(LSTMCell(16))` does, and is faster: torch walks for it.

    Raises:
        ArgumentTypeError: for what is no cell.

    Example:
        >>> from onfit.layers import GRUCell
        >>> RNN([GRUCell(8), GRUCell(3)], return_sequences=True)(torch.zeros(2, 10, 4)).shape
        torch.Size([2, 10, 3])
    """

    layer_options = ("cell",)

    def __init__(
        self,
        cell: Any,
        return_sequences: bool = False,
        return_state: bool = False,
        go_backwards: bool = False,
        *,
        zero_output_for_mask: bool = False,
        **layer: Any,
    ) -> None:
        super().__init__(**layer)
        stacked = isinstance(cell, (list, tuple))
        self.cell = StackedRNNCells(cell) if stacked else require_cell(self, "cell", cell)
        self.return_sequences = return_sequences
        self.return_state = return_state
        self.go_backwards = go_backwards
        self.zero_output_for_mask = zero_output_for_mask

    @property
    def state_size(self) -> list[Any]:
        """How many numbers each state has."""
        size = self.cell.state_size
        return list(size) if isinstance(size, (list, tuple)) else [size]

    def build(self, input_shape: Shape) -> None:
        self.cell.ensure_built((input_shape[0], *input_shape[2:]))

    def forward(self, x: Tensor, initial_state: Any = None, mask: Tensor | None = None) -> Any:
        """Walk along `x`.

        Args:
            x: sequences, of shape (batch, steps, features).
            initial_state: the states to begin with, as `return_state` returns them; by default
                what the cell begins with.
            mask: True for each step that counts, of shape (batch, steps). At others the states
                stay as they are, and the output is the last one (0 with `zero_output_for_mask`).
        """
        states = self._begin(x, initial_state)
        steps = x.flip(1) if self.go_backwards else x
        counts = None
        if mask is not None:
            counts = mask.bool().reshape(mask.shape[:2])
            counts = counts.flip(1) if self.go_backwards else counts
        self._draw_anew()
        outputs, states = self._walked(steps, states, counts)
        self._draw_anew()
        output = torch.stack(outputs, 1) if self.return_sequences else outputs[-1]
        return (output, *states) if self.return_state else output

    def get_initial_state(self, batch_size: int) -> list[Any]:
        """The states before the first step.

        Args:
            batch_size: for how many samples.
        """
        return _listed(initial_state(self.cell, batch_size))

    def _begin(self, x: Tensor, given: Any) -> list[Any]:
        states = self.get_initial_state(len(x)) if given is None else _listed(given)
        found: list[Any] = mapped(lambda state: state.to(x.device), Tensor, states)
        return found

    def _draw_anew(self) -> None:
        for part in self.cell.modules():
            if isinstance(part, Cell):
                part.reset_dropout_mask()
                part.reset_recurrent_dropout_mask()

    def _walked(
        self, x: Tensor, states: list[Any], counts: Tensor | None
    ) -> tuple[list[Tensor], list[Any]]:
        outputs: list[Tensor] = []
        for index, step in enumerate(x.unbind(1)):
            output, new = self.cell(step, states)
            new = _listed(new)
            if counts is not None:
                here = counts[:, index]
                new = _chosen(here, new, states)
                idle = self.zero_output_for_mask or not outputs
                last = torch.zeros_like(output) if idle else outputs[-1]
                output = _chosen(here, output, last)
            states = new
            outputs.append(output)
        return outputs, states

    @property
    def _number_of_states(self) -> int:
        return len(self.state_size)


def _listed(states: Any) -> list[Any]:
    return list(states) if isinstance(states, (list, tuple)) else [states]


def _chosen(counts: Tensor, after: Any, before: Any) -> Any:
    """`after` for the samples in which a step counts, `before` for the others."""
    if isinstance(after, Tensor):
        return torch.where(counts.reshape(-1, *[1] * (after.ndim - 1)), after, before)
    return [_chosen(counts, new, old) for new, old in zip(after, before, strict=True)]
