"""What plain data is: values that can be written to a file without pickling."""

from typing import Any

from onfit.core.packages import owner_of

ATOMS = (type(None), bool, int, float, str, bytes)


def is_plain(value: Any) -> bool:
    """Whether `value` is a number, text, an array, a tensor, or lists and dicts of them.

    An instance of a subclass of list, dict or array is not: a file would give back the base class.

    >>> is_plain({"losses": [0.5, 0.25]}), is_plain(print)
    (True, False)
    """
    kind = type(value)
    if kind in ATOMS:
        return True
    if kind in (list, tuple):
        return all(map(is_plain, value))
    if kind is dict:
        return all(is_plain(item) for pair in value.items() for item in pair)
    # An instance of a subclass of float, such as a learning rate, is kept as its value.
    return isinstance(value, float) or owner_of(value) is not None
