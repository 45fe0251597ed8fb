"""Bars, clocks and terminals that the tests of ProgbarLogger share."""

import fcntl
import io
import os
import pty
import select
import struct
import termios

from onfit.callbacks.progbar import ProgbarLogger
from onfit.callbacks.progbar import bar as bar_module
from onfit.callbacks.progbar import callback as progbar_logger

FULL = "=" * 30


class Clock:
    def __init__(self):
        self.now = 1000.0

    def __call__(self):
        return self.now


def looked_at(clock, monkeypatch):
    """The clock, which the bar looks at from now on."""
    monkeypatch.setattr(bar_module, "perf_counter", clock)
    monkeypatch.setattr(progbar_logger, "perf_counter", clock)
    return clock


class Measured:
    """A meter with the values of a batch, and the means so far."""

    size = None

    def __init__(self, values, means):
        self.values, self.means = values, means

    def report_batch(self, logs):
        logs.update(self.values)

    def report_epoch(self, logs, prefix=""):
        logs.update(self.means)


class Terminal(io.StringIO):
    def isatty(self):
        return True


class Pty:
    """A real terminal, and what a person would see on it."""

    def __init__(self, columns=120):
        self.reader, writer = pty.openpty()
        size = struct.pack("HHHH", 40, columns, 0, 0)
        fcntl.ioctl(writer, termios.TIOCSWINSZ, size)
        self.stream = os.fdopen(writer, "w")
        self.columns = columns
        self.raw = ""

    def rows(self):
        self.stream.flush()
        while select.select([self.reader], [], [], 0)[0]:
            self.raw += os.read(self.reader, 65536).decode()
        rows, row, column = [[]], 0, 0
        for letter in self.raw.replace("\x1b[A", "\v"):
            if letter == "\v":
                row -= 1
            elif letter == "\r":
                column = 0
            elif letter == "\n":
                row += 1
                if row == len(rows):
                    rows.append([])
            else:
                assert letter.isprintable(), repr(letter)
                if column == self.columns:
                    row, column = row + 1, 0
                    rows.insert(row, [])
                rows[row] += [" "] * (column + 1 - len(rows[row]))
                rows[row][column] = letter
                column += 1
        lines = ["".join(row).rstrip() for row in rows]
        while lines and not lines[-1]:
            lines.pop()
        return lines

    def close(self):
        self.stream.close()
        os.close(self.reader)


def logger(stream, clock=None, *args, samples=None, steps=None, verbose=1, epochs=3, **options):
    """A bar that was introduced to a run, as on_train_begin leaves it."""
    bar = ProgbarLogger(*args, stream=stream, **options)
    bar.set_params({"samples": samples, "steps": steps, "epochs": epochs, "verbose": verbose})
    bar.on_train_begin({})
    return bar


def epoch(bar, clock, index, batches, seconds, logs, size=32):
    bar.on_epoch_begin(index, {})
    for batch in range(batches):
        clock.now += seconds
        bar.on_train_batch_end(batch, {"batch": batch, "size": size, **logs})
    bar.on_epoch_end(index, logs)
