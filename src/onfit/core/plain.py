"""What can be written to a file without pickling."""

from typing import Any

import numpy as np


def is_plain(value: Any) -> bool:
    """Whether `value` is a number, text, an array, a tensor, or lists and dicts of them.

    >>> is_plain({"losses": [0.5, 0.25]}), is_plain(print)
    (True, False)
    """
    if value is None or isinstance(value, (bool, int, float, str, bytes, np.generic)):
        return True
    if isinstance(value, np.ndarray):
        return value.dtype.kind in "biufc"
    if isinstance(value, (list, tuple)):
        return all(map(is_plain, value))
    if isinstance(value, dict):
        return all(is_plain(item) for pair in value.items() for item in pair)
    return type(value).__module__ == "torch" and hasattr(value, "detach")
