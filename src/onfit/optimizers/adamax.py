"""Adamax: Adam with the largest recent gradient in place of the mean square."""

from typing import Any

import torch
from torch import Tensor

from onfit.optimizers.optimizer import Optimizer
from onfit.optimizers.options import EPSILON
from onfit.optimizers.rated import RateLike


class Adamax(Optimizer):
    """Adam by the infinity norm (Kingma and Ba 2014, section 7).

    Args:
        learning_rate: how far a step goes, or a schedule.
        beta_1: how much of the old mean gradient is kept at each step.
        beta_2: how much of the old largest gradient is kept.
        epsilon: added to the largest gradient.
        **base: those of all optimizers: `weight_decay`, `clipnorm`, `use_ema` ... (`Optimizer`).
    """

    slot_names = ("momentum", "norm")
    together = 2

    def __init__(
        self,
        learning_rate: RateLike = 0.001,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float | None = EPSILON,
        **base: Any,
    ) -> None:
        self.beta_1 = beta_1
        self.beta_2 = beta_2
        self.epsilon = EPSILON if epsilon is None else epsilon
        super().__init__(learning_rate, **base)

    def _update(self, params: list[Tensor], grads: list[Tensor], *slots: list[Tensor]) -> None:
        momentum, norm = slots
        torch._foreach_lerp_(momentum, grads, 1 - self.beta_1)
        torch._foreach_mul_(norm, self.beta_2)
        torch._foreach_maximum_(norm, torch._foreach_abs(grads))
        correction = 1 - self.beta_1**self._steps
        divisor = torch._foreach_add(norm, self.epsilon)
        torch._foreach_addcdiv_(params, momentum, divisor, -self._rate / correction)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "beta_1": self.beta_1,
            "beta_2": self.beta_2,
            "epsilon": self.epsilon,
        }
