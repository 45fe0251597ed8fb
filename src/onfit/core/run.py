"""The walk through a training: the only code that tells a hook.

with Run(model, callbacks, epochs=20) as run:          on_train_begin ... on_train_end
    for epoch in run.epochs():                         on_epoch_begin ... on_epoch_end
        for x, y in run.batches(loader):               on_train_batch_begin ... _end
            run.log(loss=step(x, y))
        run.log(val_loss=validate())
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from numbers import Integral
from time import perf_counter
from types import TracebackType
from typing import Any, Literal, Self, TypeVar

from onfit.core.callback import Callback
from onfit.core.callback_list import CallbackList
from onfit.core.console import say
from onfit.core.faces import as_trainable
from onfit.core.interrupts import Interrupts
from onfit.core.logs import BatchLogs, Logs
from onfit.core.meter import Meter, RunningMeans, as_number
from onfit.core.progress import Progress
from onfit.core.resuming import Walk
from onfit.core.sizes import batch_size
from onfit.core.state import Resumable, arguments_of
from onfit.core.timing import Timing, notable, told
from onfit.core.walks import told_predict, told_test
from onfit.errors import ArgumentError, NotReadyError

# Every key that callbacks may look for, whatever the door they came through.
_PARAMS: dict[str, Any] = {
    "epochs": 1,
    "steps": None,
    "samples": None,
    "batch_size": None,
    "verbose": 1,  # as in fit: whoever adds a bar wants to see it
    "do_validation": False,
    "metrics": [],
}
Outcome = Literal["completed", "stopped", "interrupted", "failed"]
_Batch = TypeVar("_Batch")


class Run:
    """One training, walked epoch by epoch and batch by batch, its callbacks told of each edge.

    Args:
        model: a torch module, an onfit model, or any object attributes can be set on;
            callbacks see it as `self.model`.
        callbacks: callbacks, told in this order.
        optimizer: the optimizer of a model that does not hold its own, so that callbacks can
            read and set its learning rate.
        epochs: the index of the epoch to end before, as in `fit`.
        initial_epoch: the index of the first epoch.
        params: more facts for `self.params` (`batch_size`, `steps`, `samples`, `metrics` ...).
        meter: who measures the batches; by default `log` does.
        parts: what else has to be set up again when the run is resumed, by name.

    Attributes:
        model: what callbacks see as `self.model`.
        progress: where the run is (`epoch`, `batch`, `step`).
        outcome: None while training; then `"completed"`, `"stopped"`, `"interrupted"` (by
            Ctrl-C or SIGTERM) or `"failed"`. `on_train_end` can read it.
        before_pause: functions to call when the run is stopped in the middle of an epoch only to
            go on elsewhere; filled by who saves the run.
        timing: the seconds that data, steps, validation and callbacks have taken so far.
        walk: how the walk through this epoch's batches began, for a run that goes on elsewhere.
        stop_reason: why it was asked to stop; empty if nobody said.
        cut_short: whether the epoch ended, or is about to, before its last batch or its
            validation, since a stop came in one of its batches.

    Raises:
        CapabilityError: before training, if a callback needs what the model cannot do.

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
        callbacks: Callback | Iterable[Callback] | CallbackList | None = None,
        *,
        optimizer: Any = None,
        epochs: int = 1,
        initial_epoch: int = 0,
        params: dict[str, Any] | None = None,
        meter: Meter | None = None,
        parts: dict[str, Resumable] | None = None,
    ) -> None:
        if not all(isinstance(n, Integral) and n >= 0 for n in (epochs, initial_epoch)):
            raise ArgumentError(
                f"epochs and initial_epoch are whole numbers from 0; got epochs={epochs!r}, "
                f"initial_epoch={initial_epoch!r}."
            )
        self.model = as_trainable(model, optimizer)
        self.callbacks = (
            callbacks if isinstance(callbacks, CallbackList) else CallbackList(callbacks)
        )
        self.params = {**_PARAMS, "epochs": epochs, **(params or {})}
        self.progress = Progress(epoch=initial_epoch)
        self.outcome: Outcome | None = None
        self.stop_reason = ""
        self._stopping = False
        self._entered = False
        self._end_epoch = epochs
        self._means = RunningMeans()
        self._meter: Meter = self._means if meter is None else meter
        self.parts: dict[str, Resumable] = {**(parts or {}), "meter": self._meter}
        self.walk = Walk()
        self.timing = Timing(self.callbacks)
        self.cut_short = False
        self.arguments: dict[str, dict[str, str]] = {}  # of the callbacks, before training
        self.before_pause: list[Callable[[], object]] = []
        self._open_epoch: int | None = None
        self._batch_values: dict[str, Any] | None = None  # None outside of a batch
        self._epoch_values: dict[str, Any] = {}
        self._validations: list[Meter] = []
        self._last_logs = Logs()
        self._interrupts = Interrupts(self.stop)

    # --- the training as a whole ---------------------------------------------------------

    def __enter__(self) -> Self:
        if self._entered:
            raise NotReadyError("this Run has been walked. Make a new Run for each training.")
        self._entered = True
        self.introduce()
        self.callbacks.stopped_by = None
        self._stopping = False
        self.model.stop_training = False
        self._interrupts.listen()
        self.callbacks.restart_seconds()
        self.timing.begin()
        try:
            self.callbacks.tell("on_train_begin", Logs())
        except BaseException as error:
            self._finish(error)
            raise
        return self

    @contextmanager
    def introduced(self) -> Iterator[None]:
        """Introduce for a walk inside of another run, whose callbacks may be the same: what they
        knew of that one is given back to them.
        """
        known = [(c, c.model, c.params, c.run) for c in self.callbacks]
        self.introduce()
        try:
            yield
        finally:
            for callback, model, params, run in known:
                if run is not None:
                    callback.set_params(params)
                    callback.set_model(model)
                    callback.run = run

    def introduce(self) -> None:
        """Hand model, params and itself to the callbacks, as every walk does to begin with."""
        self.callbacks.set_params(self.params)
        self.callbacks.set_model(self.model)
        for callback in self.callbacks:
            callback.run = self
        self.arguments = arguments_of(self.callbacks)
        self.callbacks.refresh()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if error is None:
            try:
                # A `break` in the user's loop leaves the epoch open: its end is told here.
                self._close_epoch()
            except BaseException as raised:
                self._finish(raised)
                raise
        self._finish(error)

    def _finish(self, error: BaseException | None) -> None:
        """Tell the ends, whatever happened; an error on the way here stays the one raised."""
        self.outcome = self._outcome_of(error)
        problems = []
        try:
            if error is not None:
                problems.append(self.callbacks.tell_all("on_exception", error))
            problems.append(self.callbacks.tell_all("on_train_end", self._last_logs))
        finally:
            self.timing.end()
            self._interrupts.put_back()
        for problem in filter(None, problems):
            if error is None:
                self.outcome = "failed"
                raise problem
            error.add_note(f"also, while telling the end: {problem!r}")
        if error is None:
            self._tell_who_stopped()
            self._tell_timing()
            self._interrupts.raise_received()

    def _outcome_of(self, error: BaseException | None) -> Outcome:
        if self._interrupts.received is not None or isinstance(error, KeyboardInterrupt):
            return "interrupted"
        if error is not None:
            return "failed"
        return "stopped" if self.stopping else "completed"

    def _tell_who_stopped(self) -> None:
        if self.stopping and self.params["verbose"]:
            reason = f": {self.stop_reason}" if self.stop_reason else ""
            say(f"Stopped after epoch {self.progress.epoch} by {self.stopped_by}{reason}.")

    def _tell_timing(self) -> None:
        report = self.timing.report()
        line = told(report) if self.params["verbose"] == 2 else notable(report)
        if line and self.params["verbose"]:
            say(line)

    def stop(self, why: str = "") -> None:
        """Ask the run to end with this batch, or this epoch where none is under way.

        Args:
            why: the reason, to be told when it ends; the first one asked for stays.
        """
        self.model.stop_training = True
        self.stop_reason = self.stop_reason or why

    @property
    def stopped_by(self) -> str:
        """Who asked to stop: the name of a callback's class, of a signal, or the loop."""
        if self._interrupts.name:
            return self._interrupts.name
        author = self.callbacks.stopped_by
        return "the training loop" if author is None else type(author).__name__

    @property
    def stopping(self) -> bool:
        """Whether somebody asked to stop. Nothing but a new run takes that back."""
        # Once seen, it stays: a callback that clears the flag takes no other's stop back.
        self._stopping = self._stopping or bool(self.model.stop_training)
        return self._stopping or self.callbacks.stopped_by is not None

    # --- epochs --------------------------------------------------------------------------

    def epochs(self) -> Iterator[int]:
        """Yield the index of each epoch, telling its begin before and its end after.

        A stop is looked for before each epoch and after each batch.
        """
        if not self._entered:
            raise NotReadyError(
                "nobody was told that training begins. Write: with Run(...) as run:"
            )
        if not self.walk.resuming:
            self._close_epoch()  # one that an earlier walk was broken off in
        while self.progress.epoch < self._end_epoch and not self.stopping:
            if self._open_epoch is None:
                self._begin_epoch()
            else:  # a run that was resumed in the middle of an epoch, which has begun already
                self._epoch_values, self._validations = {}, []
            yield self.progress.epoch
            self._close_epoch()
        self.walk.settle()  # of a resumed run that had nothing left to do

    def _begin_epoch(self) -> None:
        self.walk.settle()
        self.progress.batch = 0
        self.cut_short = False
        self._meter.reset()
        self._epoch_values, self._validations = {}, []
        self._open_epoch = self.progress.epoch
        self.callbacks.tell("on_epoch_begin", self.progress.epoch, Logs())

    @property
    def in_epoch(self) -> bool:
        """Whether an epoch has begun and not ended."""
        return self._open_epoch is not None

    def resume(self, in_epoch: bool, walk: dict[str, Any], random: dict[str, Any]) -> None:
        """Go on from `progress`, in the middle of an epoch or before the next.

        Args:
            in_epoch: whether the epoch had begun.
            walk: what the state of `walk` was.
            random: the random generators.
        """
        self._open_epoch = self.progress.epoch if in_epoch else None
        self.walk.resume(walk, random)

    @property
    def pausing(self) -> bool:
        """Whether the run stops only to go on in another process: a signal came, or time is up."""
        author = self.callbacks.stopped_by
        return bool(self._interrupts.name) or (author is not None and author.stop_means == "pause")

    def _prepare_pause(self) -> None:
        """Let who saves the run do so now: the end of this epoch, told next, is not its end."""
        if self.pausing:
            for save in self.before_pause:
                save()

    def _close_epoch(self) -> None:
        if self._open_epoch is None:
            return
        epoch, self._open_epoch = self._open_epoch, None
        logs = self._last_logs = Logs.of_epoch(self._meter)
        for meter in self._validations:
            meter.report_epoch(logs, prefix="val_")
        logs.update(self._epoch_values)
        self.progress.epoch = epoch + 1
        self.callbacks.tell("on_epoch_end", epoch, logs)

    # --- batches -------------------------------------------------------------------------

    def batches(
        self, batches: Iterable[_Batch], *, size: Callable[[_Batch], int] | None = None
    ) -> Iterator[_Batch]:
        """Yield each training batch, telling its begin before and its end after.

        Args:
            batches: anything that yields batches, such as a DataLoader.
            size: how many samples a batch has; by default the length of its first array.
        """
        size = batch_size if size is None else size
        progress, timing = self.progress, self.timing
        begin = self.callbacks.teller("on_train_batch_begin")
        end = self.callbacks.teller("on_train_batch_end")
        idlers = self.callbacks.idlers("on_train_batch_end")
        idle_until = 0.0
        waiting_since = perf_counter()
        try:
            for batch in self.walk.begin(batches, progress.batch):
                timing.data += perf_counter() - waiting_since
                index = progress.batch
                if begin is not None:
                    begin(index, Logs(batch=index, size=size(batch)))
                self._batch_values = {}
                given = perf_counter()
                yield batch
                timing.step += perf_counter() - given
                progress.batch = index + 1
                progress.step += 1
                if self._batch_values:
                    self._means.add(self._batch_values, size(batch))
                self._batch_values = None
                if end is not None and index + 1 >= idle_until:
                    end(index, BatchLogs.of(self._meter, index, self._meter.size or size(batch)))
                    if idlers:
                        idle_until = min(each.idle_until or 0.0 for each in idlers)
                if self.stopping:
                    self.cut_short = True
                    self._prepare_pause()
                    return
                waiting_since = perf_counter()
        finally:
            self.walk.end()
            self._batch_values = None  # a `break` in the user's loop leaves a batch open

    def log(self, **values: Any) -> None:
        """Log numbers: inside `batches` for this batch, outside for this epoch.

        A batch's numbers become sample-weighted means in the epoch's logs. Scalars of any
        framework are taken, and read only when a callback reads them.
        """
        if self._batch_values is not None:
            self._batch_values.update(values)
        else:
            frozen_values = {name: as_number(value) for name, value in values.items()}
            self._epoch_values.update(frozen_values)

    # --- evaluation and prediction -------------------------------------------------------

    def validate(
        self,
        batches: Iterable[_Batch],
        step: Callable[[_Batch], object],
        meter: Meter,
        *,
        size: Callable[[_Batch], int] | None = None,
    ) -> None:
        """Evaluate, and give this epoch's logs the results as `val_<name>`."""
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
        """Walk `batches` with `step`, telling the `on_test` hooks; return what `meter` says."""
        return told_test(self.callbacks, batches, step, meter, size or batch_size)

    def predict(
        self,
        batches: Iterable[_Batch],
        step: Callable[[_Batch], Any],
        *,
        size: Callable[[_Batch], int] | None = None,
    ) -> Iterator[Any]:
        """Yield `step(batch)` for each batch, telling the `on_predict` hooks."""
        return told_predict(self.callbacks, batches, step, size or batch_size)
