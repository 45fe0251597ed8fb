"""SGD: gradient descent, with momentum."""

from typing import Any

import torch
from torch import Tensor

from onfit.errors import ArgumentError
from onfit.optimizers.optimizer import Optimizer
from onfit.optimizers.rated import RateLike


class SGD(Optimizer):
    """Gradient descent: `param -= learning_rate * grad`, or along a momentum.

    Args:
        learning_rate: how far a step goes, or a schedule.
        momentum: how much of the last step goes into the next, from 0 to 1. A gradient is
            scaled by the learning rate when it is added to the momentum, as in Keras (torch
            scales the momentum when it is used).
        nesterov: look ahead along the momentum (Nesterov 1983, in the form of Sutskever et
            al. 2013).
        **base: those of all optimizers: `weight_decay`, `clipnorm`, `use_ema` ... (`Optimizer`).

    Example:
        >>> SGD(learning_rate=0.1, momentum=0.9).learning_rate
        0.1
    """

    def __init__(
        self,
        learning_rate: RateLike = 0.01,
        momentum: float = 0.0,
        nesterov: bool = False,
        **base: Any,
    ) -> None:
        if not 0 <= momentum <= 1:
            raise ArgumentError(f"SGD(momentum={momentum!r}): momentum is from 0 to 1.")
        if not isinstance(nesterov, bool | int) or nesterov not in (0, 1):
            raise ArgumentError(
                f"SGD(nesterov={nesterov!r}): nesterov is True or False. Keras 2 had decay in the "
                f"third place: write decay={nesterov!r}."
            )
        self.momentum = momentum
        self.nesterov = nesterov
        self.slot_names = ("momentum",) if momentum else ()
        super().__init__(learning_rate, **base)

    def _update(self, params: list[Tensor], grads: list[Tensor], *slots: list[Tensor]) -> None:
        if not slots:
            torch._foreach_add_(params, grads, alpha=-self._rate)
            return
        momenta = slots[0]
        torch._foreach_mul_(momenta, self.momentum)
        torch._foreach_add_(momenta, grads, alpha=-self._rate)
        if self.nesterov:
            torch._foreach_add_(params, momenta, alpha=self.momentum)
            torch._foreach_add_(params, grads, alpha=-self._rate)
        else:
            torch._foreach_add_(params, momenta)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "momentum": self.momentum, "nesterov": self.nesterov}
