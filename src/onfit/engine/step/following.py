"""The steps of a model as it is compiled now: anew after each `compile`."""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from functools import partial
from typing import TYPE_CHECKING, Any

from onfit.core.logs import Logs
from onfit.core.processes import ALONE, Processes
from onfit.engine.data.arrays import Samples
from onfit.engine.step.own_step import OwnStep
from onfit.engine.step.seen import BatchSeen
from onfit.engine.step.shared_step import shared_train_step_of
from onfit.engine.step.step import TestStep, TrainStep, train_step_of
from onfit.optimizers import LossScaleOptimizer

if TYPE_CHECKING:
    from onfit.engine.model.compilable import Compilable


class Following:
    """A step that follows its model: after `compile` it is made anew, before the next batch.

    It is the meter of its batches, too. If the same is measured as before, the means of the epoch
    go on; else they begin again at the batch from which something else is measured.

    Args:
        model: the model.
        make: makes the step, for the model and what `compile` received.
    """

    def __init__(self, model: "Compilable", make: Callable[[Any, Any], Any]) -> None:
        self._model, self._make = model, make
        self._compiled = model.compiled
        self._step: TrainStep | TestStep | OwnStep = make(model, self._compiled)

    def __call__(self, batch: Samples) -> None:
        if self._model._compiled is not self._compiled:
            self._renew()
        self._step(batch)

    def _renew(self) -> None:
        before, measured = self._step, self._compiled.measured
        self._compiled = self._model.compiled
        self._step = self._make(self._model, self._compiled)
        if measured == self._compiled.measured:
            self._step.totals.load_state_dict(before.totals.state_dict())

    # --- the meter of its batches ----------------------------------------------------------

    @property
    def size(self) -> int | None:
        """How many samples the last batch had; None before the first."""
        return self._step.totals.size

    def reset(self) -> None:
        self._step.totals.reset()

    def report_batch(self, logs: Logs) -> None:
        self._step.totals.report_batch(logs)

    def report_epoch(self, logs: Logs, prefix: str = "") -> None:
        self._step.totals.report_epoch(logs, prefix)

    def sums(self) -> Any:
        return self._step.totals.sums()

    def report_sums(self, logs: Logs, each: Sequence[Any]) -> None:
        self._step.totals.report_sums(logs, each)

    def merged_state(self, states: Sequence[dict[str, Any]]) -> dict[str, Any]:
        return self._step.totals.merged_state(states)

    def state_dict(self) -> dict[str, Any]:
        return self._step.totals.state_dict()

    def load_state_dict(self, state: dict[str, Any]) -> None:
        if self._model._compiled is not self._compiled:  # as it was when the state was saved
            self._renew()
        self._step.totals.load_state_dict(state)


class FollowingTraining(Following):
    """The step of a training that follows its model.

    Args:
        model: learns.
        copies: whether a batch is in memory of its own, which is not written to later.
        together: the processes that train it, each on its share of every batch.

    Attributes:
        when_renewed: called after the step was made anew.
    """

    _step: TrainStep | OwnStep
    _late = False

    def __init__(
        self, model: "Compilable", *, copies: bool = False, together: Processes = ALONE
    ) -> None:
        self._together = together
        make = train_step_of
        if together.world > 1:
            make = partial(shared_train_step_of, processes=together)
        super().__init__(model, partial(make, copies=copies))
        self.when_renewed: Callable[[], object] = _nothing

    def prepare(self) -> None:
        """Build the optimizer, so that its learning rate can be read before the first batch."""
        with self._flags_in_force():
            self._step.prepare()

    def __call__(self, batch: Samples) -> None:
        if self._model._compiled is not self._compiled:
            self._renew()
        if self._compiled.trained.differs:
            with self._flags_in_force():
                self._step(batch)
        else:
            self._step(batch)

    def _flags_in_force(self) -> AbstractContextManager[None]:
        return self._compiled.trained.for_a_step(self._model, self._model.described)

    def _renew(self) -> None:
        keeps_outputs = self._step.keeps_outputs
        super()._renew()
        self._step.keeps_outputs = keeps_outputs
        self._exchange_late()
        self.prepare()
        self.when_renewed()

    def begin(self, *, keeps_outputs: bool) -> None:
        """A training begins. Gradients that accumulate are brought together at the last batch of an
        accumulation, unless a callback in one of the processes sees those of each batch.

        Args:
            keeps_outputs: whether to keep the outputs of the last batch, for `seen`.
        """
        self._step.keeps_outputs = keeps_outputs
        watched = getattr(self._compiled.optimizer, "watch", None) is not None
        self._late = self._together.world > 1 and not self._together.any_of(watched)
        self._exchange_late()

    def _exchange_late(self) -> None:
        optimizer: Any = self._compiled.optimizer
        # A loss scale judges the gradients of each batch, in all processes alike.
        judged = isinstance(optimizer, LossScaleOptimizer)
        if optimizer.exchange is not None:
            optimizer.exchange.waits = self._late and not judged

    def seen(self, batch: Samples) -> BatchSeen:
        """The batch as callbacks see it."""
        return self._step.seen(batch)


def _nothing() -> None:
    """What is called if there is nothing to call."""
