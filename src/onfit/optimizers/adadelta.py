"""Adadelta: steps about as large as recent steps."""

from typing import Any

import torch
from torch import Tensor

from onfit.optimizers.optimizer import Optimizer
from onfit.optimizers.options import EPSILON
from onfit.optimizers.rated import RateLike


class Adadelta(Optimizer):
    """Scales the gradient by recent steps over recent gradients (Zeiler 2012).

    Args:
        learning_rate: a factor of each step, or a schedule; 1 in the paper.
        rho: how much of the old mean squares is kept at each step.
        epsilon: added to both mean squares, inside the root.
        **base: those of all optimizers: `weight_decay`, `clipnorm`, `use_ema` ... (`Optimizer`).
    """

    slot_names = ("accumulated_grad", "accumulated_delta_var")
    together = 2

    def __init__(
        self,
        learning_rate: RateLike = 0.001,
        rho: float = 0.95,
        epsilon: float | None = EPSILON,
        **base: Any,
    ) -> None:
        self.rho = rho
        self.epsilon = EPSILON if epsilon is None else epsilon
        super().__init__(learning_rate, **base)

    def _update(self, params: list[Tensor], grads: list[Tensor], *slots: list[Tensor]) -> None:
        squares, steps = slots
        torch._foreach_mul_(squares, self.rho)
        torch._foreach_addcmul_(squares, grads, grads, 1 - self.rho)
        delta = self._root(steps)
        torch._foreach_mul_(delta, grads)
        torch._foreach_div_(delta, self._root(squares))
        torch._foreach_mul_(steps, self.rho)
        torch._foreach_addcmul_(steps, delta, delta, 1 - self.rho)
        torch._foreach_add_(params, delta, alpha=-self._rate)

    def _root(self, means: list[Tensor]) -> list[Tensor]:
        root = list(torch._foreach_add(means, self.epsilon))
        torch._foreach_sqrt_(root)
        return root

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "rho": self.rho, "epsilon": self.epsilon}
