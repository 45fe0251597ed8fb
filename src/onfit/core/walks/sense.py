"""Whether a saved state can be that of a run. Its checksums say that it is as it was written, and
not that a run wrote it.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from onfit.errors import FileFormatError, OnfitError

_NUMBERS = (bool, int, float)
_MANY = (list, tuple)


@contextmanager
def making_sense() -> Iterator[None]:
    """Tell of a state that makes no sense as of a file that does not."""
    try:
        yield
    except OnfitError:
        raise
    except (LookupError, TypeError, ValueError, ArithmeticError, AttributeError) as error:
        raise senseless(f"{type(error).__name__}: {str(error)[:200]}") from error


def senseless(what: str) -> FileFormatError:
    """The error for a state that no run saves."""
    return FileFormatError(
        f"the checkpoint does not say what a run says ({what}). It stays where it is. Move it away "
        "to go on from the one before, or give this run another folder."
    )


def require_kinds(saved: Any, mine: Any, where: str) -> None:
    """Check that a saved state has the kinds of values that the state of the same object has before
    training. Where that has None, or an array, the saved one may have anything.

    Args:
        saved: the state in a checkpoint.
        mine: the state of the object now.
        where: names the object, for the error.

    Raises:
        FileFormatError: naming the first place where a number, a text, a list or a dict is not.

    >>> require_kinds({"wait": 3, "best": 0.5}, {"wait": 0, "best": None}, "EarlyStopping/0")
    """
    if saved is None or mine is None:
        return
    for kinds in (_NUMBERS, str, bytes, _MANY, dict):
        if isinstance(mine, kinds) and not isinstance(saved, kinds):
            raise senseless(f"{where} is {str(saved)[:40]!r} of type {type(saved).__name__}")
    if isinstance(mine, dict):
        for key in mine.keys() & saved.keys():
            require_kinds(saved[key], mine[key], f"{where}, {key}")
