"""The factors of the outputs' losses, as a user gives them to `compile`."""

from collections.abc import Mapping, MutableMapping, MutableSequence, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from torch import Tensor

from onfit.engine.step.by_output import spread
from onfit.errors import ArgumentTypeError


@dataclass
class LossWeight:
    """The factor of one output's loss. It is read at each step, so that it may change.

    Attributes:
        given: what the user gave: a list or dict of factors, or one factor.
        key: the factor's place in the list or dict; None if there is neither.
    """

    given: Any = 1.0
    key: Any = None

    @property
    def value(self) -> Any:
        """The factor now: a number or a tensor."""
        found = self.given if self.key is None else self._item()
        if found is None:
            return 1.0
        return found if isinstance(found, (float, Tensor)) else _number(found)

    @property
    def number(self) -> float:
        """The factor now, as a float."""
        return _number(self.value)

    def put(self, number: float) -> bool:
        """Set the factor in the place where the user keeps it; False if it has none."""
        if self.number == number:
            return True
        held = self.given if self.key is None else self._item()
        if isinstance(held, Tensor):
            held.detach().fill_(number)
        elif hasattr(held, "assign"):
            held.assign(number)
        elif isinstance(held, np.ndarray):
            held[...] = number
        elif self.key is not None and isinstance(self.given, MutableSequence | MutableMapping):
            self.given[self.key] = number
        else:
            return False
        return True

    def _item(self) -> Any:
        held = self.given
        return held.get(self.key) if isinstance(held, Mapping) else held[self.key]


def factors_of(given: Any, outputs: Sequence[str]) -> dict[str, LossWeight]:
    """The factor of each output's loss.

    Args:
        given: the argument `loss_weights`.
        outputs: the names of the outputs.

    Raises:
        ArgumentError: for more or fewer factors than outputs, or an output that there is not.
        ArgumentTypeError: for a factor that is no number.
    """
    if getattr(given, "ndim", 0) == 1:  # an array or a tensor: its numbers are read where they are
        given = [given[index, ...] for index in range(len(given))]
    spread(given, outputs, "loss_weights")  # refuses what does not fit
    if isinstance(given, Mapping):
        factors = {name: LossWeight(given, name) for name in outputs}
    elif isinstance(given, (list, tuple)):
        factors = {name: LossWeight(given, index) for index, name in enumerate(outputs)}
    else:
        factors = {name: LossWeight(given) for name in outputs}
    for factor in factors.values():
        _number(factor.value)  # refuses what is no number
    return factors


def _number(factor: Any) -> float:
    held = factor.detach() if isinstance(factor, Tensor) else getattr(factor, "value", factor)
    try:
        if not isinstance(held, str):
            return float(held)
    except (TypeError, ValueError):
        pass
    raise ArgumentTypeError(
        f"loss_weights has {factor!r} for an output: the factor of a loss is a number, or a tensor "
        "or variable of one."
    )
