"""AdamW: Adam whose weights decay apart from its gradients."""

from typing import Any

from onfit.errors import ArgumentError
from onfit.optimizers.adam import Adam
from onfit.optimizers.options import EPSILON
from onfit.optimizers.rated import RateLike


class AdamW(Adam):
    """Adam with decoupled weight decay (Loshchilov and Hutter 2019).

    Args:
        learning_rate: how far a step goes, or a schedule.
        weight_decay: at each step, weights lose this share of themselves, times the rate.
        beta_1: how much of the old mean gradient is kept at each step.
        beta_2: how much of the old mean squared gradient is kept.
        epsilon: added to the root of the mean square before its bias is corrected.
        amsgrad: divide by the largest mean square so far.
        **base: those of all optimizers: `clipnorm`, `use_ema` ... (`Optimizer`).

    Raises:
        ArgumentError: for an impossible value of an argument.
    """

    def __init__(
        self,
        learning_rate: RateLike = 0.001,
        weight_decay: float = 0.004,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float | None = EPSILON,
        amsgrad: bool = False,
        **base: Any,
    ) -> None:
        if weight_decay is None:
            raise ArgumentError(
                "AdamW(weight_decay=None): this is the optimizer with weight decay. Pass a "
                "number, or use Adam."
            )
        super().__init__(
            learning_rate, beta_1, beta_2, epsilon, amsgrad, weight_decay=weight_decay, **base
        )
