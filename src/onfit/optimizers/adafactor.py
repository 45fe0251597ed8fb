"""Adafactor: Adam's scaling of steps, with little memory for large weights."""

from typing import Any

import torch
from torch import Tensor

from onfit.optimizers.optimizer import Optimizer
from onfit.optimizers.rated import RateLike


class Adafactor(Optimizer):
    """Scales steps by means of squared gradients over rows and over columns (Shazeer and Stern
    2018).

    Args:
        learning_rate: the most that a step goes, as a share of the weights' size; or a schedule.
        beta_2_decay: how the share of old means grows with the steps.
        epsilon_1: added to squared gradients.
        epsilon_2: the least size of weights that a step is in proportion to.
        clip_threshold: the largest root mean square of a step.
        relative_step: accepted without effect, as in Keras: the rate of a step is never more than 1
            over the root of the number of steps.
        **base: those of all optimizers: `weight_decay`, `clipnorm`, `use_ema` ... (`Optimizer`).
    """

    slot_names = ("row", "column", "velocity")
    together = 3

    def __init__(
        self,
        learning_rate: RateLike = 0.001,
        beta_2_decay: float = -0.8,
        epsilon_1: float = 1e-30,
        epsilon_2: float = 1e-3,
        clip_threshold: float = 1.0,
        relative_step: bool = True,
        **base: Any,
    ) -> None:
        self.beta_2_decay = beta_2_decay
        self.epsilon_1 = epsilon_1
        self.epsilon_2 = epsilon_2
        self.clip_threshold = clip_threshold
        self.relative_step = relative_step
        super().__init__(learning_rate, **base)

    def _new_slot(self, slot: str, param: Tensor) -> Tensor:
        if slot == "velocity":
            return torch.zeros_like(param)
        if param.ndim < 2:  # it has no rows and columns
            return param.new_zeros(())
        return torch.zeros_like(param.select(-1 if slot == "row" else -2, 0))

    def _update(self, params: list[Tensor], grads: list[Tensor], *slots: list[Tensor]) -> None:
        for param, grad, row, column, velocity in zip(params, grads, *slots, strict=True):
            self._follow_squares(torch.square(grad) + self.epsilon_1, row, column, velocity)
            step = grad / torch.sqrt(velocity)
            step = step / (_size(step) / self.clip_threshold).clamp(min=1.0)
            rate = min(self._rate, self._steps**-0.5)
            param.sub_(_size(param).clamp(min=self.epsilon_2) * rate * step)

    def _follow_squares(
        self, squares: Tensor, row: Tensor, column: Tensor, velocity: Tensor
    ) -> None:
        """Let the means follow the squared gradients of this step."""
        share = self._steps**self.beta_2_decay  # of the new ones
        if squares.ndim < 2:
            velocity.mul_(1 - share).add_(squares, alpha=share)
            return
        row.mul_(1 - share).add_(squares.mean(-1), alpha=share)
        column.mul_(1 - share).add_(squares.mean(-2), alpha=share)
        rows = row / row.mean(-1, keepdim=True)
        velocity.copy_(rows[..., None] * column[..., None, :])

    def get_config(self) -> dict[str, Any]:
        own = ("beta_2_decay", "epsilon_1", "epsilon_2", "clip_threshold", "relative_step")
        return {**super().get_config(), **{name: getattr(self, name) for name in own}}


def _size(values: Tensor) -> Tensor:
    return torch.sqrt(torch.square(values).mean())
