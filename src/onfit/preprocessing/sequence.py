"""Lists of unequal lengths as one array."""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import DTypeLike

from onfit.errors import ArgumentError, DataError, did_you_mean, refusal_of_names

__all__ = ["pad_sequences"]

_SIDES = ("pre", "post")


def pad_sequences(
    sequences: Iterable[Sequence[Any]],
    maxlen: int | None = None,
    dtype: DTypeLike = "int32",
    padding: str = "pre",
    truncating: str = "pre",
    value: Any = 0.0,
) -> np.ndarray[Any, Any]:
    """Lists of numbers as one array: the short ones filled up, the long ones cut.

    Args:
        sequences: the lists; or arrays whose first axes may differ.
        maxlen: the length of each row; that of the longest list if None.
        dtype: numpy's type of the result.
        padding: `"pre"` fills up in front, `"post"` behind.
        truncating: `"pre"` cuts off the beginning, `"post"` the end.
        value: what is filled in.

    Returns:
        An array of shape (lists, maxlen), with the further axes that the lists' entries have.

    Raises:
        ArgumentError: for other words than `"pre"` and `"post"`.
        DataError: for what is no list, and for entries whose shapes differ.

    Example:
        >>> pad_sequences([[1], [2, 3, 4]], maxlen=2)
        array([[0, 1],
               [3, 4]], dtype=int32)
    """
    for name, side in (("padding", padding), ("truncating", truncating)):
        if side not in _SIDES:
            raise ArgumentError(
                f"pad_sequences({name}={side!r}): it is 'pre' or 'post'."
                f"{did_you_mean(side, _SIDES)}"
            )
    rows = [_row(each, index) for index, each in enumerate(sequences)]
    length = max(map(len, rows), default=0) if maxlen is None else maxlen
    inner = {row.shape[1:] for row in rows if len(row)} or {()}
    if len(inner) > 1:
        raise DataError(
            f"pad_sequences: the entries have shapes {sorted(inner)}; they must have one shape."
        )
    padded = np.full((len(rows), length, *inner.pop()), value, dtype=dtype)
    for target, row in zip(padded, rows, strict=True):
        kept = row[max(len(row) - length, 0) :] if truncating == "pre" else row[:length]
        if len(kept):
            target[_place(len(kept), length, padding)] = kept
    return padded


def _place(count: int, length: int, padding: str) -> slice:
    return slice(length - count, None) if padding == "pre" else slice(count)


def _row(entries: Any, index: int) -> np.ndarray[Any, Any]:
    if not hasattr(entries, "__len__"):
        raise DataError(
            f"pad_sequences: a list of lists is wanted, and number {index} is {entries!r}."
        )
    return np.asarray(entries)


if not TYPE_CHECKING:  # whose reader knows the names from above, and should miss all others
    __getattr__ = refusal_of_names(__name__, __all__)
# As if it were a package, so that an import of another name comes to `_doors`, which says more.
__path__: list[str] = []
