"""Lion: steps of one size, along the sign of a momentum."""

from typing import Any

import torch
from torch import Tensor

from onfit.errors import ArgumentError
from onfit.optimizers.optimizer import Optimizer
from onfit.optimizers.rated import RateLike


class Lion(Optimizer):
    """Moves each number by the learning rate, along the sign of the momentum (Chen et al. 2023).

    Args:
        learning_rate: how far a step goes, or a schedule; smaller than Adam's.
        beta_1: how much of the momentum, rather than of the gradient, says the direction.
        beta_2: how much of the momentum is kept at each step.
        **base: those of all optimizers: `weight_decay`, `clipnorm`, `use_ema` ... (`Optimizer`).

    Raises:
        ArgumentError: for an impossible value of an argument.
    """

    slot_names = ("momentum",)

    def __init__(
        self,
        learning_rate: RateLike = 0.001,
        beta_1: float = 0.9,
        beta_2: float = 0.99,
        **base: Any,
    ) -> None:
        if not 0 < beta_1 <= 1:
            raise ArgumentError(f"Lion(beta_1={beta_1!r}): beta_1 lies above 0, up to 1.")
        self.beta_1 = beta_1
        self.beta_2 = beta_2
        super().__init__(learning_rate, **base)

    def _update(self, params: list[Tensor], grads: list[Tensor], *slots: list[Tensor]) -> None:
        momentum = slots[0]
        direction = list(torch._foreach_mul(momentum, self.beta_1))
        torch._foreach_add_(direction, grads, alpha=1 - self.beta_1)
        torch._foreach_sign_(direction)
        torch._foreach_add_(params, direction, alpha=-self._rate)
        torch._foreach_mul_(momentum, self.beta_2)
        torch._foreach_add_(momentum, grads, alpha=1 - self.beta_2)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "beta_1": self.beta_1, "beta_2": self.beta_2}
