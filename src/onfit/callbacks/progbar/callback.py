"""ProgbarLogger: a progress bar, and the metrics after it."""

import math
import sys
from collections.abc import Iterable
from contextlib import suppress
from time import perf_counter
from typing import TYPE_CHECKING, Any, Literal, TextIO

from onfit.core.aliases import find
from onfit.core.callback import Callback, Logs
from onfit.core.console import level_of, say
from onfit.core.judging.deciding import in_steps
from onfit.core.representation import checked_arguments
from onfit.core.sizes import size_in
from onfit.errors import ArgumentError, did_you_mean

_COUNT_MODES = ("samples", "steps")
_NEVER = math.inf

# Drawing takes at most this share of the time: the interval between two drawings grows for that.
# It grows to at most `_AT_MOST` times its length, because a drawing waits for the device, and the
# device works in the meantime.
_SHARE = 0.0025
_AT_MOST = 5

if TYPE_CHECKING:
    from onfit.callbacks.progbar.bar import Bar


class ProgbarLogger(Callback):
    """Shows how far training is, and what its metrics are.

    A finished epoch leaves two lines:

        Epoch 50/500
        60000/60000 [==============================] - 2s 26us/sample - loss: 0.1006 - acc: 0.9620

    While it runs, the second is redrawn in place on a terminal or in a notebook. A file or a
    pipe gets the two lines and nothing else. `fit` and `evaluate` have a bar of their own
    unless called with `verbose=0`.

    `params["verbose"]`, which `fit(verbose=)` sets, says how much is shown: 0 nothing, even if
    the bar was passed by hand; 1 the bar; 2 one line an epoch, ` - 2s - loss: 0.1006`.

    While an epoch runs, the values are its means so far; at its end, the epoch's logs. Values
    that are not one number are left out. Evaluation and prediction show a bar when they are
    called on their own, and none within training.

    Args:
        count_mode: what is counted: `"samples"` or `"steps"` (batches). If their number is not
            known, the first epoch only counts up; the later epochs have its number.
        stateful_metrics: names of metrics for which the bar of a running epoch shows the last
            value instead of the mean.
        interval: seconds between two drawings, and so between two reads from the device. It grows,
            to at most five times its length, if drawing takes more than 0.25% of the time.
        stream: where to draw; by default what is `sys.stdout` when an epoch begins.

    Raises:
        ArgumentError: for an unknown `count_mode` or a negative `interval`.

    Example:
        >>> from types import SimpleNamespace
        >>> from onfit.core import Run
        >>> bar, lines = ProgbarLogger("steps"), {"verbose": 2}
        >>> with Run(SimpleNamespace(), [bar], params=lines) as run:  # doctest: +ELLIPSIS
        ...     for epoch in run.epochs():
        ...         run.log(loss=0.25)
        Epoch 1/1
         - 0s - loss: 0.2500
        Time: 0.0 s: callbacks ...% (ProgbarLogger ...%).
    """

    remembers = ()
    main_process_only = True

    @checked_arguments
    def __init__(
        self,
        count_mode: Literal["samples", "steps"] = "samples",
        stateful_metrics: Iterable[str] | None = None,
        *,
        interval: float = 0.1,
        stream: TextIO | None = None,
    ) -> None:
        if count_mode not in _COUNT_MODES:
            raise ArgumentError(
                f"ProgbarLogger(count_mode={count_mode!r}): count_mode is 'samples' or 'steps'."
                f"{did_you_mean(count_mode, _COUNT_MODES)}"
            )
        if not interval >= 0:
            raise ArgumentError(
                f"ProgbarLogger(interval={interval!r}): interval is the seconds between two "
                "drawings, 0 or more."
            )
        self.count_mode = count_mode
        self.stateful_metrics = set(stateful_metrics or ())
        self.interval = interval
        self.stream = stream
        self._by_samples = count_mode == "samples"
        self._training = self._in_epoch = False
        self._learned: int | None = None
        self._bar: Bar | None = None
        self._next_draw = _NEVER
        self._pause = interval  # seconds until the next drawing; grows with the cost of the last

    def __getstate__(self) -> dict[str, Any]:
        """What a copy holds: all but the bar and the stream, which are this process' own."""
        own = {"_bar": None, "_next_draw": _NEVER, "_in_epoch": False, "_training": False}
        return {**super().__getstate__(), **own, "stream": None}

    # --- training ------------------------------------------------------------------------

    def on_train_begin(self, logs: Logs | Any = None) -> None:
        self._training = True
        self._learned = None

    def on_epoch_begin(self, epoch: int, logs: Logs | Any = None) -> None:
        self._in_epoch = True
        self._begin_epoch(epoch)

    def on_train_batch_end(self, batch: int, logs: Logs | Any = None) -> None:
        bar = self._bar
        if bar is not None:
            if bar.total is None:  # the loop's loader may have said meanwhile
                bar.total = self._total()
            bar.seen += dict.get(logs, "size", 1) if self._by_samples and logs else 1
            if perf_counter() >= self._next_draw:
                self._draw(bar, logs or {})
        elif self._session is not None and self._verbose:
            # An epoch that a resumed run goes on with has no second `on_epoch_begin`.
            self._begin_epoch(self._session.progress.epoch, done=batch + 1, size=size_in(logs))

    def on_epoch_end(self, epoch: int, logs: Logs | Any = None) -> None:
        if self._bar is not None:
            self._learned = self._bar.seen or None
        self._in_epoch = False
        self._close(logs)

    def on_validation_end(self, step: int, logs: Logs | Any = None) -> None:
        if in_steps(self):  # a row ends, and the next batch begins another line
            self._close(logs)

    def on_train_end(self, logs: Logs | Any = None) -> None:
        self._training = self._in_epoch = False
        self._abandon()

    def on_exception(self, exception: BaseException) -> None:
        self._abandon()

    # --- evaluation and prediction, called on their own ----------------------------------

    def on_test_begin(self, logs: Logs | Any = None) -> None:
        if not self._trains:
            self._open(self._total())

    def on_test_batch_end(self, batch: int, logs: Logs | Any = None) -> None:
        if not self._trains:
            self.on_train_batch_end(batch, logs)

    def on_test_end(self, logs: Logs | Any = None) -> None:
        if not self._trains:
            self._close(logs)

    def on_predict_begin(self, logs: Logs | Any = None) -> None:
        self.on_test_begin()

    def on_predict_batch_end(self, batch: int, logs: Logs | Any = None) -> None:
        # The outputs are not values to show.
        self.on_test_batch_end(batch, {"size": size_in(logs)})

    def on_predict_end(self, logs: Logs | Any = None) -> None:
        self.on_test_end()

    # --- the bar -------------------------------------------------------------------------

    @property
    def _trains(self) -> bool:
        """Whether a training is under way; a loop may call the hooks of its epochs alone."""
        return self._training or self._in_epoch

    @property
    def _verbose(self) -> int:
        verbose = self.params.get("verbose", 1)
        return level_of(verbose) if verbose == "auto" else int(verbose)

    def _begin_epoch(self, epoch: int, done: int = 0, size: int = 1) -> None:
        if self._verbose == 0:
            return
        if in_steps(self) and not self._in_epoch:  # a run of steps calls no hook of epochs
            self._by_samples = False
            done = 0 if self._session is None else self._session.progress.step
            self._open(self.params.get("total_steps"), done)
            return
        epochs = self.params.get("epochs")
        say(f"Epoch {epoch + 1}/{epochs}" if epochs else f"Epoch {epoch + 1}", self.stream)
        self._open(self._total() or self._learned, done, size)

    def _total(self) -> int | None:
        """How many samples or steps there will be; None if the params do not say."""
        samples, steps = self.params.get("samples"), self.params.get("steps")
        if self._by_samples:
            return samples
        batch_size = self.params.get("batch_size")
        return math.ceil(samples / batch_size) if not steps and samples and batch_size else steps

    def _open(self, total: int | None, done: int = 0, size: int = 1) -> None:
        """Begin a bar.

        Args:
            total: how many samples or steps there will be; None if that is not known.
            done: how many batches are done already.
            size: how many samples each of those had.
        """
        self._abandon()
        if self._verbose == 0:
            return
        from onfit.callbacks.progbar.bar import Bar  # here: tqdm is loaded only to draw

        stream = sys.stdout if self.stream is None else self.stream
        unit, each = ("sample", size) if self._by_samples else ("step", 1)
        self._bar = Bar(unit, total, stream, seen=done * each)
        if self._verbose == 1 and _redraws(stream):
            self._next_draw = perf_counter() + self._pause

    def _draw(self, bar: "Bar", logs: Logs) -> None:
        begin = perf_counter()
        bar.draw(self._running_values(logs))
        end = perf_counter()
        pause = min((end - begin) / _SHARE, _AT_MOST * self.interval)
        self._pause = max(pause, self.interval)
        self._next_draw = end + self._pause

    def _close(self, logs: Logs | None) -> None:
        bar, self._bar, self._next_draw = self._bar, None, _NEVER
        if bar is None:
            return
        if self._verbose == 1 and bar.seen:
            bar.finish(logs or {})
        else:
            bar.summarize(logs or {})

    def _abandon(self) -> None:
        bar, self._bar, self._next_draw = self._bar, None, _NEVER
        if bar is not None:
            bar.abandon()

    def _running_values(self, logs: Logs) -> Logs:
        """The epoch's means so far, and the last values of what is not averaged."""
        values = dict(getattr(logs, "so_far", logs))
        last = {find(name, logs) for name in self.stateful_metrics}
        last |= {name for name in logs if name not in values}
        values.update({name: logs[name] for name in last if name is not None})
        return {name: value for name, value in values.items() if name not in ("batch", "size")}


def _redraws(stream: TextIO | None) -> bool:
    """Whether a line can be redrawn in place: on a terminal, and in a notebook's output."""
    if type(stream).__module__.startswith("ipykernel"):
        return True
    with suppress(Exception):  # a closed stream, or an object with nothing but `write`
        return stream is not None and stream.isatty()
    return False
