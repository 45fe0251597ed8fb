"""A training that the loop walks through with generators.

with Run(model, callbacks, epochs=20) as run:          on_train_begin ... on_train_end
    for epoch in run.epochs():                         on_epoch_begin ... on_epoch_end
        for x, y in run.batches(loader):               on_train_batch_begin ... _end
            run.log(loss=step(x, y))
        for x, y in run.validation(val_loader):        on_test_begin ... on_test_end
            run.log(loss=loss_of(x, y))
"""

from collections.abc import Callable, Iterable, Iterator
from types import TracebackType
from typing import Any, Self, TypeVar

from onfit._types import LogValues
from onfit.core.interrupts import Interrupts
from onfit.core.logs import Logs
from onfit.core.meter import Meter
from onfit.core.passes import Passes, TrainingPass, ValidationPass
from onfit.core.session import Session
from onfit.core.sizes import batch_size
from onfit.errors import NotReadyError

_Batch = TypeVar("_Batch")


class Run(Session):
    """One training: generators of epochs and batches, which call the hooks before and after each.

    A run ends well on Ctrl-C and SIGTERM: after the first signal it ends the batch, calls the end
    hooks and raises; a second signal acts at once. The attributes are those of `Session`.

    Args:
        model: a torch module, an onfit model, or any object attributes can be set on;
            callbacks see it as `self.model`.
        callbacks: callbacks, called in this order.
        optimizer: the optimizer of a model that does not hold its own, so that callbacks can
            read and set its learning rate; of several torch optimizers a list.
        epochs: the run ends before the epoch of this index, as in `fit`.
        initial_epoch: the index of the first epoch.
        params: more of the callbacks' `params` (`batch_size`, `steps`, `samples`, `metrics` ...).
        meter: measures the batches; by default it takes the means of what is logged.
        parts: other objects, by name, whose state is saved and restored with the run: torch
            schedulers that the loop steps, a GradScaler, anything with `state_dict` and
            `load_state_dict`.

    Raises:
        CapabilityError: before training, if the model lacks what a callback needs.

    Example:
        >>> from types import SimpleNamespace
        >>> from onfit.callbacks import History
        >>> history = History()
        >>> with Run(SimpleNamespace(), [history], epochs=2) as run:
        ...     for epoch in run.epochs():
        ...         for batch in run.batches([[1, 2], [3, 4]]):
        ...             run.log(loss=sum(batch))
        >>> history.history
        {'loss': [5.0, 5.0]}
    """

    def __init__(
        self,
        model: Any,
        callbacks: Any = None,
        *,
        optimizer: Any = None,
        epochs: int = 1,
        **more: Any,
    ) -> None:
        super().__init__(model, callbacks, optimizer=optimizer, epochs=epochs, **more)
        self._end_epoch = epochs
        self._passes = Passes()
        self._interrupts = Interrupts(self)

    # --- the training as a whole ---------------------------------------------------------------

    def __enter__(self) -> Self:
        self._require_new()
        self._interrupts.listen()
        try:
            self.train_begin()
        except BaseException:
            self._interrupts.put_back()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        try:
            self.train_end(error)
        finally:
            self._interrupts.put_back()
        if error is None:
            self._interrupts.raise_received()

    def resume(self, in_epoch: bool, walk: dict[str, Any], random: dict[str, Any]) -> None:
        """Go on from `progress`, in the middle of an epoch or before the next.

        Args:
            in_epoch: whether the epoch had begun.
            walk: the state of `walk` to go on from.
            random: the state of the random generators to go on with.
        """
        self._open_epoch = self.progress.epoch if in_epoch else None
        self.walk.resume(walk, random)

    # --- epochs --------------------------------------------------------------------------------

    def epochs(self) -> Iterator[int]:
        """Yield the index of each epoch, and call its hooks before and after it.

        The run looks for a stop before each epoch and after each batch.
        """
        if not self._begun or self._ended:
            raise NotReadyError(
                "nobody was told that training begins. Write: with Run(...) as run:"
            )
        if not self.walk.resuming:
            self._close_epoch()  # an epoch that the loop left by `break` in an earlier walk
        while self.progress.epoch < self._end_epoch and not self.stopping:
            if self.in_epoch:  # a run that was resumed in the middle of an epoch
                self._forget_epoch()
            else:
                self.epoch_begin()
            yield self.progress.epoch
            self._close_epoch()
        self.walk.settle()  # for a resumed run that had nothing left to do

    def _close_epoch(self) -> None:
        self._passes.end_all()
        super()._close_epoch()

    # --- batches -------------------------------------------------------------------------------

    def batches(
        self, batches: Iterable[_Batch], *, size: Callable[[_Batch], int] | None = None
    ) -> Iterator[_Batch]:
        """Yield each training batch, and call its hooks before and after it.

        A batch that the loop leaves by `break` counts if something was logged for it.

        Args:
            batches: anything that yields batches, such as a DataLoader.
            size: how many samples a batch has; by default the length of its first array.

        Raises:
            NotReadyError: outside of `epochs()`, where logged values would belong to no epoch.
        """
        self._require_epoch("batches")
        one = TrainingPass(self, batch_size if size is None else size)
        return self._passes.through(batches, one)

    def _require_epoch(self, method: str) -> None:
        if not self.in_epoch:
            raise NotReadyError(
                f"run.{method}(...) was called outside of an epoch, which its values belong to. "
                f"Write: for epoch in run.epochs(): for batch in run.{method}(...):"
            )

    def log(self, values: LogValues | None = None, /, **named: Any) -> None:
        self._passes.end_left()
        super().log(values, **named)

    # --- evaluation and prediction -------------------------------------------------------------

    def validation(
        self, batches: Iterable[_Batch], *, size: Callable[[_Batch], int] | None = None
    ) -> Iterator[_Batch]:
        """Yield each validation batch, and call the `on_test` hooks around it.

        The means over samples of what is logged for the batches become `val_<name>` in the epoch's
        logs. Of two validations in one epoch the later counts. After a stop that cut the epoch
        short there is none.

        Args:
            batches: anything that yields batches.
            size: how many samples a batch has; by default the length of its first array.

        Example:
            >>> from types import SimpleNamespace
            >>> from onfit.callbacks import History
            >>> history = History()
            >>> with Run(SimpleNamespace(), [history]) as run:
            ...     for epoch in run.epochs():
            ...         for batch in run.validation([[1, 2], [4]]):
            ...             run.log(loss=sum(batch) / len(batch))
            >>> history.history
            {'val_loss': [2.3333333333333335]}
        """
        self._require_epoch("validation")
        if self.cut_short:  # a stop leaves out the validation
            return iter(())
        one = ValidationPass(self, batch_size if size is None else size)
        return self._passes.through(batches, one)

    def _count_validation(self, meter: Meter) -> None:
        self._validations.append(meter)

    def validate(
        self,
        batches: Iterable[_Batch],
        step: Callable[[_Batch], object],
        meter: Meter,
        *,
        size: Callable[[_Batch], int] | None = None,
    ) -> None:
        """Evaluate, and put the results into this epoch's logs as `val_<name>`."""
        self._passes.end_before(ValidationPass)
        with self.timing.validating():
            self.evaluate(batches, step, meter, size=size)
        self._count_validation(meter)

    def evaluate(
        self,
        batches: Iterable[_Batch],
        step: Callable[[_Batch], object],
        meter: Meter,
        *,
        size: Callable[[_Batch], int] | None = None,
    ) -> Logs:
        """Call `step` with each batch, and the `on_test` hooks; return the means of `meter`."""
        size = batch_size if size is None else size
        begins = self.callbacks.hear("on_test_batch_begin")
        self.test_begin(meter)
        try:
            for batch in batches:
                self.test_batch_begin(size(batch) if begins else None)
                step(batch)
                self.test_batch_end(size(batch))
        except BaseException:
            self._test = None
            raise
        return self.test_end()

    def predict(
        self,
        batches: Iterable[_Batch],
        step: Callable[[_Batch], Any],
        *,
        size: Callable[[_Batch], int] | None = None,
    ) -> Iterator[Any]:
        """Yield `step(batch)` for each batch, and call the `on_predict` hooks."""
        size = batch_size if size is None else size
        hear = self.callbacks.hear
        heard = hear("on_predict_batch_begin") or hear("on_predict_batch_end")
        self.predict_begin()
        for batch in batches:
            count = size(batch) if heard else 0
            self.predict_batch_begin(count)
            outputs = step(batch)
            self.predict_batch_end(count, outputs)
            yield outputs
        self.predict_end()
