"""One training, event by event. Only a session calls hooks.

There are three ways to use one:

Session        calls for events:  session.epoch_begin(); session.batch_end(32, loss=0.5)
Run            generators:        for epoch in run.epochs(): for batch in run.batches(loader)
CallbackList   Keras' names:      callbacks.on_epoch_begin(epoch)
"""

from collections.abc import Callable
from time import perf_counter
from typing import Any

from onfit._types import Callbacks
from onfit.core.ending import Keeper, finish
from onfit.core.gradients import observe_gradients
from onfit.core.logs import Logs
from onfit.core.meter import Meter
from onfit.core.progress import Progress, require_epochs
from onfit.core.representation import checked_arguments
from onfit.core.resuming import Walk
from onfit.core.state import Resumable
from onfit.core.stop import Outcome
from onfit.core.timing import Timing
from onfit.core.walks.epochs_alone import warn_of_hooks_of_epochs
from onfit.core.walks.pace import Pace
from onfit.core.walks.params import note
from onfit.core.walks.recording import DecideAt, Recording
from onfit.errors import ArgumentError, NotReadyError, out_of_order


class Session(Recording):
    """One training. The loop calls a method for each event, and the session calls the callbacks.

    Events come in this order: `train_begin`; for each epoch `epoch_begin`, then for each batch
    `batch_begin` and `batch_end`, then any validation, then `epoch_end`; at last `train_end`.
    `batch_begin` may be left out. The methods that return a bool say whether the loop has to stop.
    A training without epochs calls `steps_begin` once in place of `epoch_begin`, and no
    `epoch_end`: its rows end with each validation (`validated`).

    Args:
        model: a torch module, an onfit model, or any object attributes can be set on;
            callbacks see it as `self.model`.
        callbacks: callbacks, called in this order.
        optimizer: the optimizer of a model that does not hold its own, so that callbacks can
            read and set its learning rate; of several torch optimizers a list.
        epochs: training ends before the epoch of this index, as in `fit`.
        initial_epoch: the index of the first epoch.
        params: more of the callbacks' `params` (`batch_size`, `steps`, `samples`, `metrics` ...).
        meter: measures the batches; by default it takes the means of what is logged.
        parts: other objects, by name, whose state is saved and restored with the run: torch
            schedulers that the loop steps, a GradScaler, anything with `state_dict` and
            `load_state_dict`.
        decide_at: whether callbacks that judge a quantity (EarlyStopping ...) do so at the end of
            `"epochs"`, or at `"validations"`, where these come within epochs.

    Attributes:
        model: what callbacks see as `self.model`.
        progress: where the run is (`epoch`, `batch`, `step`).
        outcome: None while training; then `"completed"`, `"stopped"`, `"interrupted"` (by
            Ctrl-C or SIGTERM) or `"failed"`. `on_train_end` can read it.
        stopped: the `Stop` that counts; None if nothing asked for a stop.
        timing: the seconds that data, steps, validation and callbacks have taken so far.
        keepers: told when the run pauses, ends and is over, such as the callback that saves it.
        walk: the walk through this epoch's batches, with which another process can go on.

    Raises:
        CapabilityError: before training, if the model lacks what a callback needs.

    Example:
        >>> from types import SimpleNamespace
        >>> from onfit.callbacks import History
        >>> history = History()
        >>> session = Session(SimpleNamespace(), [history])
        >>> session.train_begin()
        False
        >>> session.epoch_begin()
        >>> session.batch_end(size=2, loss=1.0)
        False
        >>> session.epoch_end(val_loss=0.5)
        False
        >>> session.train_end()
        >>> history.history
        {'loss': [1.0], 'val_loss': [0.5]}
    """

    @checked_arguments
    def __init__(
        self,
        model: Any,
        callbacks: Callbacks = None,
        *,
        optimizer: Any = None,
        epochs: int = 1,
        initial_epoch: int = 0,
        params: dict[str, Any] | None = None,
        meter: Meter | None = None,
        parts: dict[str, Resumable] | None = None,
        decide_at: DecideAt = "epochs",
    ) -> None:
        require_epochs(epochs, initial_epoch)
        params = {"epochs": epochs, **(params or {})}
        super().__init__(
            model, callbacks, optimizer=optimizer, params=params, meter=meter, decide_at=decide_at
        )
        self.progress = Progress(epoch=initial_epoch)
        self.outcome: Outcome | None = None
        self.timing = Timing(self.callbacks)
        self.pace = Pace(self.timing)
        self.walk = Walk()
        self.keepers: list[Keeper] = []
        self._begun = self._ended = False
        self._unobserve: Callable[[], object] | None = None
        if "meter" in (parts or {}):
            raise ArgumentError("parts={'meter': ...}: a run has one of its own. Rename yours.")
        self.parts: dict[str, Resumable] = {**(parts or {}), "meter": self._meter}
        self._open_epoch: int | None = None
        self._batch: Any = None  # the batch that the loop has
        self.batch_view: Callable[[Any], Any] = lambda batch: batch

    # --- the training as a whole ---------------------------------------------------------------

    def train_begin(self) -> bool:
        """Training begins. Returns whether a callback asks at once for a stop."""
        self._require_new()
        self._begun = True
        self._meet_others()
        self.introduce()
        self.model.stop_training = False
        self.callbacks.restart_seconds()
        self._unobserve = observe_gradients(self)
        self.timing.begin()
        try:
            self.callbacks.call("on_train_begin", Logs())
        except BaseException as error:
            finish(self, error)
            raise
        self.agree()
        return self.stopping

    def _require_new(self) -> None:
        if self._begun:
            raise NotReadyError(
                f"this {type(self).__name__} has been walked. Make a new {type(self).__name__} "
                "for each training."
            )

    def train_end(self, error: BaseException | None = None) -> None:
        """Training is over. An epoch that is still open is ended first, unless there is an error.

        Args:
            error: the exception that ended the training, if one did. It gets a note for each
                further exception of a callback. The caller has to raise it.
        """
        if not self._begun or self._ended:
            raise out_of_order("train_end", "train_begin")
        if error is None:
            try:
                self._close_epoch()
            except BaseException as raised:
                finish(self, raised)
                raise
        finish(self, error)

    # --- epochs --------------------------------------------------------------------------------

    @property
    def in_epoch(self) -> bool:
        """Whether an epoch has begun and not ended."""
        return self._open_epoch is not None

    def epoch_begin(self, epoch: int | None = None) -> None:
        """An epoch begins.

        Args:
            epoch: its index, counted from 0; by default the next one.
        """
        if not self._begun or self._ended:
            raise out_of_order("epoch_begin", "train_begin")
        if self.in_epoch:
            raise out_of_order("epoch_begin", "epoch_end")
        if epoch is not None:
            self.progress.epoch = epoch
        self.walk.settle()
        self.progress.batch = 0
        self._begin_row()
        self._open_epoch = self.progress.epoch
        self._call_of_epoch("on_epoch_begin", self.progress.epoch, Logs())
        if self._together is not None:
            self._together.alike.compare()
        self._since = perf_counter()

    def epoch_end(self, **values: Any) -> bool:
        """The epoch is over. Returns whether the loop has to stop.

        Args:
            **values: numbers of the epoch, beside the means of its batches.
        """
        if not self.in_epoch:
            raise out_of_order("epoch_end", "epoch_begin")
        self._add_to_row(values)
        self._close_epoch()
        return self.stopping

    def _close_epoch(self) -> None:
        if self._open_epoch is None:
            return
        self._test = self._batch_values = None  # what was left open counts no more
        if self._together is not None:
            self._together.arrive()
        if self._in_steps:
            self._decide_what_came_since()
            self._open_epoch = None
            return
        epoch, self._open_epoch = self._open_epoch, None
        logs = self._last_logs = self._logs_of_row()
        self.progress.epoch = epoch + 1
        if self.keepers and self.pausing and self.cut_short:
            self.callbacks.call_only(self.callbacks.names_for_a_part(), "on_epoch_end", epoch, logs)
        else:
            self._call_of_epoch("on_epoch_end", epoch, logs)
        self.agree()

    def steps_begin(self) -> None:
        """A training without epochs begins. Its batches and validations come next."""
        if not self._begun or self._ended:
            raise out_of_order("steps_begin", "train_begin")
        if self.in_epoch:
            raise out_of_order("steps_begin", "epoch_end")
        self.steps_go_on()
        self._begin_row()
        warn_of_hooks_of_epochs(self.callbacks)

    def steps_go_on(self) -> None:
        """A training without epochs goes on that another process began."""
        self._in_steps = True
        note(self.params, epochs=None, decide_at="validations")
        self._open_epoch = self.progress.epoch
        self._since = perf_counter()

    @property
    def batch(self) -> Any:
        """The training batch that is under way, as the loop got it; in `fit`, with `x`, `y`,
        `sample_weight` and `outputs`. None between epochs, and where the loop only pushes events.
        """
        return None if self._batch is None else self.batch_view(self._batch)

    # --- batches -------------------------------------------------------------------------------

    def batch_begin(self, size: int | None = None) -> None:
        """A training batch of `size` samples begins: its data are there."""
        if not self.in_epoch:
            raise out_of_order("batch_begin", "epoch_begin")
        self.timing.data += perf_counter() - self._since
        if self.callbacks.hear("on_train_batch_begin"):
            index = self.progress.batch
            self.callbacks.call("on_train_batch_begin", index, Logs(batch=index, size=size))
        self._batch_values = {}
        self._since = perf_counter()

    def batch_end(self, size: int = 1, **values: Any) -> bool:
        """A training batch is over. Returns whether the loop has to stop.

        Args:
            size: how many samples the batch has.
            **values: its numbers; the epoch's logs get their means over samples.
        """
        if self._open_epoch is None or self._test is not None:
            raise out_of_order("batch_end", "epoch_begin" if self._test is None else "test_end")
        self.timing.step += perf_counter() - self._since
        progress = self.progress
        index, progress.batch = progress.batch, progress.batch + 1
        progress.step += 1
        logged, self._batch_values = self._batch_values, None
        if self._in_steps:
            logged = self.pace.count({**(logged or {}), **values}, size)
            self._means.add(logged, size)
        elif logged or values:
            self._means.add({**(logged or {}), **values}, size)
        if self.callbacks.hear("on_train_batch_end"):
            logs = Logs.of_batch(self._meter, index, size)
            self.callbacks.call("on_train_batch_end", index, logs)
        if self._undecided and not self.pausing:
            self._decide()
        if self._together is not None:
            self._together.after_batch()
        if stopping := self.stopping:  # asked once: a signal may come at any moment
            self._cut_epoch_short()
        self._since = perf_counter()
        return stopping

    def _cut_epoch_short(self) -> None:
        """The rest of the epoch is left out. A run that only pauses is saved now: `on_epoch_end`,
        which is called next, comes before the epoch's true end.
        """
        self._stops[0].cut_short = True
        if self.pausing:
            for keeper in self.keepers:
                keeper.pause()
