"""Ctrl-C, SIGTERM and SIGUSR1, handled so that a run ends well.

After the first signal a run finishes its batch, lets a callback save it, and calls the end hooks.
Then it raises the exception of the signal. A run that waits for data does not wait on. A second
signal acts at once.
"""

import os
import signal
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any, TypeVar

from onfit.core.stop import Stop, Stoppable

_T = TypeVar("_T")

# SIGUSR1 is what many a scheduler sends some minutes before it takes the machine away.
_NAMES = ("SIGINT", "SIGTERM", "SIGUSR1")
HEARD = tuple(getattr(signal, name) for name in _NAMES if hasattr(signal, name))


class Interrupted(BaseException):
    """A signal came while data were waited for, or before them."""


class Interrupts:
    """Handles the signals of a process while runs go on in it, one within another.

    It does so only for runs in the main thread, and only for signals for which the program has no
    handler of its own. Afterwards it puts Python's handlers back. A process has one such object,
    since it has one handler of each signal.

    Attributes:
        received: the first signal that came; None if none did.
        aborts: whether a second one came.
    """

    def __init__(self) -> None:
        self.received: signal.Signals | None = None
        self.aborts = False
        self._depth = 0
        self._before: dict[int, Any] = {}
        self._runs: list[Stoppable] = []
        self._waiting = False
        # Called when no worker is needed any more, since a signal ends the run.
        self.end_workers: list[Callable[[], object]] = []

    @property
    def listens(self) -> bool:
        """Whether the signals are handled here, and this is the thread that gets them."""
        return self._depth > 0 and threading.current_thread() is threading.main_thread()

    @property
    def innermost(self) -> Any:
        """The run that is under way here, and has no other in it; None if there is none."""
        return self._runs[-1] if self.listens and self._runs else None

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Handle the signals for the block. Outside of a run a signal acts at once."""
        self.listen()
        try:
            yield
        finally:
            self.put_back()

    # --- the runs ------------------------------------------------------------------------

    def begin(self, run: Stoppable) -> None:
        """A run begins, which a signal will ask to stop."""
        self.listen()
        if self.listens:
            self._runs.append(run)
            if self.received is not None:
                run.ask(Stop.of_signal(self.received))

    def end(self, run: Stoppable) -> None:
        """That run is over."""
        if run in self._runs:
            self._runs.remove(run)
        self.put_back()

    def listen(self) -> None:
        """Replace Python's own handlers, unless this has been done."""
        if threading.current_thread() is not threading.main_thread():
            return
        self._depth += 1
        if self._depth > 1:
            return
        self.received, self.aborts, self._waiting = None, False, False
        for number in HEARD:
            handler = signal.getsignal(number)
            if handler in (signal.SIG_DFL, signal.default_int_handler):
                self._before[number] = handler
                signal.signal(number, self._on_signal)

    def put_back(self) -> None:
        """Put Python's handlers back at the end of the outermost `listen`."""
        if not self.listens:
            return
        self._depth -= 1
        if self._depth == 0:
            if self.received is not None:
                self.let_workers_go()
            self._restore_handlers()

    def _restore_handlers(self) -> None:
        for number, handler in self._before.items():
            if signal.getsignal(number) == self._on_signal:  # else the program has its own by now
                signal.signal(number, handler)
        self._before = {}

    # --- the signals -----------------------------------------------------------------------

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        if self.received is not None or not self._runs:
            self.received, self.aborts = self.received or signal.Signals(number), True
            self._restore_handlers()
            raise as_exception(signal.Signals(number))
        self.received = signal.Signals(number)
        for run in self._runs:
            run.ask(Stop.of_signal(number))
        if self._waiting and self._may_cut_off:
            raise Interrupted

    @property
    def _may_cut_off(self) -> bool:
        """Whether a wait for data may end at once. Where other processes wait for this one's batch,
        it ends with that.
        """
        return all(run.processes.world == 1 for run in self._runs)

    def awaited(
        self, batches: Iterable[_T], note: Callable[[], object] | None = None
    ) -> Iterator[_T]:
        """The batches. A signal that comes while one is waited for ends the wait.

        Args:
            batches: what yields them.
            note: called before each wait.

        Raises:
            Interrupted: after a signal, also if a worker that loads the data did not survive it.
        """
        if not self.listens:
            yield from batches
            return
        each = iter(batches)
        while True:
            if note is not None:
                note()
            before, self._waiting = self._waiting, True
            try:
                if self.received is not None and self._may_cut_off:
                    raise Interrupted
                batch = next(each)
            except StopIteration:
                return
            except Exception as error:
                if self.received is None or not self._may_cut_off:
                    raise
                raise Interrupted from error
            finally:
                self._waiting = before
            yield batch

    def let_workers_go(self) -> None:
        """End the workers, which do not hear the signals themselves."""
        for end in self.end_workers:
            end()

    def forget_in_child(self) -> None:
        """Forget, in a forked process, the runs of the parent. Ctrl-C is the parent's matter."""
        for number in self._before:
            if signal.getsignal(number) == self._on_signal:
                signal.signal(number, signal.SIG_IGN if number == signal.SIGINT else signal.SIG_DFL)
        self._depth, self._before, self._runs = 0, {}, []
        self.received, self._waiting = None, False


INTERRUPTS = Interrupts()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=INTERRUPTS.forget_in_child)


def as_exception(number: signal.Signals) -> BaseException:
    """What a signal that ends a program raises there."""
    if number is signal.SIGINT:
        return KeyboardInterrupt()
    # 143 for SIGTERM: the exit code that a shell reports.
    return SystemExit(128 + number)
