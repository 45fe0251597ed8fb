"""The validation data, as callbacks see them."""

from collections.abc import Callable, Iterator
from typing import Any, Self


class ValidationArrays(list[Any]):
    """The arrays in one flat list, as in Keras; the list still knows what each array is.

    Args:
        x: inputs: an array, or a tuple or dict of them.
        y: targets, likewise.
        sample_weight: weights, likewise; None if there are none.

    Example:
        >>> data = ValidationArrays(([1, 2], [3, 4]), [5, 6])
        >>> data
        [[1, 2], [3, 4], [5, 6]]
        >>> data.first(1).x
        ([1], [3])
    """

    def __init__(self, x: Any, y: Any = None, sample_weight: Any = None) -> None:
        self.x = x
        self.y = y
        self.sample_weight = sample_weight
        super().__init__(array for part in (x, y, sample_weight) for array in _arrays(part))

    def __getitem__(self, index: Any) -> Any:
        """An array. Where there are no weights, `[2]` of `[x, y]` are weights of 1, as in Keras."""
        if index == 2 == len(self) and self.sample_weight is None and self.y is not None:
            return _ones_like(self[1])
        return super().__getitem__(index)

    @classmethod
    def of(cls, data: list[Any] | None) -> Self | None:
        """From `Callback.validation_data`; a plain list is `[x, y]` or `[x, y, sample_weight]`."""
        return data if data is None or isinstance(data, cls) else cls(*data)

    def first(self, samples: int | None) -> Self:
        """The arrays of the first `samples` samples; of all samples if that is None."""
        return self._rows(slice(samples))

    def batches(self, size: int | None) -> Iterator[Self]:
        """The arrays of `size` samples at a time; of all samples at once if that is None."""
        samples = len(self[0])
        size = size or samples
        for start in range(0, samples, size):
            yield self._rows(slice(start, start + size))

    def _rows(self, which: slice) -> Self:
        parts = (self.x, self.y, self.sample_weight)
        return type(self)(*(_each(lambda array: array[which], part) for part in parts))


def _ones_like(targets: Any) -> Any:
    """A weight of 1 for each sample: a tensor for a tensor, else an array of numpy's."""
    if hasattr(targets, "new_ones"):
        return targets.new_ones(len(targets)).float()
    import numpy as np  # a process that has arrays has loaded it

    return np.ones(len(targets), dtype="float32")


def _arrays(part: Any) -> tuple[Any, ...]:
    if part is None:
        return ()
    if isinstance(part, dict):
        return tuple(part.values())
    return part if isinstance(part, tuple) else (part,)


def _each(function: Callable[[Any], Any], part: Any) -> Any:
    if part is None:
        return None
    if isinstance(part, dict):
        return {name: function(array) for name, array in part.items()}
    return tuple(map(function, part)) if isinstance(part, tuple) else function(part)
