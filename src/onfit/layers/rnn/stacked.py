"""Several cells, one upon the other, as one cell."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from onfit.errors import ArgumentError, ArgumentTypeError
from onfit.layers.around.wrapper import Around
from onfit.layers.calling import Called
from onfit.layers.shapes import Shape


class StackedRNNCells(Around):
    """Cells of which each takes what the one before it gives.

    Args:
        cells: the cells, those that see the inputs first.
        **layer: arguments of every layer.

    Its states are a list with an entry for each cell. `RNN([cell, ...])` makes one.

    Example:
        >>> from onfit.layers import RNN, LSTMCell
        >>> RNN(StackedRNNCells([LSTMCell(3), LSTMCell(5)]))(torch.zeros(2, 10, 4)).shape
        torch.Size([2, 5])
    """

    layer_options = ("cells",)

    def __init__(self, cells: Sequence[Any], **layer: Any) -> None:
        if not isinstance(cells, (list, tuple)) or not cells:
            raise ArgumentError(
                f"{type(self).__name__}(cells={cells!r}): cells is a list with at least one cell."
            )
        super().__init__(**layer)
        self.cells = [require_cell(self, "cells", cell) for cell in cells]

    @property
    def state_size(self) -> list[Any]:
        """How many numbers the states of each cell have."""
        return [cell.state_size for cell in self.cells]

    @property
    def output_size(self) -> int:
        """How many numbers the output has."""
        return output_size(self.cells[-1])

    def get_initial_state(self, batch_size: int) -> list[Any]:
        """The states of each cell before the first step.

        Args:
            batch_size: for how many samples.
        """
        return [initial_state(cell, batch_size) for cell in self.cells]

    def build(self, input_shape: Shape) -> None:
        for cell in self.cells:
            cell.ensure_built(input_shape)
            input_shape = (input_shape[0], output_size(cell))

    def forward(  # type: ignore[override]
        self, inputs: Tensor, states: Any
    ) -> tuple[Any, list[Any]]:
        """Take a step with each cell.

        Args:
            inputs: the inputs of a step, of shape (batch, features).
            states: an entry for each cell.
        """
        after = []
        for cell, before in zip(self.cells, states, strict=True):
            is_one = isinstance(before, Tensor)
            inputs, new = cell(inputs, [before] if is_one else list(before))
            new = [new] if isinstance(new, Tensor) else list(new)
            after.append(new[0] if is_one and len(new) == 1 else new)
        return inputs, after


def require_cell(owner: Any, argument: str, cell: Any) -> Any:
    """`cell`, if it is one.

    Raises:
        ArgumentTypeError: if it is no layer with a `state_size`.
    """
    if not isinstance(cell, Called) or getattr(cell, "state_size", None) is None:
        raise ArgumentTypeError(
            f"{type(owner).__name__}({argument}={cell!r}): a cell is a layer with a state_size, "
            "called on (inputs, states), which gives (output, states): LSTMCell(16), or a Layer of "
            "your own."
        )
    return cell


def output_size(cell: Any) -> int:
    """How many numbers a cell gives."""
    size = getattr(cell, "output_size", None)
    size = cell.state_size if size is None else size
    return int(size[0] if isinstance(size, (list, tuple)) else size)


def initial_state(cell: Any, batch_size: int) -> Any:
    """The states of a cell before the first step: what it says, or zeros."""
    if hasattr(cell, "get_initial_state"):
        return cell.get_initial_state(batch_size=batch_size)
    size = cell.state_size
    if isinstance(size, (list, tuple)):
        return [torch.zeros(batch_size, each) for each in size]
    return torch.zeros(batch_size, size)
