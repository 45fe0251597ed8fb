"""Adam: momentum, and steps scaled by the recent size of each gradient."""

import math
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from onfit.errors import ArgumentError
from onfit.optimizers.optimizer import Optimizer
from onfit.optimizers.options import EPSILON
from onfit.optimizers.rated import RateLike


class Adam(Optimizer):
    """Adaptive moment estimation (Kingma and Ba 2014).

    Args:
        learning_rate: how far a step goes, or a schedule.
        beta_1: how much of the old mean gradient is kept at each step.
        beta_2: how much of the old mean squared gradient is kept.
        epsilon: added to the root of the mean square before its bias is corrected, as in Keras
            ("epsilon hat" in the paper; torch adds it after).
        amsgrad: divide by the largest mean square so far (Reddi et al. 2018).
        **base: those of all optimizers: `weight_decay`, `clipnorm`, `use_ema` ... (`Optimizer`).

    Raises:
        ArgumentError: for an impossible value of an argument. By `build`, for a parameter that is
            a slice of a larger tensor, with other numbers of that tensor between its own.
    """

    together = 2

    def __init__(
        self,
        learning_rate: RateLike = 0.001,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float | None = EPSILON,
        amsgrad: bool = False,
        **base: Any,
    ) -> None:
        self.beta_1 = beta_1
        self.beta_2 = beta_2
        self.epsilon = EPSILON if epsilon is None else epsilon
        self.amsgrad = amsgrad
        self.slot_names = ("momentum", "velocity", *(("velocity_hat",) if amsgrad else ()))
        self._step: Tensor | None = None  # the number of steps, on the parameters' device
        self._strides: list[tuple[int, ...]] = []  # of the parameters of the last step
        super().__init__(learning_rate, **base)

    def build(self, params: Sequence[Tensor]) -> None:
        for param in params:
            if _has_gaps(param):
                raise ArgumentError(self._refusal_of(param))
        super().build(params)
        self._strides = []
        self._step = torch.zeros((), device=params[0].device) if params else None

    def _update(self, params: list[Tensor], grads: list[Tensor], *slots: list[Tensor]) -> None:
        momentum, velocity, *hats = slots
        strides = list(map(Tensor.stride, params))
        if strides != self._strides:
            _lay_out(params, slots)
            self._strides = strides
        count = self._steps
        correction = math.sqrt(1 - self.beta_2**count)
        # torch's kernel corrects the root before it adds epsilon; an epsilon divided by the
        # same correction gives Keras' step exactly.
        assert self._step is not None
        step = self._step.fill_(count)
        torch._fused_adam_(
            params,
            _laid_out_as(params, strides, grads),
            momentum,
            velocity,
            hats[0] if hats else [],
            [step] * len(params),
            lr=self._rate,
            beta1=self.beta_1,
            beta2=self.beta_2,
            weight_decay=0.0,
            eps=self.epsilon / correction,
            amsgrad=self.amsgrad,
            maximize=False,
        )

    def _refusal_of(self, param: Tensor) -> str:
        return (
            f"{type(self).__name__}: a parameter of shape {tuple(param.shape)} is a slice of a "
            f"larger tensor, with others' numbers between its own (strides {param.stride()}); its "
            "step would change those. Make it of a copy: torch.nn.Parameter(slice.clone())."
        )

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "beta_1": self.beta_1,
            "beta_2": self.beta_2,
            "epsilon": self.epsilon,
            "amsgrad": self.amsgrad,
        }


# The fused kernel walks through raw memory: state and gradients need the memory layout of their
# parameter, or the wrong numbers would be added. The kernel of a convolution over channels-last
# images has a layout of its own.


def _lay_out(params: list[Tensor], slots: Sequence[list[Tensor]]) -> None:
    """Bring state into the memory layouts of `params`, which may have changed."""
    for slot in slots:
        for param, state in zip(params, slot, strict=True):
            if state.stride() != param.stride():
                state.data = torch.empty_like(param).copy_(state)


def _laid_out_as(
    params: list[Tensor], strides: list[tuple[int, ...]], grads: list[Tensor]
) -> list[Tensor]:
    """`grads` in the memory layouts of `params`; `strides` are the strides of `params`."""
    found = list(map(Tensor.stride, grads))
    if strides == found:
        return grads
    return [
        grad if have == want else torch.empty_like(param).copy_(grad)
        for param, grad, want, have in zip(params, grads, strides, found, strict=True)
    ]


def _has_gaps(param: Tensor) -> bool:
    """Whether other numbers lie between those of `param`; the fused kernel would change them."""
    return not param.is_contiguous() and param.stride() != torch.empty_like(param).stride()
