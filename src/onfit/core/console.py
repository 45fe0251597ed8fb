"""How callbacks and sessions say something to the user: lines and warnings.

What only talks never ends a training. So a stream that is closed, full, or has no sign for a letter
raises nothing here.
"""

import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TextIO

from onfit.core.packages import loaded
from onfit.core.processes import processes
from onfit.errors import ArgumentError, warn

_LOG = logging.getLogger("onfit")


def say(text: str, stream: TextIO | None = None, *, in_all: bool = False) -> None:
    """Print a line, above a progress bar if one is being drawn.

    Of several processes that train together, the main one prints. A stream that takes no more text
    is warned of once. After `disable_interactive_logging()`, a line for no stream of its own goes
    to the log `onfit` of Python's `logging`, if the program has that log take lines of level INFO.

    Args:
        text: the line.
        stream: where to print; by default what `sys.stdout` is when this is called.
        in_all: whether every process prints it.
    """
    if not in_all and not processes().is_main:  # its lines would come once for each process
        return
    if stream is None and not Interactive.enabled and _LOG.isEnabledFor(logging.INFO):
        _LOG.info(text)
        return
    stream = sys.stdout if stream is None else stream
    if stream is None:  # a program without a console, such as one started by pythonw
        return
    with may_be_lost(stream):
        text = writable(text, stream)
        if not any(package.write_line(text, stream) for package in loaded()):
            print(text, file=stream)
        # A pipe or a log file gets the line at once, not when a buffer is full.
        stream.flush()


# The streams that took no text, which is told once. They are kept, since a new stream could get the
# id of one that is gone.
_lost: list[object] = []


@contextmanager
def may_be_lost(stream: TextIO | None) -> Iterator[None]:
    """Go on, with one warning, if what the block prints to `stream` cannot be printed."""
    try:
        yield
    except Exception as error:  # the stream may be an object of the user's own
        if any(each is stream for each in _lost):
            return
        _lost.append(stream)
        reason = getattr(error, "strerror", None) or error
        warn(
            f"The output cannot be written ({type(error).__name__}: {reason}). Training goes "
            "on without it."
        )


def writable(text: str, stream: TextIO | None) -> str:
    """`text` with escapes for the letters that the encoding of `stream` lacks."""
    encoding = getattr(stream, "encoding", None)
    if text.isascii() or not isinstance(encoding, str):
        return text
    try:
        return text.encode(encoding).decode(encoding)
    except UnicodeEncodeError:
        plain = text.replace("─", "-")  # the rules of a table
        return plain.encode(encoding, "backslashreplace").decode(encoding)


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
    if isinstance(verbose, str) and verbose == "auto":
        return unasked if Interactive.enabled or not unasked else 2
    if getattr(verbose, "shape", ()) or verbose not in (0, 1, 2):
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
