"""How callbacks and sessions print a line for the user."""

import sys
from typing import TextIO

from onfit.core.packages import loaded


def say(text: str, stream: TextIO | None = None) -> None:
    """Print a line, above a progress bar if one is being drawn.

    Args:
        text: the line.
        stream: where to print; by default what `sys.stdout` is when this is called.
    """
    stream = sys.stdout if stream is None else stream
    if stream is None:  # a program without a console, such as one started by pythonw
        return
    if not any(package.write_line(text, stream) for package in loaded()):
        print(text, file=stream)
    # A pipe or a log file gets the line at once, not when a buffer is full.
    stream.flush()


def readable(rate: float) -> float:
    """`rate` rounded to the seven digits of single precision, for people to read.

    >>> readable(0.0010000000474974513)
    0.001
    """
    return float(f"{rate:.7g}")
