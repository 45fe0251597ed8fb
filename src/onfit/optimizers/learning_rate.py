"""The learning rate of an optimizer: a float that Keras' scripts may also use as a variable."""

from typing import TYPE_CHECKING, Any

from onfit.errors import ArgumentError

if TYPE_CHECKING:
    from onfit.optimizers.optimizer import Optimizer


class LearningRate(float):
    """An optimizer's learning rate: a float that can also be assigned to, like Keras' variables.

    >>> rate = SGD(0.1).learning_rate                       # doctest: +SKIP
    >>> rate.assign(0.01)                                   # doctest: +SKIP
    """

    _owner: "Optimizer"

    def __new__(cls, value: float, owner: "Optimizer") -> "LearningRate":
        rate = super().__new__(cls, value)
        rate._owner = owner
        return rate

    @property
    def value(self) -> float:
        """The rate as a plain float."""
        return float(self)

    def numpy(self) -> float:
        """The rate as a plain float."""
        return float(self)

    def assign(self, value: float) -> None:
        """Set the optimizer's learning rate."""
        self._owner.learning_rate = value

    def __reduce__(self) -> tuple[Any, ...]:
        return (float, (float(self),))


def checked_rate(value: Any) -> float:
    """`value` as a float, if it can be a learning rate."""
    try:
        rate = float(value)
    except (TypeError, ValueError):
        rate = -1.0
    if not rate >= 0:
        raise ArgumentError(f"learning_rate={value!r}: a learning rate is a number from 0 upwards.")
    return rate
