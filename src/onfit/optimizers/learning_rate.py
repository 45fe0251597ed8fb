"""Numbers of an optimizer that Keras' scripts also use as variables: its rate, and its steps."""

from typing import Any

import numpy as np

from onfit.errors import ArgumentError


class LearningRate(float):
    """An optimizer's learning rate: a float that can also be assigned to, like Keras' variables.

    >>> rate = SGD(0.1).learning_rate                       # doctest: +SKIP
    >>> rate.assign(0.01)                                   # doctest: +SKIP
    """

    name = "learning_rate"
    shape = ()
    _owner: Any
    _attribute = "learning_rate"  # of the owner, which is set

    def __new__(cls, value: float, owner: Any) -> "LearningRate":
        rate = super().__new__(cls, value)
        rate._owner = owner
        return rate

    @property
    def value(self) -> float:
        """The rate as a plain float."""
        return float(self)

    def numpy(self) -> np.float64:
        """The rate as a number of numpy, which is a float, too."""
        return np.float64(self)

    def assign(self, value: float) -> None:
        """Set the optimizer's learning rate."""
        setattr(self._owner, self._attribute, value)

    def __reduce__(self) -> tuple[Any, ...]:
        return (float, (float(self),))


class Iterations(int):
    """How many steps an optimizer has taken: an int that can also be assigned to.

    Args:
        value: how many.
        owner: the optimizer.
        attribute: the attribute of it that is set.
    """

    name = "iteration"
    shape = ()
    _owner: Any
    _attribute: str

    def __new__(cls, value: int, owner: Any, attribute: str = "iterations") -> "Iterations":
        count = super().__new__(cls, value)
        count._owner, count._attribute = owner, attribute
        return count

    @property
    def value(self) -> int:
        """The count as a plain int."""
        return int(self)

    def numpy(self) -> np.int64:
        """The count as a number of numpy."""
        return np.int64(self)

    def assign(self, value: int) -> None:
        """Set the optimizer's count of steps."""
        setattr(self._owner, self._attribute, checked_count(value))

    def __reduce__(self) -> tuple[Any, ...]:
        return (int, (int(self),))


def checked_count(value: Any) -> int:
    """`value` as an int, if it can be a count of steps."""
    try:
        count = -1 if isinstance(value, str) else int(value)
    except (TypeError, ValueError):
        count = -1
    if count < 0:
        raise ArgumentError(f"iterations={value!r}: steps are a whole number from 0 upwards.")
    return count


def checked_rate(value: Any) -> float:
    """`value` as a float, if it can be a learning rate."""
    try:
        rate = float(value)
    except (TypeError, ValueError):
        rate = -1.0
    if not rate >= 0:
        raise ArgumentError(f"learning_rate={value!r}: a learning rate is a number from 0 upwards.")
    return rate
