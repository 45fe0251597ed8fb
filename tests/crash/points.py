"""The places where a run can be killed, counted in the order a run comes by them.

A place is the moment before a callback hears a hook, or before (or half-way through) something
is done to the files of the run: each open, write, fsync, rename, removal.
"""

import builtins
import io
import os
import re
import signal
import sys
import threading
from collections import Counter
from pathlib import Path

from onfit.core.callback import Callback
from onfit.core.hooks import HOOKS
from onfit.core.listeners import Listener, Listeners
from onfit.storage import durable

_CHANGES = {"os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.truncate"}
_WRITING = os.O_WRONLY | os.O_RDWR
# What tempfile makes up, and what tensorboard takes from the clock and the process.
_RANDOM = re.compile(r"(?<=\.)[a-z0-9_]{8}(?=\.partial)|(?<=writing-)[a-z0-9_]{8}$|(?<=tfevents).*")


class Points:
    """Counts places, and kills the process at one of them.

    Args:
        folder: where the run has its files; what is done elsewhere does not count.
        strike: the number of the place to be killed at; None to be killed nowhere.
        report: a file descriptor to write the name of that place to first; None to write nothing.
        number: the signal that strikes: SIGKILL kills this process, any other goes to its group.

    Attributes:
        names: one for each place so far, all different.
    """

    def __init__(
        self,
        folder: Path,
        strike: int | None = None,
        report: int | None = None,
        number: signal.Signals = signal.SIGKILL,
    ) -> None:
        self.names: list[str] = []
        self._folder = str(folder)
        self._strike = strike
        self._report = report
        self._number = number
        self._process = os.getpid()
        self._where = "outside"
        self._times: Counter[str] = Counter()

    def reach(self, what: str) -> None:
        """Be killed here, if it is the place. Threads and workers have none: their order varies."""
        if (
            os.getpid() != self._process
            or threading.current_thread() is not threading.main_thread()
        ):
            return
        self._times[what] += 1
        name = f"{what} ({self._where}), time {self._times[what]}"
        if len(self.names) == self._strike:
            if self._report is not None:
                os.write(self._report, name.encode())
            self._end()
        self.names.append(name)

    def _end(self) -> None:
        if self._number is signal.SIGKILL:
            os.kill(self._process, signal.SIGKILL)
        elif os.getpgrp() == self._process:  # workers get it, too, as from a terminal
            os.killpg(self._process, self._number)

    def watch(self) -> None:
        """Count from now on, in this process, for good."""
        self._watch_hooks()
        self._watch_durable_steps()
        sys.addaudithook(self._hear)
        builtins.open = io.open = self._open  # type: ignore[assignment]

    # --- hooks ---------------------------------------------------------------------------

    def _watch_hooks(self) -> None:
        refresh = Listeners.refresh

        def watched(listeners: Listeners) -> None:
            refresh(listeners)
            for hook, heard in listeners._table.items():
                listeners._table[hook] = [
                    Listener(callback, self._reached_before(callback, hook, method), seconds)
                    for callback, method, seconds in heard
                ]

        Listeners.refresh = watched  # type: ignore[method-assign]

    def _reached_before(self, callback, hook, method):
        def told(*args):
            progress = callback.run.progress
            self._where = f"epoch {progress.epoch}, batch {progress.batch}"
            self.reach(f"{type(callback).__name__}.{hook}{args[:-1]}")
            return method(*args)

        return told

    # --- files ---------------------------------------------------------------------------

    def _watch_durable_steps(self) -> None:
        for name in ("fsync_file", "rename", "fsync_folder"):
            setattr(durable, name, self._reached_after(name, getattr(durable, name)))

    def _reached_after(self, name, step):
        def done(*paths):
            self.reach(f"before {name} of {_plain_name(paths[-1])}")
            step(*paths)
            self.reach(f"after {name} of {_plain_name(paths[-1])}")

        return done

    def _hear(self, event: str, args: tuple) -> None:
        if event in _CHANGES:
            path, relative = args[0], isinstance(args[-1], int) and args[-1] >= 0
            if relative:  # within a tree that is removed, in whatever order
                self.reach(event)
            elif self._is_mine(path):
                self.reach(f"{event} {_plain_name(args[0])}")
        elif event == "open" and self._is_mine(args[0]) and args[2] & _WRITING:
            self.reach(f"open {_plain_name(args[0])}")

    def _is_mine(self, path: object) -> bool:
        return isinstance(path, (str, os.PathLike)) and os.fspath(path).startswith(self._folder)

    def _open(self, file, mode="r", buffering=-1, encoding=None, errors=None, newline=None, **more):
        binary = mode.replace("b", "").replace("t", "")
        if binary == "r" or more or not self._is_mine(file):
            return _OPEN(file, mode, buffering, encoding, errors, newline, **more)
        raw = _Torn(self, file, binary)
        buffered = io.BufferedRandom(raw) if "+" in mode else io.BufferedWriter(raw)
        return buffered if "b" in mode else io.TextIOWrapper(buffered, encoding, errors, newline)


_OPEN = open


class _Torn(io.FileIO):
    """A file that is written in two halves, with a place to be killed at before each."""

    def __init__(self, points: Points, file, mode: str) -> None:
        super().__init__(file, mode)
        self._points = points
        self._what = _plain_name(file)

    def write(self, data) -> int:
        data = bytes(data)
        middle = len(data) // 2
        self._points.reach(f"write of {self._what}")
        written = super().write(data[:middle])
        self._points.reach(f"half-way through a write of {self._what}")
        return written + super().write(data[middle:])


class Edge(Callback):
    """Hears every hook and does nothing, so that there is a place at each of them."""

    remembers = ()


class LastEdge(Edge):
    """The same, after the callback that saves the run."""

    called_last = True


def _silent(self, *args) -> None:
    pass


for _hook in HOOKS:
    setattr(Edge, _hook, _silent)


def _plain_name(path) -> str:
    return _RANDOM.sub("", Path(path).name)
