"""What plain data is: values that can be written to a file without pickling."""

import copy
from collections.abc import Callable
from typing import Any

from onfit.core.packages import owner_of

ATOMS = (type(None), bool, int, float, str, bytes)
# Python writes no larger number as text, unless it is asked to: one of 4,300 digits.
_MOST_BITS = 14_000


def is_plain(value: Any) -> bool:
    """Whether `value` is a number, text, an array, a tensor, or lists and dicts of them.

    An instance of a subclass of list, dict or array is not: a file would give back the base class.

    >>> is_plain({"losses": [0.5, 0.25]}), is_plain(print), is_plain(10**5000)
    (True, False, False)
    """
    try:
        return _is_plain(value)
    except RecursionError:  # a list or a dict that holds itself
        return False


def _is_plain(value: Any) -> bool:
    kind = type(value)
    if kind is int:
        return bool(value.bit_length() <= _MOST_BITS)
    if kind in ATOMS:
        return True
    if kind in (list, tuple):
        return all(map(_is_plain, value))
    if kind is dict:
        return all(_is_plain(item) for pair in value.items() for item in pair)
    # An instance of a subclass of float, such as a learning rate, is kept as its value.
    return isinstance(value, float) or owner_of(value) is not None


def text_of(value: Any, write: Callable[[Any], str] = str) -> str:
    """The text of anything that a user logs, also of what has none.

    >>> text_of([1, 2]), text_of(10**5000)
    ('[1, 2]', '<int>')
    """
    try:
        return write(value)
    except Exception:  # a method of the user's own, or a number of too many digits
        return f"<{type(value).__name__}>"


def as_before(saved: Any, mine: Any) -> Any:
    """Plain data that a file gave back, with dicts of the classes that `mine` has at their places.

    >>> from collections import Counter
    >>> as_before({"milestones": {3: 1}}, {"milestones": Counter()})
    {'milestones': Counter({3: 1})}
    """
    if isinstance(saved, dict) and isinstance(mine, dict):
        items = {key: as_before(item, mine.get(key)) for key, item in saved.items()}
        if type(mine) is dict:
            return items
        fresh = copy.copy(mine)
        fresh.clear()
        fresh.update(items)
        return fresh
    if isinstance(saved, list) and isinstance(mine, list) and len(saved) == len(mine):
        return [as_before(*pair) for pair in zip(saved, mine, strict=True)]
    return saved
