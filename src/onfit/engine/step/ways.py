"""The ways in which a step computes each of its parts."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol

from torch import Tensor

from onfit.engine import fast  # the door to engine/fast
from onfit.engine.data.arrays import Samples
from onfit.engine.step.backward import Gradients, accumulated, gradients, nodes_of
from onfit.engine.step.totals import Value
from onfit.losses import Loss, reduced
from onfit.metrics import MeanMetricWrapper
from onfit.optimizers import Optimizer

if TYPE_CHECKING:
    from onfit.engine.model.compilable import Compilable

# Of targets, outputs, and weights of samples (or None): the loss, a scalar.
LossOf = Callable[[Any, Any, Any], Tensor]
# Of targets and outputs: what a metric makes of them.
Measure = Callable[[Any, Any], Value]
# Of a loss and parameters: the gradient by each.
GradientsOf = Callable[[Tensor, Sequence[Tensor]], Gradients]
# Of a batch and the parameters that train: losses, outputs, and gradients of the first loss.
Pass = Callable[[Samples, list[Tensor]], tuple[list[Tensor], Any, Gradients]]


class Ways(Protocol):
    """A way to compute each part of a step."""

    def loss(self, loss: Loss, on_logits: bool) -> LossOf:
        """What computes a loss, from outputs or from logits."""

    def metric(self, metric: MeanMetricWrapper, *, on_logits: bool, copies: bool) -> Measure:
        """What measures a batch.

        Args:
            metric: the metric.
            on_logits: whether the outputs are logits, which are made anew for each batch.
            copies: whether targets are in memory of their own, which is not written to later.
        """

    def gradients(
        self, optimizer: Optimizer, params: Sequence[Tensor], *, by_backward: bool
    ) -> GradientsOf:
        """What computes gradients.

        Args:
            optimizer: what receives them.
            params: the parameters that train.
            by_backward: whether only `loss.backward()` will do.
        """

    def batch(
        self,
        plain: Pass,
        model: "Compilable",
        optimizer: Optimizer,
        loss: Loss | None,
        on_logits: bool,
    ) -> Pass:
        """What takes a batch through a model and back.

        Args:
            plain: does so by the model's `forward` and torch's engine.
            model: the model.
            optimizer: what receives the gradients.
            loss: all that is to be lowered; None if it is more than the loss of one output.
            on_logits: whether the loss is computed from logits.
        """


class PlainWays:
    """The ways that a reader expects: each part by the public means of its class and of torch."""

    nodes_of = staticmethod(nodes_of)

    def loss(self, loss: Loss, on_logits: bool) -> LossOf:
        return partial(_whole if loss.is_called_whole else _reduced, loss, on_logits)

    def metric(self, metric: MeanMetricWrapper, *, on_logits: bool, copies: bool) -> Measure:
        return metric.of_batch

    def gradients(
        self, optimizer: Optimizer, params: Sequence[Tensor], *, by_backward: bool
    ) -> GradientsOf:
        return accumulated if by_backward else gradients

    def batch(
        self,
        plain: Pass,
        model: "Compilable",
        optimizer: Optimizer,
        loss: Loss | None,
        on_logits: bool,
    ) -> Pass:
        return plain


def _whole(loss: Loss, on_logits: bool, y: Any, output: Any, weight: Any) -> Tensor:
    # A user's `__call__` may not take weights, so it gets them only where there are some.
    return loss(y, output) if weight is None else loss(y, output, weight)


def _reduced(loss: Loss, on_logits: bool, y: Any, output: Any, weight: Any) -> Tensor:
    if weight is not None:
        loss = loss.weightable()
    call = loss.call_on_logits if on_logits else loss.call
    if loss.dtype is not None:
        y, output = loss.in_dtype(y, output)
    return reduced(call(y, output), weight, loss.reduction)


WAYS: Ways = PlainWays()
WAYS = fast.chosen(WAYS)  # the door to engine/fast
