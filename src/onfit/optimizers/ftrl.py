"""Ftrl: follow the regularized leader, for large and shallow models of rare features."""

from typing import Any

import torch
from torch import Tensor

from onfit.errors import ArgumentError
from onfit.optimizers.optimizer import Optimizer
from onfit.optimizers.rated import RateLike


class Ftrl(Optimizer):
    """Finds the weights anew at each step, from all gradients so far (McMahan et al. 2013).

    Args:
        learning_rate: how far a step goes, or a schedule.
        learning_rate_power: how the rate falls with the sum of squared gradients; 0 or below.
        initial_accumulator_value: where the sum of squares starts, from 0 upwards.
        l1_regularization_strength: pulls weights to exactly 0.
        l2_regularization_strength: pulls weights towards 0.
        l2_shrinkage_regularization_strength: adds this share of the weights to their gradients.
        beta: the paper's constant of this name.
        **base: those of all optimizers: `weight_decay`, `clipnorm`, `use_ema` ... (`Optimizer`).

    Raises:
        ArgumentError: for an impossible value of an argument.
    """

    slot_names = ("accumulator", "linear")
    together = 2

    def __init__(
        self,
        learning_rate: RateLike = 0.001,
        learning_rate_power: float = -0.5,
        initial_accumulator_value: float = 0.1,
        l1_regularization_strength: float = 0.0,
        l2_regularization_strength: float = 0.0,
        l2_shrinkage_regularization_strength: float = 0.0,
        beta: float = 0.0,
        **base: Any,
    ) -> None:
        self.learning_rate_power = learning_rate_power
        self.initial_accumulator_value = initial_accumulator_value
        self.l1_regularization_strength = l1_regularization_strength
        self.l2_regularization_strength = l2_regularization_strength
        self.l2_shrinkage_regularization_strength = l2_shrinkage_regularization_strength
        self.beta = beta
        if learning_rate_power > 0:
            raise ArgumentError(
                f"Ftrl(learning_rate_power={learning_rate_power!r}): a power is 0 or below."
            )
        for name in _FROM_0:
            if not getattr(self, name) >= 0:
                raise ArgumentError(f"Ftrl({name}={getattr(self, name)!r}): it is 0 or above.")
        super().__init__(learning_rate, **base)

    def _new_slot(self, slot: str, param: Tensor) -> Tensor:
        if slot == "linear":
            return torch.zeros_like(param)
        return torch.full_like(param, self.initial_accumulator_value)

    def _update(self, params: list[Tensor], grads: list[Tensor], *slots: list[Tensor]) -> None:
        for param, grad, accumulator, linear in zip(params, grads, *slots, strict=True):
            self._update_one(param, grad, accumulator, linear)

    def _update_one(self, param: Tensor, grad: Tensor, accumulator: Tensor, linear: Tensor) -> None:
        rate, power, l1 = self._rate, -self.learning_rate_power, self.l1_regularization_strength
        l2 = self.l2_regularization_strength + self.beta / (2.0 * rate)
        shrunk = grad + 2 * self.l2_shrinkage_regularization_strength * param
        total = accumulator + torch.square(grad)
        linear.add_(shrunk - (total.pow(power) - accumulator.pow(power)) / rate * param)
        quadratic = total.pow(power) / rate + 2 * l2
        param.copy_((linear.clamp(-l1, l1) - linear) / quadratic)
        accumulator.copy_(total)

    def get_config(self) -> dict[str, Any]:
        names = ("learning_rate_power", *_FROM_0, "beta")
        return {**super().get_config(), **{name: getattr(self, name) for name in names}}


_FROM_0 = (
    "initial_accumulator_value",
    "l1_regularization_strength",
    "l2_regularization_strength",
    "l2_shrinkage_regularization_strength",
)
