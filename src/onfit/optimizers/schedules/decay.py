"""Decays: exponential, inverse in time, polynomial, and piecewise constant."""

import bisect
import math
from collections.abc import Sequence
from typing import Any

from onfit.errors import ArgumentError
from onfit.optimizers.schedules.schedule import Decay, LearningRateSchedule


class _RateDecay(Decay):
    """A decay by a rate, smooth or in stairs."""

    def __init__(
        self,
        initial_learning_rate: float,
        decay_steps: float,
        decay_rate: float,
        staircase: bool = False,
        name: str | None = None,
    ) -> None:
        super().__init__(initial_learning_rate, decay_steps, name)
        self.decay_rate = decay_rate
        self.staircase = staircase

    def _decays(self, step: int) -> float:
        """How many times `decay_steps` have passed."""
        return step // self.decay_steps if self.staircase else step / self.decay_steps

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "decay_rate": self.decay_rate,
            "staircase": self.staircase,
        }


class ExponentialDecay(_RateDecay):
    """Multiplies the rate by `decay_rate` every `decay_steps` steps.

    Args:
        initial_learning_rate: the rate of the first step.
        decay_steps: how many steps each factor takes.
        decay_rate: the factor.
        staircase: change the rate at the end of these steps only, not a little at each step.
        name: its name in files.

    Raises:
        ArgumentError: if `decay_steps` is not positive.

    Example:
        >>> ExponentialDecay(0.1, decay_steps=10, decay_rate=0.5)(20)
        0.025
    """

    def __call__(self, step: int) -> float:
        return float(self.initial_learning_rate * self.decay_rate ** self._decays(step))


class InverseTimeDecay(_RateDecay):
    """Divides the first rate by 1 + `decay_rate` for every `decay_steps` steps.

    Keras 2's `decay=d` is `InverseTimeDecay(rate, decay_steps=1, decay_rate=d)`.

    Args:
        initial_learning_rate: the rate of the first step.
        decay_steps: how many steps each addition to the divisor takes.
        decay_rate: what is added to the divisor.
        staircase: change the rate at the end of these steps only, not a little at each step.
        name: its name in files.

    Raises:
        ArgumentError: if `decay_steps` is not positive.

    Example:
        >>> InverseTimeDecay(0.1, decay_steps=10, decay_rate=0.5)(20)
        0.05
    """

    def __call__(self, step: int) -> float:
        return self.initial_learning_rate / (1.0 + self.decay_rate * self._decays(step))


class PolynomialDecay(Decay):
    """Goes from one rate to another along a power of the steps that are left.

    Args:
        initial_learning_rate: the rate of the first step.
        decay_steps: how many steps the decay takes.
        end_learning_rate: the rate after these steps.
        power: 1 for a straight line.
        cycle: instead of staying there, go on with a decay over twice the steps, then over three
            times the steps, and so on.
        name: its name in files.

    Raises:
        ArgumentError: if `decay_steps` is not positive.

    Example:
        >>> PolynomialDecay(0.5, decay_steps=10, end_learning_rate=0.0)(5)
        0.25
    """

    def __init__(
        self,
        initial_learning_rate: float,
        decay_steps: float,
        end_learning_rate: float = 0.0001,
        power: float = 1.0,
        cycle: bool = False,
        name: str | None = None,
    ) -> None:
        super().__init__(initial_learning_rate, decay_steps, name)
        self.end_learning_rate = end_learning_rate
        self.power = power
        self.cycle = cycle

    def __call__(self, step: int) -> float:
        cycles = max(1, math.ceil(step / self.decay_steps)) if self.cycle else 1
        done = min(step / (self.decay_steps * cycles), 1.0)
        span = self.initial_learning_rate - self.end_learning_rate
        return float(span * (1.0 - done) ** self.power + self.end_learning_rate)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "end_learning_rate": self.end_learning_rate,
            "power": self.power,
            "cycle": self.cycle,
        }


class PiecewiseConstantDecay(LearningRateSchedule):
    """One rate up to a step, another after it, and so on.

    Args:
        boundaries: the last step of each rate, in growing order, without that of the last rate.
        values: the rates, one more than boundaries.
        name: its name in files.

    Raises:
        ArgumentError: if their lengths do not fit.

    Example:
        >>> rate = PiecewiseConstantDecay([100, 200], [0.1, 0.01, 0.001])
        >>> rate(100), rate(101), rate(1000)
        (0.1, 0.01, 0.001)
    """

    def __init__(
        self,
        boundaries: Sequence[float],
        values: Sequence[float],
        name: str = "PiecewiseConstant",
    ) -> None:
        if len(boundaries) != len(values) - 1:
            raise ArgumentError(
                f"PiecewiseConstantDecay got {len(boundaries)} boundaries and {len(values)} "
                "values. Pass one value more than boundaries: that of the steps after the last."
            )
        self.boundaries = list(boundaries)
        self.values = list(values)
        self.name = name

    def __call__(self, step: int) -> float:
        return float(self.values[bisect.bisect_left(self.boundaries, step)])

    def get_config(self) -> dict[str, Any]:
        return {"boundaries": self.boundaries, "values": self.values, "name": self.name}
