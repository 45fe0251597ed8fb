"""Ctrl-C and SIGTERM, heard in a way that lets a run end well.

The first of them lets the batch end, the ends be told and a checkpoint be written; then it is
raised as Python would have raised it. The second acts at once.
"""

import signal
import sys
import threading
from collections.abc import Callable
from types import FrameType
from typing import Any

_HEARD = (signal.SIGINT, signal.SIGTERM)


class Interrupts:
    """Listens for Ctrl-C and SIGTERM while a run goes on.

    Only in the main thread, only for the outermost run, and only where the program has no
    handler of its own; what was there before is put back.

    Args:
        stop: called, from the handler, at the first signal; must only note it.

    Attributes:
        received: the signal that came; None if none did.
    """

    def __init__(self, stop: Callable[[], None]) -> None:
        self.received: signal.Signals | None = None
        self._stop = stop
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
        if self.received is None:
            self.received = signal.Signals(number)
            self._stop()
        else:
            self.put_back()
            raise _as_exception(signal.Signals(number))

    @property
    def name(self) -> str:
        """What came, as a person calls it; empty if nothing did."""
        if self.received is None:
            return ""
        return "Ctrl-C" if self.received is signal.SIGINT else self.received.name

    def raise_received(self) -> None:
        """Raise what came, now that the ends are told.

        In an interactive session Ctrl-C just returns, so that the next line can go on with the
        model.
        """
        if self.received is None or (self.received is signal.SIGINT and is_interactive()):
            return
        raise _as_exception(self.received)


def is_interactive() -> bool:
    """Whether a person types line after line: a Python prompt, or a notebook."""
    return hasattr(sys, "ps1") or "ipykernel" in sys.modules


def _as_exception(number: signal.Signals) -> BaseException:
    if number is signal.SIGINT:
        return KeyboardInterrupt()
    return SystemExit(128 + number)  # 143: what a shell reports of a program that SIGTERM ended
