"""How callbacks and sessions print a line for the user."""

import sys
from typing import TextIO

from onfit.core.packages import loaded
from onfit.errors import ArgumentError


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


class Interactive:
    """Whether a person watches the output, as the program says."""

    enabled = True


def level_of(verbose: int | str, *, unasked: int = 1) -> int:
    """How much is shown: 0 nothing, 1 a bar, 2 a line an epoch.

    Args:
        verbose: the level, or `"auto"`.
        unasked: what `"auto"` is while interactive logging is enabled; else a bar becomes a line.

    Raises:
        ArgumentError: for anything else.

    >>> level_of("auto")
    1
    """
    if verbose == "auto":
        return unasked if Interactive.enabled or not unasked else 2
    if verbose not in (0, 1, 2):
        raise ArgumentError(
            f"verbose={verbose!r}: 0 is silent, 1 a bar, 2 a line per epoch; 'auto' is a bar, 2 "
            "after disable_interactive_logging(), and 0 inside of the model's own training."
        )
    return int(verbose)


def readable(rate: float) -> float:
    """`rate` rounded to the seven digits of single precision, for people to read.

    >>> readable(0.0010000000474974513)
    0.001
    """
    return float(f"{rate:.7g}")
