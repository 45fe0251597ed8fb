"""Files from elsewhere: what is checked before memory or time is spent on them.

What a file claims to unpack to has to be explained by the bytes that it has: 16 MiB are taken as
they come, and beyond that at most a hundred times the bytes. Text for JSON is at most 16 MiB.
"""

import json
import os
import stat
from collections.abc import Iterable
from typing import Any

from onfit._types import StrPath

_FREE, _TIMES = 1 << 24, 100
_MOST_JSON = 1 << 24
# What reads a nest calls itself for each level, and Python lets it do so a thousand times.
_DEEPEST = 100


def require_explained(claimed: int, stored: int, what: str) -> None:
    """Check that so many bytes may come out of so few.

    Args:
        claimed: the bytes that it unpacks to.
        stored: the bytes that are there.
        what: names it, for the error.

    Raises:
        ValueError: if they may not.

    >>> require_explained(claimed=5 << 30, stored=22_000, what="data")
    Traceback (most recent call last):
    ValueError: its data is too large to be true: 5368709120 bytes, out of 22000 in the file
    """
    if claimed > max(_FREE, _TIMES * stored):
        raise ValueError(
            f"its {what} is too large to be true: {claimed} bytes, out of {stored} in the file"
        )


def is_regular(path: StrPath) -> bool:
    """Whether it is a file with bytes of its own: a pipe may wait, and a device go on, for ever."""
    return stat.S_ISREG(os.stat(path).st_mode)


def read_json(text: str | bytes, what: str) -> Any:
    """What a text from elsewhere says in JSON.

    Args:
        text: the text.
        what: names it, for the errors.

    Raises:
        ValueError: if it is no JSON, or larger or deeper than any that onfit or Keras writes.
    """
    if len(text) > _MOST_JSON:
        raise ValueError(f"its {what} is too large to be true")
    try:
        found = json.loads(text)
    except RecursionError:
        raise ValueError(_too_deep(what)) from None
    _require_shallow(found, what)
    return found


def _require_shallow(found: Any, what: str) -> None:
    level = [found]
    for _ in range(_DEEPEST):
        level = [item for each in level for item in _items(each)]
        if not level:
            return
    raise ValueError(_too_deep(what))


def _items(value: Any) -> Iterable[Any]:
    if isinstance(value, dict):
        return value.values()
    return value if isinstance(value, list) else ()


def _too_deep(what: str) -> str:
    return f"its {what} is nested deeper than {_DEEPEST} levels"
