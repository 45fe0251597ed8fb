"""Helpers for numpy arrays, under the module name that Keras used before version 2.4."""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, DTypeLike

from onfit.errors import DataError

__all__ = ["normalize", "to_categorical"]

Array = np.ndarray[Any, Any]


def to_categorical(
    y: ArrayLike, num_classes: int | None = None, dtype: DTypeLike = "float32"
) -> Array:
    """Classes as rows with a one in the class's column and zeros elsewhere.

    Args:
        y: class numbers from 0 upwards, of any shape; a last axis of length 1 is dropped.
        num_classes: how many columns; by default as many as the largest class needs.
        dtype: numpy's type of the result.

    Returns:
        An array of y's shape with one more axis at the end, of length `num_classes`.

    Raises:
        DataError: if `y` holds anything but whole numbers from 0 to below `num_classes`.

    Example:
        >>> to_categorical([0, 2, 1])
        array([[1., 0., 0.],
               [0., 0., 1.],
               [0., 1., 0.]], dtype=float32)
    """
    classes = _whole_numbers(y)
    largest = int(classes.max(initial=-1))
    if num_classes is None:
        num_classes = largest + 1
    if largest >= num_classes or classes.min(initial=0) < 0 or num_classes < 1:
        raise DataError(
            f"to_categorical(num_classes={num_classes}): classes are numbered from 0 to below "
            f"num_classes; y holds {_range_of(classes)}."
        )
    return np.eye(num_classes, dtype=dtype)[classes]


def normalize(x: Any, axis: int = -1, order: int = 2) -> Array:
    """An array divided by its norms along an axis; where a norm is 0, it stays.

    Args:
        x: the array, or lists of numbers.
        axis: the axis along which a norm is taken.
        order: which norm: 2 for the length.

    >>> normalize([[3.0, 4.0], [0.0, 0.0]])
    array([[0.6, 0.8],
           [0. , 0. ]])
    """
    norms = np.atleast_1d(np.linalg.norm(x, order, axis))
    norms[norms == 0] = 1
    result: Array = np.asarray(x) / np.expand_dims(norms, axis)
    return result


def _whole_numbers(y: Any) -> Array:
    given = np.asarray(y)
    if given.dtype.kind not in "fiub" or not np.array_equal(given, np.trunc(given)):
        raise DataError(
            f"to_categorical: y holds {given.dtype} values such as {given.flat[0]!r}; a class is "
            "a whole number. Number the classes first."
        )
    classes = given.astype(np.int64)
    return classes[..., 0] if classes.ndim > 1 and classes.shape[-1] == 1 else classes


def _range_of(classes: Array) -> str:
    return f"{classes.min()} to {classes.max()}" if classes.size else "nothing"
