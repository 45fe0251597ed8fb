"""The learning rate of an optimizer: a number, or one that depends on the step."""

from collections.abc import Callable
from typing import Any, SupportsFloat

from onfit._arguments import ChecksArguments
from onfit.errors import ArgumentTypeError
from onfit.optimizers.learning_rate import LearningRate, checked_rate
from onfit.optimizers.schedules import LearningRateSchedule

# What says a learning rate: a number, a schedule, or a function without arguments.
RateLike = SupportsFloat | LearningRateSchedule | Callable[[], Any]


class Rated(ChecksArguments):
    """What an optimizer knows of its learning rate.

    Attributes:
        name: its name, for errors.
        batches: for how many batches it was given gradients; a schedule counts these.
        decay: Keras 2's decay: the rate is divided by `1 + decay * batches`.
    """

    name: str
    batches: int = 0
    decay: float = 0.0
    # The rate that was set, and that of the step which is taken.
    _set_rate: float
    _rate: float
    _schedule: LearningRateSchedule | None = None

    @property
    def learning_rate(self) -> LearningRate:
        """How far the next step goes, but for Keras 2's `decay`; setting it takes effect at the
        next batch.

        Raises:
            ArgumentTypeError: if it is set to a number although it follows a schedule.
        """
        return LearningRate(self._set_rate if self._schedule is None else self._scheduled(), self)

    @learning_rate.setter
    def learning_rate(self, value: RateLike) -> None:
        if self._schedule is not None and not callable(value):
            raise ArgumentTypeError(
                f"{self.name}.learning_rate = {value!r}: it cannot be set. This optimizer was "
                f"created with a `LearningRateSchedule` ({type(self._schedule).__name__}), which "
                "says the rate anew at every step. Make the "
                f"optimizer with a number, {type(self).__name__}(learning_rate=...), or leave out "
                "what sets it (ReduceLROnPlateau, LearningRateScheduler)."
            )
        self._take(value)

    @property
    def lr(self) -> LearningRate:
        """The older name of `learning_rate`."""
        return self.learning_rate

    @lr.setter
    def lr(self, value: RateLike) -> None:
        self.learning_rate = value

    def _take(self, rate: RateLike) -> None:
        if callable(rate) and not isinstance(rate, LearningRateSchedule):
            rate = RateOfFunction(rate)
        self._schedule = rate if isinstance(rate, LearningRateSchedule) else None
        self._set_rate = checked_rate(rate) if self._schedule is None else self._scheduled()
        self._rate = self._set_rate

    def _scheduled(self) -> float:
        """The schedule's rate for the next step."""
        assert self._schedule is not None
        return checked_rate(self._schedule(self.batches))

    def _rate_of_step(self) -> float:
        """The rate of the step that begins."""
        rate = self._set_rate if self._schedule is None else self._scheduled()
        return rate / (1 + self.decay * self.batches) if self.decay else rate

    @property
    def schedule(self) -> LearningRateSchedule | None:
        """The schedule that the learning rate follows; None if the rate is a number."""
        return self._schedule

    def rate_state(self) -> float | None:
        """The learning rate that a resumed run goes on with; None if it follows a schedule."""
        return None if self._schedule is not None else self._set_rate

    def load_rate_state(self, state: float | None) -> None:
        """Go on with the learning rate that `rate_state` returned."""
        if state is not None and self._schedule is None:
            self._set_rate = self._rate = checked_rate(state)


class RateOfFunction(LearningRateSchedule):
    """A learning rate that a function without arguments says anew at each step.

    Args:
        function: called at each step, and when the rate is read.
    """

    def __init__(self, function: Callable[[], Any]) -> None:
        self.function = function

    def __call__(self, step: int) -> Any:
        return self.function()
