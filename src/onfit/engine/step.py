"""One batch: forward, loss, backward, update, measure. Knows no hook and never synchronises."""

from collections.abc import Sequence
from operator import is_
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from onfit.engine.arrays import Samples
from onfit.engine.batches import size_of
from onfit.engine.totals import Totals
from onfit.errors import DataError, NotReadyError
from onfit.losses import Loss, reduced

if TYPE_CHECKING:
    from onfit.engine.compiled import Compiled
    from onfit.engine.model import Model


class Objective:
    """Loss and metrics of one batch, computed from logits where that is safer.

    Args:
        model: gives outputs, or logits if its last activation may be left out.
        compiled: loss and metrics.
    """

    def __init__(self, model: "Model", compiled: "Compiled") -> None:
        if compiled.loss is None:
            raise NotReadyError(
                "this model was compiled without a loss. Call model.compile(optimizer, loss)."
            )
        self._model = model
        self._loss = compiled.loss
        self._metrics = compiled.metrics
        head = model.output_activation
        self._on_logits = self._loss.logits_of is not None and head is self._loss.logits_of
        self._activation = self._loss.logits_of if self._on_logits else self._loss.output_activation

    def __call__(self, batch: Samples) -> tuple[Tensor, Tensor]:
        """The loss, a scalar, and the output that the metrics are to see."""
        x, y, weight = batch
        if y is None:
            raise DataError("there is no y: the loss compares outputs with targets. Pass y.")
        output = self._model.logits(x) if self._on_logits else self._model(x)
        loss = self._loss if weight is None else self._loss.weightable()
        values = self._values(loss, y, output)
        return reduced(values, weight), output

    def _values(self, loss: Loss, y: Any, output: Any) -> Tensor:
        return loss.call_on_logits(y, output) if self._on_logits else loss.call(y, output)

    def measure(self, y: Any, output: Any) -> list[Tensor]:
        """The metrics of a batch; they see what the user means by the output."""
        if not self._metrics:
            return []
        output = output.detach() if isinstance(output, Tensor) else output
        seen: Any = None
        values = []
        for metric in self._metrics:
            if self._activation is None or metric.takes_logits:
                values.append(metric(y, output))
                continue
            if seen is None:
                seen = self._activation(output)
            values.append(metric(y, seen))
        return values


class TrainStep:
    """Takes one step of training on a batch.

    Attributes:
        totals: what the batches of this epoch amount to.
    """

    def __init__(self, model: "Model", compiled: "Compiled") -> None:
        self._objective = Objective(model, compiled)
        self._optimizer = compiled.optimizer
        self._parameters = list(model.parameters())
        self.totals = Totals(compiled.names)

    def prepare(self) -> None:
        """Build the optimizer, so that its learning rate can be read before the first batch."""
        self._trainables()

    def __call__(self, batch: Samples) -> None:
        loss, output = self._objective(batch)
        params = self._trainables()
        grads: Sequence[Tensor | None] = ()
        if params:
            grads = torch.autograd.grad(loss, params, allow_unused=True)
        with torch.no_grad():
            self._optimizer.apply(grads)
            values = [loss.detach(), *self._objective.measure(batch[1], output)]
            self.totals.add(values, size_of(batch))

    def _trainables(self) -> list[Tensor]:
        """The parameters that train now; the optimizer follows when a layer was frozen or freed."""
        params: list[Tensor] = [p for p in self._parameters if p.requires_grad]
        known = self._optimizer.params
        if len(params) != len(known) or not all(map(is_, params, known)):
            self._optimizer.build(params)
        return params


class TestStep:
    """Measures a batch without learning from it.

    Attributes:
        totals: what the batches since the last reset amount to.
    """

    __test__ = False  # its name is not a test's

    def __init__(self, model: "Model", compiled: "Compiled") -> None:
        self._objective = Objective(model, compiled)
        self.totals = Totals(compiled.names)

    def __call__(self, batch: Samples) -> None:
        loss, output = self._objective(batch)
        self.totals.add([loss, *self._objective.measure(batch[1], output)], size_of(batch))
