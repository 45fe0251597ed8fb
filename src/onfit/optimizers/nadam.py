"""Nadam: Adam that looks ahead along its momentum."""

import math
import sys
from typing import Any

import torch
from torch import Tensor

from onfit.optimizers.optimizer import Optimizer
from onfit.optimizers.options import EPSILON
from onfit.optimizers.rated import RateLike

_DECAY = 0.96  # the paper's constant for the warm-up of the momentum


class Nadam(Optimizer):
    """Adam with Nesterov's momentum (Dozat 2016).

    Args:
        learning_rate: how far a step goes, or a schedule.
        beta_1: how much of the old mean gradient is kept at each step.
        beta_2: how much of the old mean squared gradient is kept.
        epsilon: added to the root of the mean square.
        **base: those of all optimizers: `weight_decay`, `clipnorm`, `use_ema` ... (`Optimizer`).
    """

    slot_names = ("momentum", "velocity")
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
        self._known = (0, 1.0)  # a step number, and the product of all shares up to it
        super().__init__(learning_rate, **base)

    def _update(self, params: list[Tensor], grads: list[Tensor], *slots: list[Tensor]) -> None:
        momentum, velocity = slots
        step = self._steps
        product, now, ahead = self._product(step), self._share(step), self._share(step + 1)
        torch._foreach_lerp_(momentum, grads, 1 - self.beta_1)
        torch._foreach_mul_(velocity, self.beta_2)
        torch._foreach_addcmul_(velocity, grads, grads, 1 - self.beta_2)
        root = torch._foreach_sqrt(velocity)
        torch._foreach_div_(root, math.sqrt(1 - self.beta_2**step))
        torch._foreach_add_(root, self.epsilon)
        along_momentum = self._rate * ahead / (1 - product * ahead)
        along_gradient = self._rate * (1 - now) / (1 - product)
        torch._foreach_addcdiv_(params, momentum, root, -along_momentum)
        torch._foreach_addcdiv_(params, grads, root, -along_gradient)

    def _share(self, step: int) -> float:
        """The share of the momentum in a step, which grows towards `beta_1`."""
        return float(self.beta_1 * (1.0 - 0.5 * _DECAY**step))

    def _product(self, step: int) -> float:
        """The product of the shares of all steps up to `step`. It is kept from call to call, and
        computed from the start again if `step` has gone back.
        """
        known, product = self._known if self._known[0] <= step else (0, 1.0)
        for each in range(known + 1, step + 1):
            product *= self._share(each)
            if product < sys.float_info.min:  # it is practically 0, and stays so
                product = 0.0
                break
        self._known = (step, product)
        return product

    @property
    def scalars(self) -> dict[str, float]:
        return {"variable": self._product(self._steps)}

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "beta_1": self.beta_1,
            "beta_2": self.beta_2,
            "epsilon": self.epsilon,
        }
