"""Adagrad: steps scaled by all gradients so far."""

from typing import Any

import torch
from torch import Tensor

from onfit.errors import ArgumentError
from onfit.optimizers.optimizer import Optimizer
from onfit.optimizers.options import EPSILON
from onfit.optimizers.rated import RateLike


class Adagrad(Optimizer):
    """Divides the gradient by the root of the sum of all its squares (Duchi et al. 2011).

    Args:
        learning_rate: how far a step goes, or a schedule.
        initial_accumulator_value: where the sum of squares starts, from 0 upwards.
        epsilon: added to the sum, inside the root, as in Keras (torch adds it outside).
        **base: those of all optimizers: `weight_decay`, `clipnorm`, `use_ema` ... (`Optimizer`).

    Raises:
        ArgumentError: for an impossible value of an argument.
    """

    slot_names = ("accumulator",)

    def __init__(
        self,
        learning_rate: RateLike = 0.001,
        initial_accumulator_value: float = 0.1,
        epsilon: float | None = EPSILON,
        **base: Any,
    ) -> None:
        if not initial_accumulator_value >= 0:
            raise ArgumentError(
                f"Adagrad(initial_accumulator_value={initial_accumulator_value!r}): a sum of "
                "squares starts from 0 upwards."
            )
        self.initial_accumulator_value = initial_accumulator_value
        self.epsilon = EPSILON if epsilon is None else epsilon
        super().__init__(learning_rate, **base)

    def _new_slot(self, slot: str, param: Tensor) -> Tensor:
        return torch.full_like(param, self.initial_accumulator_value)

    def _update(self, params: list[Tensor], grads: list[Tensor], *slots: list[Tensor]) -> None:
        accumulators = slots[0]
        torch._foreach_addcmul_(accumulators, grads, grads)
        root = torch._foreach_add(accumulators, self.epsilon)
        torch._foreach_sqrt_(root)
        torch._foreach_addcdiv_(params, grads, root, -self._rate)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "initial_accumulator_value": self.initial_accumulator_value,
            "epsilon": self.epsilon,
        }
