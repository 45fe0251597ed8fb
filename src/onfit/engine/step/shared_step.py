"""The step of a model that several processes train, each on its share of a batch."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from zlib import crc32

import torch

from onfit.core.processes import Processes
from onfit.engine.data.arrays import Samples
from onfit.engine.data.shares import size_of_whole
from onfit.engine.data.source import size_of
from onfit.engine.step.exchange import Exchange
from onfit.engine.step.own_step import OwnStep
from onfit.engine.step.step import TrainStep
from onfit.errors import ArgumentError, DataError
from onfit.layers.weights import as_plain_tensors
from onfit.layers.wrappers import wrapped_for_processes
from onfit.optimizers import Optimizer

if TYPE_CHECKING:
    from onfit.engine.model.compilable import Compilable
    from onfit.engine.step.compiled import Compiled


class _Shared:
    """What a step on a share of a batch does besides.

    Attributes:
        exchange: brings the gradients together; None if the net's own wrapper does so.
        processes: those that have the other shares.
        optimizer: uses the gradients of all.
    """

    exchange: Exchange | None
    processes: Processes
    optimizer: Optimizer
    totals: Any

    def begin_sharing(
        self, model: "Compilable", compiled: "Compiled", processes: Processes
    ) -> None:
        """Let the optimizer use the gradients of all.

        Raises:
            ArgumentError: for a loss that is a sum over the batch.
        """
        for target in compiled.targets:
            if target.loss is not None and target.loss.reduction == "sum":
                raise ArgumentError(
                    f"the loss {type(target.loss).__name__}(reduction='sum') was to be trained by "
                    f"{processes.world} processes, which average over samples. Use "
                    "reduction='sum_over_batch_size', with a higher learning rate."
                )
        self.processes, self.optimizer = processes, compiled.optimizer
        self.exchange = None if wrapped_for_processes(model) else Exchange(model)
        compiled.optimizer.exchange = self.exchange

    def begin_batch(self, batch: Samples, *, may_be_empty: bool) -> bool:
        """Look at the share of a batch. Returns whether there is anything in it.

        Raises:
            DataError: in all processes, for a batch that they cannot share.
        """
        whole, world = size_of_whole(batch), self.processes.world
        if self.exchange is None and whole % world:
            raise DataError(
                f"a batch of {whole} samples for {world} processes: the wrapper around the net "
                "averages over processes, which must have equally many samples. Choose a "
                "batch_size and a number of samples that can be divided, or pass the net without "
                "its wrapper."
            )
        if whole < world and not may_be_empty:
            raise DataError(
                f"a batch of {whole} samples for {world} processes: a train_step of one's own "
                "takes no empty batch. Choose a number of samples that leaves a larger last batch."
            )
        size = size_of(batch)
        if self.exchange is not None:
            self.exchange.samples = size
        return size > 0

    @contextmanager
    def draws_of_its_own(self) -> Iterator[None]:
        """Let what layers draw be another in each process, while the generators stay as they were:
        loaders draw from them, alike in all. The seed follows from what a checkpoint holds.
        """
        before = torch.get_rng_state()
        seed = crc32(before.numpy().tobytes()) << 31
        seed ^= self.optimizer.batches * self.processes.world + self.processes.rank
        on_device = torch.cuda.is_initialized()  # type: ignore[no-untyped-call]
        device = torch.cuda.get_rng_state() if on_device else None
        torch.default_generator.manual_seed(seed)
        if device is not None:
            torch.cuda.manual_seed(seed)
        try:
            yield
        finally:
            torch.set_rng_state(before)
            if device is not None:
                torch.cuda.set_rng_state(device)


class SharedTrainStep(_Shared, TrainStep):
    """Takes one step of training on this process' share of a batch."""

    def __call__(self, batch: Samples) -> None:
        if self.begin_batch(batch, may_be_empty=True):
            with self.draws_of_its_own():
                super().__call__(batch)
        else:
            self._step_with_others()
        self.totals.size = size_of_whole(batch)

    def _step_with_others(self) -> None:
        """Take the step along the gradients of the others."""
        params = self._trainables()
        with torch.no_grad():
            with as_plain_tensors():
                self._optimizer.apply([None] * len(params))
            if self._limits.weights:
                self._limits.impose(params)


class SharedOwnStep(_Shared, OwnStep):
    """Gives this process' share of a batch to the author's step."""

    def __call__(self, batch: Samples) -> None:
        self.begin_batch(batch, may_be_empty=False)
        with self.draws_of_its_own():
            super().__call__(batch)
        self.totals.size = size_of_whole(batch)


def shared_train_step_of(
    model: "Compilable", compiled: "Compiled", *, processes: Processes, copies: bool = False
) -> SharedTrainStep | SharedOwnStep:
    """The step that `fit` takes in each of several processes. The arguments are those of
    `train_step_of`, and the processes.
    """
    own = model.own_train_step
    step: SharedTrainStep | SharedOwnStep
    if own is not None:
        step = SharedOwnStep(model, own, trains=True)
    else:
        step = SharedTrainStep(model, compiled, copies=copies)
    step.begin_sharing(model, compiled, processes)
    return step
