"""Arrays of numbers, made of any object that holds numbers."""

import inspect
from collections.abc import Iterator
from typing import Any

import numpy as np
from torch.utils.data import DataLoader, Dataset

from onfit.errors import DataError

Array = np.ndarray[Any, Any]

_NUMBERS = "fiub"  # numpy's letters for floats, whole numbers, those without sign, truth values


def array_of(data: Any, name: str) -> Array:
    """An array that torch can share, of an array, a pandas object, or nested lists of numbers.

    Args:
        data: what holds the numbers.
        name: its name in errors, such as `"x"`.

    Raises:
        DataError: if it is not rectangular, or holds something else.
    """
    _refuse_kinds(data, name)
    if hasattr(data, "to_numpy"):
        data = _of_frame(data, name)
    try:
        array = np.asarray(data)
    except ValueError as error:
        raise DataError(
            f"{name} is not rectangular: {error}. Pad it to one length, or pass a DataLoader."
        ) from error
    if array.dtype.kind not in _NUMBERS:
        raise DataError(
            f"{name} holds {array.dtype} values; training takes numbers. "
            f"It begins {str(data)[:60]!r}. Encode text or objects as numbers first."
        )
    return _shareable(array)


def _refuse_kinds(data: Any, name: str) -> None:
    """Refuse what numpy would take for a single object, each kind with its own error."""
    # Only a Sequence has on_epoch_end. Its class is in a file that imports this one.
    if isinstance(data, (Dataset, DataLoader, Iterator)) or hasattr(data, "on_epoch_end"):
        raise DataError(
            f"{name} is a {type(data).__name__} where an array belongs. Whatever yields batches "
            "is given alone, as x of fit, evaluate or predict, and yields (x, y)."
        )
    if inspect.isroutine(data):
        called = getattr(data, "__name__", "it")
        raise DataError(f"{name} is the function {called}, not what it returns: call {called}().")
    if hasattr(data, "toarray"):
        raise DataError(f"{name} is a sparse matrix. Write out its zeros: {name}.toarray().")


def _of_frame(frame: Any, name: str) -> Array:
    """The numbers of a pandas object, whose columns may be of several types."""
    array: Array = frame.to_numpy()
    if array.dtype.kind in _NUMBERS or not hasattr(frame, "iloc"):
        return array
    types = dict(frame.dtypes) if array.ndim == 2 else {frame.name: frame.dtype}
    others = [str(column) for column, dtype in types.items() if dtype.kind not in _NUMBERS]
    if others:
        raise DataError(
            f"{name} has columns that hold no numbers: {', '.join(others)}. Leave them out, or "
            "encode them as numbers first."
        )
    return np.asarray(frame.to_numpy(dtype="float64", na_value=np.nan))


def _shareable(array: Array) -> Array:
    """The array itself if torch can share its memory, else a copy that torch can share."""
    if array.dtype.kind == "u" and array.dtype.itemsize > 1:
        return array.astype(np.int64)
    if not array.dtype.isnative:
        return array.astype(array.dtype.newbyteorder("="))
    # torch warns if it shares the memory of an array that is read-only.
    if not array.flags.writeable or any(stride < 0 for stride in array.strides):
        return array.copy()
    return array
