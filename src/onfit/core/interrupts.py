"""Ctrl-C and SIGTERM, handled so that a run ends well.

After the first signal the run finishes its batch, lets a callback save it, and calls the end hooks.
Then it raises the exception of the signal. A second signal acts at once.
"""

import signal
import sys
import threading
from types import FrameType
from typing import Any

from onfit.core.stop import Stop, Stoppable

_HEARD = (signal.SIGINT, signal.SIGTERM)


class Interrupts:
    """Handles Ctrl-C and SIGTERM while a run goes on.

    It does so only in the main thread, only for the outermost run, and only for signals for which
    the program has no handler of its own. Afterwards it puts Python's handlers back.

    Args:
        run: the run that the first signal asks to stop.
    """

    def __init__(self, run: Stoppable) -> None:
        self._run = run
        self._before: dict[signal.Signals, Any] = {}

    def listen(self) -> None:
        """Replace Python's own handlers."""
        if threading.current_thread() is not threading.main_thread():
            return
        for number in _HEARD:
            handler = signal.getsignal(number)
            if handler in (signal.SIG_DFL, signal.default_int_handler):
                self._before[number] = handler
                signal.signal(number, self._on_signal)

    def put_back(self) -> None:
        """Put Python's handlers back."""
        for number, handler in self._before.items():
            signal.signal(number, handler)
        self._before = {}

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        if self._run.signal is None:
            self._run.ask(Stop.of_signal(number))
        else:
            self.put_back()
            raise _as_exception(signal.Signals(number))

    def raise_received(self) -> None:
        """Raise the exception of the received signal, if there is one. The run calls this after the
        end hooks.

        In an interactive session nothing is raised for Ctrl-C, so that the user's next line can go
        on with the model.
        """
        received = self._run.signal
        if received is None or (received is signal.SIGINT and is_interactive()):
            return
        raise _as_exception(received)


def is_interactive() -> bool:
    """Whether a person types line after line, at a Python prompt or in a notebook."""
    return hasattr(sys, "ps1") or "ipykernel" in sys.modules


def _as_exception(number: signal.Signals) -> BaseException:
    if number is signal.SIGINT:
        return KeyboardInterrupt()
    return SystemExit(128 + number)  # 143 for SIGTERM, the exit code that a shell reports
