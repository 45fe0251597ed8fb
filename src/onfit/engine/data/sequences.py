"""Sequences: batches by their numbers, made by the user."""

import warnings
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

from onfit.engine.data.arrays import Samples
from onfit.engine.data.epoch import Epoch
from onfit.engine.data.order import Order
from onfit.engine.data.reading import Reader
from onfit.errors import ArgumentError, DataError, OnfitWarning


class Sequence(ABC):
    """Batches that can be asked for by their numbers. Write `__len__` and `__getitem__`.

    `fit` takes them in a new order each epoch, unless told `shuffle=False`. After each walk
    through all of them `on_epoch_end` is called. Whatever has these three methods is taken for a
    Sequence, Keras' own too.

    Args:
        workers: threads that make batches ahead of their use. Up to 1 the training makes each
            itself when it needs it.
        use_multiprocessing: accepted for Keras' sake; threads are used even so.
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

    def on_epoch_end(self) -> None:  # noqa: B027 - a hook, for those who want it
        """Called after each walk through all batches; to choose or order samples anew."""

    @classmethod
    def __subclasshook__(cls, other: type) -> Any:
        if cls is Sequence and all(hasattr(other, name) for name in _METHODS):
            return True
        return NotImplemented

    def __iter__(self) -> Iterator[Any]:
        return (self[index] for index in range(len(self)))


_METHODS = ("__len__", "__getitem__", "on_epoch_end")


class SequenceBatches:
    """The batches of a Sequence.

    Args:
        sequence: makes them.
        shuffle: whether each epoch has an order of its own.
        read: makes samples of a batch.
    """

    once = False
    in_memory = False
    knows_epochs = True
    copies = False
    batch_size = None
    samples = None

    def __init__(self, sequence: Sequence, shuffle: bool, read: Reader) -> None:
        self._sequence = sequence
        self._order = Order(shuffle)
        self._read = read
        self.state_dict = self._order.state_dict
        self.load_state_dict = self._order.load_state_dict
        if not len(sequence):
            raise DataError(f"{_named(sequence)} is empty; there is nothing to work on.")
        if getattr(sequence, "use_multiprocessing", False):
            warn_of_processes()

    @property
    def steps(self) -> int:
        """How many batches it has now; `on_epoch_end` may change that."""
        return len(self._sequence)

    def epoch(self, index: int) -> Epoch:
        """Its batches, in the order of epoch `index`."""
        return Epoch(lambda done: self._from(index, done))

    def _from(self, index: int, done: int) -> Iterator[Samples]:
        order = self._order.of(index, self.steps).tolist()
        yield from map(self._read, self._made(order[done:]))
        self._sequence.on_epoch_end()

    def first(self) -> Samples:
        return self._read(self._sequence[0])

    def _made(self, order: Iterable[int]) -> Iterator[Any]:
        make, workers = self._sequence.__getitem__, getattr(self._sequence, "workers", 1)
        if workers < 2:
            return map(make, order)
        return _ahead(make, order, workers, self._sequence.max_queue_size)


class _ReadAhead(Sequence):
    """A Sequence with other workers than it says."""

    def __init__(self, sequence: Sequence, workers: int, max_queue_size: int) -> None:
        super().__init__(workers, max_queue_size=max_queue_size)
        self.sequence = sequence

    def __len__(self) -> int:
        return len(self.sequence)

    def __getitem__(self, index: int) -> Any:
        return self.sequence[index]

    def on_epoch_end(self) -> None:
        self.sequence.on_epoch_end()


def read_ahead(x: Any, workers: int, max_queue_size: int, use_multiprocessing: bool) -> Any:
    """`x` as Keras' arguments about workers want it read. They concern a Sequence alone; of a
    loader that cannot be read so it is said once, and arrays need none of it.
    """
    if workers < 0 or max_queue_size < 1:
        raise ArgumentError(
            f"workers={workers}, max_queue_size={max_queue_size}: a number of threads, and of "
            "batches that wait to be used; from 0 and from 1 upwards."
        )
    if workers < 2 and not use_multiprocessing:
        return x
    if isinstance(x, Sequence):
        if use_multiprocessing:
            warn_of_processes()
        return _ReadAhead(x, workers, max_queue_size)
    if isinstance(x, Iterator):
        _warn(f"workers={workers}: a generator is read by the training itself, batch by batch")
    return x


def warn_of_processes() -> None:
    """Say what `use_multiprocessing` leads to."""
    _warn("use_multiprocessing: a Sequence is read by this process")


def _warn(what: str) -> None:
    warnings.warn(
        f"{what}. For other processes, pass a torch DataLoader(dataset, num_workers=...).",
        OnfitWarning,
        stacklevel=4,
    )


def _ahead(
    make: Callable[[int], Any], order: Iterable[int], workers: int, waiting: int
) -> Iterator[Any]:
    """`make` of each, in this order, made by threads of which results wait up to `waiting`."""
    pool = ThreadPoolExecutor(workers, thread_name_prefix="onfit-sequence")
    try:
        results: deque[Future[Any]] = deque()
        for index in order:
            results.append(pool.submit(make, index))
            if len(results) > waiting:
                yield results.popleft().result()
        while results:
            yield results.popleft().result()
    finally:
        # A training that stops does not wait for batches that nobody will use.
        pool.shutdown(wait=False, cancel_futures=True)


def _named(sequence: Sequence) -> str:
    inner = sequence.sequence if isinstance(sequence, _ReadAhead) else sequence
    return type(inner).__name__
