"""What only makes a training faster. Without this room the library does the same, slower.

The door is `chosen`: `engine/step/ways.py` calls it once, with the plain ways of a step.
"""

from collections.abc import Callable, Sequence
from typing import Any

from torch import Tensor

from onfit.engine.fast.accuracies import measure_of
from onfit.engine.fast.chain_rule import Passed, Plain, chain_rule_of
from onfit.engine.fast.entry import Gradients, gradients
from onfit.engine.fast.kept_gradients import Compute, KeptGradients
from onfit.engine.fast.large_gradients import LargeGradients, is_large
from onfit.engine.fast.loss_kernels import mean_of
from onfit.losses import Loss
from onfit.metrics import MeanMetricWrapper
from onfit.optimizers import Optimizer, keeps_no_gradient

__all__ = ["FastWays", "Gradients", "Passed", "chosen"]


def chosen(plain: Any) -> "FastWays":
    """Quicker ways to do what the plain ways of a step do.

    Args:
        plain: has the methods of `FastWays`, and `nodes_of`, which walks the graph of a loss.
    """
    return FastWays(plain)


class FastWays:
    """The quick way for each part of a step; the plain way where there is no quick one.

    Args:
        plain: the plain ways.
    """

    def __init__(self, plain: Any) -> None:
        self._plain = plain

    def loss(self, loss: Loss, on_logits: bool) -> Callable[[Any, Any, Any], Tensor]:
        """What computes a loss of `(y, output, weight)`."""
        plain: Callable[[Any, Any, Any], Tensor] = self._plain.loss(loss, on_logits)
        mean = mean_of(loss, on_logits)
        if mean is None:
            return plain

        def compute(y: Any, output: Any, weight: Any) -> Tensor:
            return mean(loss, y, output) if weight is None else plain(y, output, weight)

        return compute

    def metric(
        self, metric: MeanMetricWrapper, *, on_logits: bool, copies: bool
    ) -> Callable[[Any, Any], Any]:
        """What measures `(y, output)`: see `measure_of`."""
        return measure_of(metric, on_logits, copies) or self._plain.metric(
            metric, on_logits=on_logits, copies=copies
        )

    def gradients(
        self, optimizer: Optimizer, params: Sequence[Tensor], *, by_backward: bool
    ) -> Compute:
        """What computes the gradients of a loss by `params`."""
        if by_backward:
            return KeptGradients(self._plain.gradients(optimizer, params, by_backward=True))
        if keeps_no_gradient(optimizer) and any(map(is_large, params)):
            return KeptGradients(LargeGradients(self._plain.nodes_of))
        return KeptGradients(gradients)

    def batch(
        self, plain: Plain, model: Any, optimizer: Optimizer, loss: Loss | None, on_logits: bool
    ) -> Plain:
        """What takes a batch through a model and back: the chain rule where it is written out."""
        rule = chain_rule_of(model, optimizer, loss, on_logits)
        if rule is None:
            return plain
        return lambda batch, params: rule(batch, params) or plain(batch, params)
