"""One batch: forward, loss, backward, update, measure. Knows no hook and never synchronises."""

from collections import deque
from collections.abc import Callable
from operator import is_
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from onfit.engine.data.arrays import Samples
from onfit.engine.data.source import size_of
from onfit.engine.fast.chain_rule import Passed, chain_rule_of
from onfit.engine.fast.large_gradients import LargeGradients, is_large
from onfit.engine.step.backward import Gradients, accumulated, gradients, needs_backward
from onfit.engine.step.loss_and_metrics import Objective
from onfit.engine.step.own_step import OwnStep
from onfit.optimizers import keeps_no_gradient

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
        copies: whether a batch is in memory of its own, which nobody writes to afterwards.
    """
    if _is_own(model, "train_step"):
        return OwnStep(model, model.train_step)
    return TrainStep(model, compiled, copies=copies)


def test_step_of(model: "Compilable", compiled: "Compiled") -> "TestStep | OwnStep":
    """The step that validation and `evaluate` take."""
    if _is_own(model, "test_step"):
        return OwnStep(model, model.test_step)
    return TestStep(model, compiled)


def _is_own(model: "Compilable", name: str) -> bool:
    from onfit.engine.model.compilable import Compilable  # which is made of steps

    return getattr(type(model), name) is not getattr(Compilable, name)


class TrainStep:
    """Takes one step of training on a batch.

    Attributes:
        totals: what the batches of this epoch amount to.
    """

    def __init__(self, model: "Compilable", compiled: "Compiled", *, copies: bool = False) -> None:
        self._objective = Objective(model, compiled, copies=copies)
        self._optimizer = compiled.optimizer
        self._chain_rule = chain_rule_of(model, compiled, self._objective)
        self._parameters = list(model.parameters())
        self._gradients: Callable[[Tensor, list[Tensor]], Gradients] = gradients
        self._looked = False
        self._last: deque[Tensor | None] = deque()
        self.totals = self._objective.totals(compiled)

    def prepare(self) -> None:
        """Build the optimizer, so that its learning rate can be read before the first batch."""
        self._trainables()

    def __call__(self, batch: Samples) -> None:
        params = self._trainables()
        passed = None if self._chain_rule is None else self._chain_rule(batch, params)
        losses, outputs, grads = passed or self._through_engine(batch, params)
        with torch.set_grad_enabled(False):  # what `no_grad` does, without its detours
            self._optimizer.apply(grads)
            self.totals.add([*losses, *self._objective.measure(batch[1], outputs)], size_of(batch))

    def _through_engine(self, batch: Samples, params: list[Tensor]) -> Passed:
        losses, outputs = self._objective(batch)
        if not self._looked:
            self._look(losses[0], outputs, params)
        # From the first to the last: the other way round the allocator gives more of it back.
        self._last.clear()
        grads = self._gradients(losses[0], params) if params else ()
        if losses[0].is_cpu:
            # Let go of after this step, large ones would go back to the system, to be asked for
            # page by page in the next. A GPU's allocator keeps them anyway.
            self._last.extend(grads)
        return Passed(losses, outputs, grads)

    def _look(self, loss: Tensor, outputs: Any, params: list[Tensor]) -> None:
        """Look at the first batch for what would go wrong silently."""
        self._looked = True
        self._objective.warn_of_logits(outputs)
        if needs_backward(loss, params):
            self._gradients = accumulated
        elif keeps_no_gradient(self._optimizer) and any(map(is_large, params)):
            self._gradients = LargeGradients()

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

    def __init__(self, model: "Compilable", compiled: "Compiled") -> None:
        self._objective = Objective(model, compiled)
        self.totals = self._objective.totals(compiled)

    def __call__(self, batch: Samples) -> None:
        losses, outputs = self._objective(batch)
        self.totals.add([*losses, *self._objective.measure(batch[1], outputs)], size_of(batch))
