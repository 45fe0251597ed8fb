"""How a callback says something to the user."""

import sys
from typing import TextIO

from onfit.core.packages import loaded


def say(text: str, stream: TextIO | None = None) -> None:
    """Print a line, above a progress bar if one is being drawn.

    Args:
        text: the line.
        stream: where to; by default what is `sys.stdout` at the moment.
    """
    stream = sys.stdout if stream is None else stream
    if stream is None:  # a program without a console, such as one started by pythonw
        return
    if not any(package.write_line(text, stream) for package in loaded()):
        print(text, file=stream)
    # At once, not when the buffer of a pipe or a log file is full.
    stream.flush()


def readable(rate: float) -> float:
    """`rate` to the seven digits that single precision holds, for people to read.

    >>> readable(0.0010000000474974513)
    0.001
    """
    return float(f"{rate:.7g}")
