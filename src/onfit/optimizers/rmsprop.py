"""RMSprop: steps scaled by the recent size of each gradient."""

from typing import Any

import torch
from torch import Tensor

from onfit.optimizers.optimizer import Optimizer
from onfit.optimizers.options import EPSILON
from onfit.optimizers.rated import RateLike


class RMSprop(Optimizer):
    """Divides the gradient by the root of its recent mean square (Hinton 2012).

    Args:
        learning_rate: how far a step goes, or a schedule.
        rho: how much of the old mean square is kept at each step.
        momentum: how much of the last step goes into the next.
        epsilon: added to the mean square, inside the root, as in Keras (torch adds it outside).
        centered: subtract the squared mean of the gradients first, to divide by their variance.
        **base: those of all optimizers: `weight_decay`, `clipnorm`, `use_ema` ... (`Optimizer`).
    """

    def __init__(
        self,
        learning_rate: RateLike = 0.001,
        rho: float = 0.9,
        momentum: float = 0.0,
        epsilon: float | None = EPSILON,
        centered: bool = False,
        **base: Any,
    ) -> None:
        self.rho = rho
        self.momentum = momentum
        self.epsilon = EPSILON if epsilon is None else epsilon
        self.centered = centered
        self.slot_names = (
            "velocity",
            *(("momentum",) if momentum else ()),
            *(("average_gradient",) if centered else ()),
        )
        super().__init__(learning_rate, **base)

    def _update(self, params: list[Tensor], grads: list[Tensor], *slots: list[Tensor]) -> None:
        state = dict(zip(self.slot_names, slots, strict=True))
        velocity = state["velocity"]
        torch._foreach_mul_(velocity, self.rho)
        torch._foreach_addcmul_(velocity, grads, grads, 1 - self.rho)
        root = torch._foreach_add(velocity, self.epsilon)
        if self.centered:
            mean = state["average_gradient"]
            torch._foreach_mul_(mean, self.rho)
            torch._foreach_add_(mean, grads, alpha=1 - self.rho)
            torch._foreach_addcmul_(root, mean, mean, -1)
        torch._foreach_sqrt_(root)
        if self.momentum:
            momenta = state["momentum"]
            torch._foreach_mul_(momenta, self.momentum)
            torch._foreach_addcdiv_(momenta, grads, root, self._rate)
            torch._foreach_sub_(params, momenta)
        else:
            torch._foreach_addcdiv_(params, grads, root, -self._rate)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "rho": self.rho,
            "momentum": self.momentum,
            "epsilon": self.epsilon,
            "centered": self.centered,
        }
