"""A session that signals end well: it is saved as it was after the last whole batch."""

from types import TracebackType
from typing import Any, Self

from onfit.core.interrupts import INTERRUPTS, as_exception
from onfit.core.logs import Logs
from onfit.core.packages.randomness import random_state
from onfit.core.session import Session
from onfit.core.state import run_state


class Signalled(Session):
    """A session as a context, in which Ctrl-C, SIGTERM and SIGUSR1 ask it to stop."""

    def __enter__(self) -> Self:
        self._require_new()
        self._outer = INTERRUPTS.innermost
        self._noted = self._outer is not None and bool(self._outer.keepers)
        if self._noted:
            # What a signal cuts off in this run, the outer one does anew from here.
            self._before = self._outer.before
            now = run_state(self._outer) if self._outer.model is self.model else {}
            self._outer.before = {"random": random_state(), **now, **self._before}
        INTERRUPTS.begin(self)
        try:
            self.train_begin()
        except BaseException:
            INTERRUPTS.end(self)
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
            INTERRUPTS.end(self)
        signals = [stop.signal for stop in (*self._stops, *self._asked) if stop.signal is not None]
        if error is None and signals:
            raise as_exception(signals[0])
        if error is None and self._noted:
            self._outer.before = self._before

    def resume(
        self,
        in_epoch: bool,
        walk: dict[str, Any],
        random: dict[str, Any],
        unheard: dict[str, Any] | None = None,
    ) -> None:
        """Go on from `progress`, in the middle of an epoch or before the next.

        Args:
            in_epoch: whether the epoch had begun.
            walk: the state of `walk` to go on from.
            random: the state of the random generators to go on with.
            unheard: the call of a hook that did not come to its end; it is made again.
        """
        self.unheard = unheard
        self._open_epoch = self.progress.epoch if in_epoch else None
        self.walk.resume(walk, random)

    def _call_again(self) -> None:
        """Call the hook that a signal cut off in another process, where it had not been heard."""
        cut, self.unheard = self.unheard, None
        if cut is None:
            return
        logs = Logs(cut["logs"])
        if cut["hook"] == "on_epoch_end":
            self._last_logs = logs
        with self.walk.meanwhile():
            self.callbacks.call_only(cut["callbacks"], cut["hook"], cut["index"], logs)

    def _call_of_epoch(self, hook: str, epoch: int, logs: Logs) -> None:
        if not self.keepers:
            super()._call_of_epoch(hook, epoch, logs)
            return
        self.callbacks.call(hook, epoch, logs, first=self._note_anew)
        self.before = {}

    def leave_out_batches(self) -> None:
        """Leave out the rest of a resumed epoch, if a validation that was made up for stops it."""
        if self.stopping:
            self._stops[0].cut_short = True
            self.walk.leave()

    def _note_anew(self) -> None:
        self.before = {"random": random_state()}

    def _to_save(self) -> Any:
        return self if self._begun else super()._to_save()

    def cut_off(self) -> None:
        """A signal came while data were waited for. The run is saved as it was before; within a
        training batch, at the end of that.
        """
        if not self._begun:
            super().cut_off()
        if self._batch_values is None:
            self._cut_epoch_short()
        INTERRUPTS.let_workers_go()
