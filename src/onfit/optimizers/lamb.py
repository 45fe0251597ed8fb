"""Lamb: Adam whose steps are in proportion to the weights of a layer."""

from typing import Any

import torch
from torch import Tensor

from onfit.optimizers.optimizer import Optimizer
from onfit.optimizers.options import EPSILON
from onfit.optimizers.rated import RateLike


class Lamb(Optimizer):
    """Adam's direction, as long as the weights are, for large batches (You et al. 2019).

    Args:
        learning_rate: how far a step goes, as a share of the weights' norm, or a schedule.
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
        super().__init__(learning_rate, **base)

    def _update(self, params: list[Tensor], grads: list[Tensor], *slots: list[Tensor]) -> None:
        momentum, velocity = slots
        torch._foreach_lerp_(momentum, grads, 1 - self.beta_1)
        torch._foreach_mul_(velocity, self.beta_2)
        torch._foreach_addcmul_(velocity, grads, grads, 1 - self.beta_2)
        root = list(torch._foreach_div(velocity, 1 - self.beta_2**self._steps))
        torch._foreach_sqrt_(root)
        torch._foreach_add_(root, self.epsilon)
        step = list(torch._foreach_div(momentum, 1 - self.beta_1**self._steps))
        torch._foreach_div_(step, root)
        norms = zip(torch._foreach_norm(params), torch._foreach_norm(step), strict=True)
        # Where a norm is 0, there is no proportion.
        ratios = [torch.where((w > 0) & (s > 0), w / s, 1.0) for w, s in norms]
        torch._foreach_mul_(step, ratios)
        torch._foreach_add_(params, step, alpha=-self._rate)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "beta_1": self.beta_1,
            "beta_2": self.beta_2,
            "epsilon": self.epsilon,
        }
