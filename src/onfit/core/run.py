"""A training that the loop walks through with generators.

with Run(model, callbacks, epochs=20) as run:          on_train_begin ... on_train_end
    for epoch in run.epochs():                         on_epoch_begin ... on_epoch_end
        for x, y in run.batches(loader):               on_train_batch_begin ... _end
            run.log(loss=step(x, y))
        for x, y in run.validation(val_loader):        on_test_begin ... on_test_end
            run.log(loss=loss_of(x, y))
"""

from collections.abc import Callable, Iterable, Iterator
from functools import partial
from time import perf_counter
from types import TracebackType
from typing import Any, Self, TypeVar

from onfit._types import LogValues
from onfit.core.interrupts import Interrupts
from onfit.core.logs import Logs
from onfit.core.meter import Meter
from onfit.core.session import Session
from onfit.core.sizes import batch_size
from onfit.errors import NotReadyError

_Batch = TypeVar("_Batch")
_Size = Callable[[Any], int]


class Run(Session):
    """One training: generators of epochs and batches, which call the hooks before and after each.

    A run ends well on Ctrl-C and SIGTERM: after the first signal it ends the batch, calls the end
    hooks and raises; a second signal acts at once. The attributes are those of `Session`.

    Args:
        model: a torch module, an onfit model, or any object attributes can be set on;
            callbacks see it as `self.model`.
        callbacks: callbacks, called in this order.
        optimizer: the optimizer of a model that does not hold its own, so that callbacks can
            read and set its learning rate.
        epochs: the run ends before the epoch of this index, as in `fit`.
        initial_epoch: the index of the first epoch.
        params: more of the callbacks' `params` (`batch_size`, `steps`, `samples`, `metrics` ...).
        meter: measures the batches; by default it takes the means of what is logged.
        parts: other objects, by name, whose state is saved and restored with the run.

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
        # Ends the batch or the validation that the loop left by `break`; None if there is none.
        self._left: Callable[[], None] | None = None
        self._interrupts = Interrupts(self)

    # --- the training as a whole ---------------------------------------------------------------

    def __enter__(self) -> Self:
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
        if not self._begun:
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
        self._end_what_was_left()
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
        if not self.in_epoch:
            raise NotReadyError(
                "run.batches(...) was called outside of an epoch, which its values belong to. "
                "Write: for epoch in run.epochs(): for batch in run.batches(...):"
            )
        self._end_what_was_left()
        return self._batches(batches, batch_size if size is None else size)

    def _batches(self, batches: Iterable[_Batch], size: _Size) -> Iterator[_Batch]:
        begins = self.callbacks.hear("on_train_batch_begin")
        self._since = perf_counter()
        try:
            for batch in self.walk.begin(batches, self.progress.batch):
                self.batch_begin(size(batch) if begins else None)
                try:
                    yield batch
                except GeneratorExit:
                    self._left = partial(self._end_left_batch, size(batch))
                    raise
                if self.batch_end(size(batch)):
                    return
        finally:
            self.walk.end()

    def _end_left_batch(self, size: int) -> None:
        if self._batch_values:
            self.batch_end(size)
        self._batch_values = None

    def _end_what_was_left(self) -> None:
        """End the batch or the validation that the loop left by `break`.

        The run does this when the loop comes back to it: only then it is certain that the loop did
        not leave because of an error.
        """
        left, self._left = self._left, None
        if left is not None:
            left()

    def log(self, values: LogValues | None = None, /, **named: Any) -> None:
        self._end_what_was_left()
        super().log(values, **named)

    # --- evaluation and prediction -------------------------------------------------------------

    def validation(
        self, batches: Iterable[_Batch], *, size: Callable[[_Batch], int] | None = None
    ) -> Iterator[_Batch]:
        """Yield each validation batch, and call the `on_test` hooks around it.

        The means over samples of what is logged for the batches become `val_<name>` in the epoch's
        logs. Of two validations in one epoch the later counts.

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
        self._end_what_was_left()
        return self._validation(batches, batch_size if size is None else size)

    def _validation(self, batches: Iterable[_Batch], size: _Size) -> Iterator[_Batch]:
        with self.timing.validating():
            self.test_begin()
            for batch in batches:
                self.test_batch_begin(size(batch))
                try:
                    yield batch
                except GeneratorExit:
                    self._left = partial(self._end_left_validation, size(batch))
                    raise
                self.test_batch_end(size(batch))
            self._end_validation()

    def _end_validation(self) -> None:
        self.test_end()
        self._validations.append(self._test_meter)

    def _end_left_validation(self, size: int) -> None:
        if self._batch_values:
            self.test_batch_end(size)
        self._end_validation()

    def validate(
        self,
        batches: Iterable[_Batch],
        step: Callable[[_Batch], object],
        meter: Meter,
        *,
        size: Callable[[_Batch], int] | None = None,
    ) -> None:
        """Evaluate, and put the results into this epoch's logs as `val_<name>`."""
        self._end_what_was_left()
        with self.timing.validating():
            self.evaluate(batches, step, meter, size=size)
        self._validations.append(meter)

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
        for batch in batches:
            self.test_batch_begin(size(batch) if begins else None)
            step(batch)
            self.test_batch_end(size(batch))
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
