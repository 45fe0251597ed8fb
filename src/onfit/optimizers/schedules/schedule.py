"""The base classes of schedules: a learning rate for each step."""

from typing import Any

from onfit._arguments import ChecksArguments
from onfit.errors import ArgumentError


class LearningRateSchedule(ChecksArguments):
    """A learning rate for each step. Subclass it and write `__call__`.

    Example:
        >>> class Halving(LearningRateSchedule):
        ...     def __call__(self, step):
        ...         return 0.1 * 0.5**step
        >>> Halving()(2)
        0.025
    """

    def __call__(self, step: int) -> Any:
        """The rate of step `step`, counted from 0: a number, or a scalar of any framework."""
        raise NotImplementedError

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments for an equal schedule; needed to save a model."""
        raise NotImplementedError(f"{type(self).__name__} has no get_config, which saving needs.")

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "LearningRateSchedule":
        """A schedule with these arguments."""
        return cls(**config)


class Decay(LearningRateSchedule):
    """A schedule that starts at a rate and takes a number of steps.

    Args:
        initial_learning_rate: the rate of the first step.
        decay_steps: how many steps the decay is measured in.
        name: its name in files; the name of its class if None.

    Raises:
        ArgumentError: if `decay_steps` is not positive.
    """

    def __init__(
        self, initial_learning_rate: float, decay_steps: float, name: str | None = None
    ) -> None:
        if not decay_steps > 0:
            raise ArgumentError(
                f"{type(self).__name__}(decay_steps={decay_steps!r}): a decay takes more than 0 "
                "steps."
            )
        self.initial_learning_rate = initial_learning_rate
        self.decay_steps = decay_steps
        self.name = name or type(self).__name__

    def get_config(self) -> dict[str, Any]:
        return {
            "initial_learning_rate": self.initial_learning_rate,
            "decay_steps": self.decay_steps,
            "name": self.name,
        }
