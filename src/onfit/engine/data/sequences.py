"""Sequence: the user writes how batch number i is made."""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import Any


class Sequence(ABC):
    """Batches that can be asked for by their numbers. Write `__len__` and `__getitem__`.

    `fit` takes the batches in a new order each epoch, or in their own with `shuffle=False`. After
    each walk through all batches it calls `on_epoch_end`. An object that has these three methods
    is a Sequence too, such as one of Keras' own.

    Args:
        workers: threads that make batches ahead of their use. Up to 1 the training makes each
            batch itself when it needs it.
        use_multiprocessing: accepted because Keras has it; threads are used even so.
        max_queue_size: how many batches to make ahead.

    Example:
        >>> import numpy as np
        >>> class Squares(Sequence):
        ...     def __len__(self):
        ...         return 3
        ...     def __getitem__(self, index):
        ...         x = np.full((2, 1), float(index))
        ...         return x, x**2
        >>> [float(y[0, 0]) for x, y in Squares()]
        [0.0, 1.0, 4.0]
    """

    # Class attributes, so that a subclass with its own __init__ need not call this one's.
    workers: int = 1
    use_multiprocessing: bool = False
    max_queue_size: int = 10

    def __init__(
        self, workers: int = 1, use_multiprocessing: bool = False, max_queue_size: int = 10
    ) -> None:
        self.workers = workers
        self.use_multiprocessing = use_multiprocessing
        self.max_queue_size = max_queue_size

    @abstractmethod
    def __len__(self) -> int:
        """How many batches there are."""

    @abstractmethod
    def __getitem__(self, index: int) -> Any:
        """Batch `index`: `x`, `(x, y)` or `(x, y, sample_weight)`."""

    def on_epoch_end(self) -> None:  # noqa: B027 - a subclass need not write it
        """Called after each walk through all batches; to choose or order samples anew."""

    @classmethod
    def __subclasshook__(cls, other: type) -> Any:
        if cls is Sequence and all(hasattr(other, name) for name in _METHODS):
            return True
        return NotImplemented

    def __iter__(self) -> Iterator[Any]:
        return (self[index] for index in range(len(self)))


_METHODS = ("__len__", "__getitem__", "on_epoch_end")
