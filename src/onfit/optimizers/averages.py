"""The moving average of the parameters, which `use_ema=True` keeps."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from onfit.errors import NotReadyError
from onfit.optimizers.variables import WithVariables

AVERAGE = "average"  # the name of its slot


class WithAverage(WithVariables):
    """The part of an optimizer that keeps an average.

    Attributes:
        swapped: whether the parameters hold the average, and the average holds the parameters.
    """

    use_ema = False
    ema_momentum = 0.99
    ema_overwrite_frequency: int | None = None
    swapped = False

    def _follow(self, steps: int) -> None:
        """Let the average follow the parameters after a step, and replace them if it is time to.

        Args:
            steps: how many steps were taken before this one.
        """
        average = self.slots[AVERAGE]
        if not average:
            return  # nothing trains
        if steps == 0:
            torch._foreach_copy_(average, self.params)
        else:
            torch._foreach_mul_(average, self.ema_momentum)
            torch._foreach_add_(average, self.params, alpha=1 - self.ema_momentum)
        if self.ema_overwrite_frequency and (steps + 1) % self.ema_overwrite_frequency == 0:
            torch._foreach_copy_(self.params, average)

    def flags(self) -> dict[str, Any]:
        return {"swapped": True} if self.swapped else {}

    def load_flags(self, state: dict[str, Any]) -> None:
        self.swapped = state.get("swapped", False)

    @torch.no_grad()
    def finalize_variable_values(self, var_list: Sequence[Tensor] | None = None) -> None:
        """Put the average in the place of the parameters, with `use_ema`; `fit` does so at its end.

        Args:
            var_list: only these parameters; all if None.
        """
        wanted = None if var_list is None else {id(param) for param in var_list}
        for param, average in zip(self.params, self.slots.get(AVERAGE, ()), strict=False):
            if wanted is None or id(param) in wanted:
                new, old = (average, param) if self.swapped else (param, average)
                new.copy_(old)
        self.swapped = False

    @torch.no_grad()
    def swap_average(self) -> None:
        """Exchange the parameters and their average: once to measure with it, and once back.

        Raises:
            NotReadyError: if the optimizer keeps no average.
        """
        if not self.use_ema:
            raise NotReadyError(
                f"{self.name} keeps no moving average of the weights. Make it with use_ema=True, "
                f"such as {type(self).__name__}(use_ema=True)."
            )
        for param, average in zip(self.params, self.slots[AVERAGE], strict=True):
            before = param.detach().clone()
            param.copy_(average)
            average.copy_(before)
        self.swapped = not self.swapped
