"""Gradients whose memory is kept until the next ones are computed."""

from collections import deque
from collections.abc import Callable, Sequence
from typing import Any

from torch import Tensor

from onfit.engine.fast.entry import Gradients

Compute = Callable[[Tensor, Sequence[Any]], Gradients]


class KeptGradients:
    """Computes gradients, and holds those of one step until the next step.

    Without this, the memory of large gradients goes back to the system after each step, and the
    next step asks for it page by page.

    Args:
        compute: what computes them.
    """

    def __init__(self, compute: Compute) -> None:
        self.compute = compute
        self._last: deque[Tensor | None] = deque()

    def __call__(self, loss: Tensor, params: Sequence[Any]) -> Gradients:
        # A deque drops its first item first. In the other order the allocator gives more memory
        # back to the system.
        self._last.clear()
        grads = self.compute(loss, params)
        if loss.is_cpu:  # a GPU's allocator keeps the memory anyway
            self._last.extend(grads)
        return grads
