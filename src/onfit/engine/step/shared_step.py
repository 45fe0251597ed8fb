"""The step of a model that several processes train, each on its share of a batch."""

from typing import TYPE_CHECKING

import torch

from onfit.core.processes import Processes
from onfit.engine.data.arrays import Samples
from onfit.engine.data.shares import Part, size_of_whole
from onfit.engine.drawing import Drawing
from onfit.engine.step.exchange import Exchange
from onfit.engine.step.own_step import OwnStep
from onfit.engine.step.step import TrainStep
from onfit.engine.step.wrapped_step import WrappedTrainStep
from onfit.errors import ArgumentError, DataError
from onfit.layers.wrappers import wrapped_for_processes

if TYPE_CHECKING:
    from onfit.engine.model.compilable import Compilable
    from onfit.engine.step.compiled import Compiled


class SharedTrainStep(TrainStep):
    """Takes one step of training on this process' share of a batch.

    Args:
        processes: those that have the other shares.
    """

    def __init__(
        self,
        model: "Compilable",
        compiled: "Compiled",
        *,
        processes: Processes,
        copies: bool = False,
    ) -> None:
        super().__init__(model, compiled, copies=copies)
        self._drawing = Drawing(processes, compiled.optimizer)
        self._exchange = compiled.optimizer.exchange = Exchange(model)

    def __call__(self, batch: Samples) -> None:
        self._exchange.of(batch)
        if self._exchange.samples:
            with self._drawing.of_its_own():
                super().__call__(batch)
        else:
            self._step_with_others()
        self.totals.size = size_of_whole(batch)

    def _step_with_others(self) -> None:
        """Take the step along the gradients of the others."""
        params = self._trainables()
        with torch.no_grad():
            self._move(params, [None] * len(params))


class SharedOwnStep(OwnStep):
    """Gives this process' share of a batch to the author's step.

    Args:
        processes: those that have the other shares.
    """

    def __init__(self, model: "Compilable", compiled: "Compiled", processes: Processes) -> None:
        own = model.own_train_step
        assert own is not None  # there is a step of an author's own
        super().__init__(model, own, trains=True)
        self._drawing = Drawing(processes, compiled.optimizer)
        self._world = processes.world
        wrapped = wrapped_for_processes(model)
        self._exchange = None if wrapped else Exchange(model)
        self._takes_means = wrapped or model.moments is not None
        compiled.optimizer.exchange = self._exchange

    def __call__(self, batch: Samples) -> None:
        if isinstance(batch, Part):
            self._check(batch.whole)
        if self._exchange is not None:
            self._exchange.of(batch)
        with self._drawing.of_its_own():
            super().__call__(batch)
        self.totals.size = size_of_whole(batch)

    def _check(self, whole: int) -> None:
        """Refuse a batch in all processes that they cannot share."""
        if whole < self._world:
            raise DataError(
                f"a batch of {whole} samples for {self._world} processes: a train_step of one's "
                "own takes no empty batch. Choose a number of samples that leaves a larger last "
                "batch."
            )
        if self._takes_means and whole % self._world:
            raise DataError(
                f"a batch of {whole} samples for {self._world} processes: of what a train_step of "
                "one's own does in each the mean is taken, so all must have equally many samples. "
                "Choose a batch_size and a number of samples that can be divided, or leave the "
                "step to fit."
            )


def shared_train_step_of(
    model: "Compilable", compiled: "Compiled", *, processes: Processes, copies: bool = False
) -> TrainStep | SharedOwnStep:
    """The step that `fit` takes in each of several processes. The arguments are those of
    `train_step_of`, and the processes.

    Raises:
        ArgumentError: for a loss that is a sum over the batch.
    """
    _refuse_sums(compiled, processes.world)
    if model.own_train_step is not None:
        return SharedOwnStep(model, compiled, processes)
    needs_all = wrapped_for_processes(model) or model.moments is not None
    kind = WrappedTrainStep if needs_all else SharedTrainStep
    return kind(model, compiled, processes=processes, copies=copies)


def _refuse_sums(compiled: "Compiled", world: int) -> None:
    for target in compiled.targets:
        if target.loss is not None and target.loss.reduction == "sum":
            raise ArgumentError(
                f"the loss {type(target.loss).__name__}(reduction='sum') was to be trained by "
                f"{world} processes, which average over samples. Use "
                "reduction='sum_over_batch_size', with a higher learning rate."
            )
