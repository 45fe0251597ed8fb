"""One batch: forward, loss, backward, update, measure. Knows no hook and never synchronises."""

from collections.abc import Sequence
from operator import is_
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn
from torch._C import _set_grad_enabled  # as `torch.no_grad` does, without an object for each batch

from onfit.engine.data.arrays import Samples
from onfit.engine.data.shares import size_of_share
from onfit.engine.data.source import size_of
from onfit.engine.step.backward import Gradients, needs_backward
from onfit.engine.step.limits import Limits
from onfit.engine.step.loss_and_metrics import LossAndMetrics
from onfit.engine.step.own_step import OwnStep
from onfit.engine.step.seen import BatchSeen
from onfit.engine.step.ways import WAYS, GradientsOf
from onfit.layers.weights import as_plain_tensors
from onfit.layers.wrappers import trained_parameters
from onfit.optimizers import Optimizer

if TYPE_CHECKING:
    from onfit.engine.model.compilable import Compilable
    from onfit.engine.step.compiled import Compiled


def train_step_of(
    model: "Compilable", compiled: "Compiled", *, copies: bool = False
) -> "TrainStep | OwnStep":
    """The step that `fit` takes: the model's own if its author wrote one.

    Args:
        model: learns.
        compiled: how.
        copies: whether a batch is in memory of its own, which is not written to later.
    """
    own = model.own_train_step
    if own is not None:
        return OwnStep(model, own, trains=True)
    return TrainStep(model, compiled, copies=copies)


def test_step_of(model: "Compilable", compiled: "Compiled") -> "TestStep | OwnStep":
    """The step that validation and `evaluate` take: the model's own if its author wrote one."""
    own = model.own_test_step
    return TestStep(model, compiled) if own is None else OwnStep(model, own)


class TrainStep:
    """Takes one step of training on a batch.

    Attributes:
        totals: loss and metrics over the batches of this epoch.
        keeps_outputs: whether to keep the outputs of the last batch, for `seen`.
    """

    keeps_outputs = False
    _kept: tuple[Any, Any] = (None, None)  # a batch, and its outputs

    def __init__(self, model: "Compilable", compiled: "Compiled", *, copies: bool = False) -> None:
        self._judge = judge = LossAndMetrics(model, compiled, copies=copies)
        self._optimizer = optimizer = compiled.optimizer
        self._model, self._trained = model, compiled.trained
        self._parameters = trained_parameters(model) if compiled.trained.all_of_it else []
        self._limits = Limits(model)
        self._engine = self._through(model, judge, optimizer)
        self._there_and_back = WAYS.batch(
            self._engine, model, optimizer, judge.only_loss, judge.on_logits
        )
        self.totals = judge.totals(compiled)

    def _through(
        self, model: "Compilable", judge: LossAndMetrics, optimizer: Optimizer
    ) -> "ThroughEngine":
        """What takes a batch through the model and back."""
        return ThroughEngine(model, judge, optimizer)

    def prepare(self) -> None:
        """Build the optimizer, so that its learning rate can be read before the first batch."""
        self._trainables()

    def __call__(self, batch: Samples) -> None:
        params = self._trainables()
        losses, outputs, grads = self._there_and_back(batch, params)
        if self.keeps_outputs:
            self._kept = batch, outputs
        enabled = torch.is_grad_enabled()
        _set_grad_enabled(False)
        try:
            self._move(params, grads)
            self.totals.add(
                [*losses, *self._judge.measure(batch[1], outputs, batch[2])], size_of(batch)
            )
        finally:
            _set_grad_enabled(enabled)

    def _move(self, params: list[Tensor], grads: Sequence[Tensor | None]) -> None:
        """Take the optimizer's step, and impose the weights' limits. Runs without gradients."""
        with as_plain_tensors():
            self._optimizer.apply(grads)
        if self._limits.weights:
            self._limits.impose(params)

    def seen(self, batch: Samples) -> BatchSeen:
        """The batch as callbacks see it."""
        of, outputs = self._kept
        return BatchSeen(*batch, self._judge.as_given(outputs) if of is batch else None)

    def _trainables(self) -> list[Tensor]:
        """The parameters that train now; the optimizer follows when a layer was frozen or freed."""
        with as_plain_tensors():
            params: list[Tensor] = [p for p in self._parameters if p.requires_grad]
        known = self._optimizer.params
        if len(params) != len(known) or not all(map(is_, params, known)):
            self._optimizer.build(params)
            self._engine.gradients = None  # what was freed may need another way to its gradient
        if not params:
            self._trained.warn_of_nothing_to_train(self._model.described)
        return params


class ThroughEngine:
    """Takes a batch through a model, and back by torch's engine.

    Args:
        model: the model.
        judge: computes the losses.
        optimizer: what receives the gradients.
    """

    def __init__(self, model: nn.Module, judge: LossAndMetrics, optimizer: Optimizer) -> None:
        self._model = model
        self._judge = judge
        self._optimizer = optimizer
        self.gradients: GradientsOf | None = None

    def __call__(self, batch: Samples, params: list[Tensor]) -> tuple[list[Tensor], Any, Gradients]:
        """Losses, outputs, and the gradients of the first loss by `params`."""
        losses, outputs = self._judge(batch)
        compute = self.gradients or self._look(losses[0], outputs, params)
        scaled = self._optimizer.scale_loss(losses[0])
        return losses, outputs, compute(scaled, params) if params else ()

    def _look(self, loss: Tensor, outputs: Any, params: list[Tensor]) -> GradientsOf:
        """Look at the first batch: warn of what would go wrong silently, and find out how its
        gradients are to be computed.
        """
        self._judge.warn_of_logits(outputs)
        self.gradients = WAYS.gradients(
            self._optimizer, params, by_backward=needs_backward(self._model, loss, params)
        )
        return self.gradients


class TestStep:
    """Measures a batch without learning from it.

    Attributes:
        totals: loss and metrics over the batches since the last reset.
    """

    __test__ = False  # pytest takes it for a test by its name

    def __init__(self, model: "Compilable", compiled: "Compiled") -> None:
        self._judge = LossAndMetrics(model, compiled)
        self.totals = self._judge.totals(compiled)

    def __call__(self, batch: Samples) -> None:
        if not size_of(batch):  # one of several processes may have no share of a batch
            return
        losses, outputs = self._judge(batch)
        if size := size_of_share(batch):
            self.totals.add([*losses, *self._judge.measure(batch[1], outputs, batch[2])], size)
