"""What can be written to a file without pickling."""

import sys
from typing import Any

# Arrays of numbers, text and times; what else numpy holds are objects.
_ARRAY_KINDS = "biufcmMSU"


def is_plain(value: Any) -> bool:
    """Whether `value` is a number, text, an array, a tensor, or lists and dicts of them.

    Of lists and dicts only Python's own: another kind would not be that kind again.

    >>> is_plain({"losses": [0.5, 0.25]}), is_plain(print)
    (True, False)
    """
    if value is None or type(value) in (bool, int, float, str, bytes):
        return True
    if _is_of_numpy(value):
        return value.dtype.kind in _ARRAY_KINDS
    if type(value) in (list, tuple):
        return all(map(is_plain, value))
    if type(value) is dict:
        return all(is_plain(item) for pair in value.items() for item in pair)
    # A float that knows more than its value, such as a learning rate, is kept as that value.
    return isinstance(value, float) or _is_dense_tensor(value)


def _is_of_numpy(value: Any) -> bool:
    """Whether it is an array or a scalar of numpy. Where numpy is not loaded, nothing is."""
    numpy = sys.modules.get("numpy")
    return numpy is not None and (isinstance(value, numpy.generic) or type(value) is numpy.ndarray)


def _is_dense_tensor(value: Any) -> bool:
    layout = str(getattr(value, "layout", ""))
    return type(value).__module__ == "torch" and layout == "torch.strided"
