"""Decays along a cosine, once or repeatedly."""

import math
from typing import Any

from onfit.errors import ArgumentError
from onfit.optimizers.schedules.schedule import Decay, LearningRateSchedule


class CosineDecay(Decay):
    """Decays along half a wave of the cosine, perhaps after a linear warm-up.

    Args:
        initial_learning_rate: the rate of the first step.
        decay_steps: how many steps the decay takes.
        alpha: the share of the rate that is left at its end.
        name: its name in files.
        warmup_target: the rate to rise to first; None to decay from the start.
        warmup_steps: how many steps the rise takes, before the decay.

    Raises:
        ArgumentError: if `decay_steps` is not positive.

    Example:
        >>> rate = CosineDecay(0.0, decay_steps=10, warmup_target=0.5, warmup_steps=10)
        >>> rate(5), rate(10), rate(20)
        (0.25, 0.5, 0.0)
    """

    def __init__(
        self,
        initial_learning_rate: float,
        decay_steps: float,
        alpha: float = 0.0,
        name: str | None = None,
        warmup_target: float | None = None,
        warmup_steps: float = 0,
    ) -> None:
        super().__init__(initial_learning_rate, decay_steps, name)
        self.alpha = alpha
        self.warmup_target = warmup_target
        self.warmup_steps = warmup_steps

    def __call__(self, step: int) -> float:
        if self.warmup_target is None:
            return self._down(step, self.initial_learning_rate)
        if step < self.warmup_steps:
            rise = self.warmup_target - self.initial_learning_rate
            return self.initial_learning_rate + rise * step / self.warmup_steps
        return self._down(step - self.warmup_steps, self.warmup_target)

    def _down(self, step: float, start: float) -> float:
        wave = _half_wave(min(step / self.decay_steps, 1.0))
        return start * ((1.0 - self.alpha) * wave + self.alpha)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "alpha": self.alpha,
            "warmup_target": self.warmup_target,
            "warmup_steps": self.warmup_steps,
        }


class CosineDecayRestarts(LearningRateSchedule):
    """Decays along half a wave of the cosine, repeatedly (Loshchilov, Hutter 2016).

    Args:
        initial_learning_rate: the rate of the first step.
        first_decay_steps: how many steps the first decay takes.
        t_mul: each decay takes this many times the steps of the previous one.
        m_mul: each decay starts at this share of the rate at which the previous one started.
        alpha: the share of the first rate that is left at the end of each decay.
        name: its name in files.

    Raises:
        ArgumentError: if `first_decay_steps` is not positive.

    Example:
        >>> rate = CosineDecayRestarts(1.0, first_decay_steps=10, t_mul=2.0, m_mul=0.5)
        >>> rate(0), rate(10), rate(20)
        (1.0, 0.5, 0.25)
    """

    def __init__(
        self,
        initial_learning_rate: float,
        first_decay_steps: float,
        t_mul: float = 2.0,
        m_mul: float = 1.0,
        alpha: float = 0.0,
        name: str = "SGDRDecay",
    ) -> None:
        if not first_decay_steps > 0 or not t_mul >= 1:
            raise ArgumentError(
                f"CosineDecayRestarts(first_decay_steps={first_decay_steps!r}, t_mul={t_mul!r}): "
                "a decay takes more than 0 steps, and t_mul is 1 or more."
            )
        self.initial_learning_rate = initial_learning_rate
        self.first_decay_steps = first_decay_steps
        self.t_mul = t_mul
        self.m_mul = m_mul
        self.alpha = alpha
        self.name = name

    def __call__(self, step: int) -> float:
        begin, steps, share = 0.0, float(self.first_decay_steps), 1.0
        if self.t_mul == 1:
            restarts = step // steps
            begin, share = restarts * steps, self.m_mul**restarts
        while step >= begin + steps:
            begin, steps, share = begin + steps, steps * self.t_mul, share * self.m_mul
        wave = share * _half_wave((step - begin) / steps)
        return self.initial_learning_rate * ((1.0 - self.alpha) * wave + self.alpha)

    def get_config(self) -> dict[str, Any]:
        return {
            "initial_learning_rate": self.initial_learning_rate,
            "first_decay_steps": self.first_decay_steps,
            "t_mul": self.t_mul,
            "m_mul": self.m_mul,
            "alpha": self.alpha,
            "name": self.name,
        }


def _half_wave(done: float) -> float:
    """From 1 to 0 as `done` goes from 0 to 1, along a cosine."""
    return 0.5 * (1.0 + math.cos(math.pi * done))
