"""Ctrl-C and SIGTERM, heard in a way that lets a run end well.

The first of them lets the batch end, the end hooks be called and a checkpoint be written; then it
is raised as Python would have raised it. The second acts at once.
"""

import signal
import sys
import threading
from types import FrameType
from typing import Any

from onfit.core.stop import Stop, Stoppable

_HEARD = (signal.SIGINT, signal.SIGTERM)


class Interrupts:
    """Listens for Ctrl-C and SIGTERM while a run goes on.

    Only in the main thread, only for the outermost run, and only where the program has no
    handler of its own; what was there before is put back.

    Args:
        run: is asked to stop by the first signal.
    """

    def __init__(self, run: Stoppable) -> None:
        self._run = run
        self._before: dict[signal.Signals, Any] = {}

    def listen(self) -> None:
        """Take the place of Python's own handlers."""
        if threading.current_thread() is not threading.main_thread():
            return
        for number in _HEARD:
            handler = signal.getsignal(number)
            if handler in (signal.SIG_DFL, signal.default_int_handler):
                self._before[number] = handler
                signal.signal(number, self._on_signal)

    def put_back(self) -> None:
        """Give the handlers back."""
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
        """Raise the signal that came, if one did, now that the end hooks have been called.

        In an interactive session Ctrl-C just returns, so that the next line can go on with the
        model.
        """
        received = self._run.signal
        if received is None or (received is signal.SIGINT and is_interactive()):
            return
        raise _as_exception(received)


def is_interactive() -> bool:
    """Whether a person types line after line: a Python prompt, or a notebook."""
    return hasattr(sys, "ps1") or "ipykernel" in sys.modules


def _as_exception(number: signal.Signals) -> BaseException:
    if number is signal.SIGINT:
        return KeyboardInterrupt()
    return SystemExit(128 + number)  # 143: what a shell reports of a program that SIGTERM ended
