"""Batches of a Sequence, made when they are needed or ahead of that."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from typing import Any

from onfit.engine.data.arrays import Samples
from onfit.engine.data.batching import Batching, Workers, warn_of_workers
from onfit.engine.data.order import Order
from onfit.engine.data.sequences import Sequence
from onfit.engine.data.source import Facts, OrderedSource, refuse_beside
from onfit.errors import DataError


class SequenceSource(OrderedSource):
    """The batches of a Sequence.

    Args:
        sequence: makes them.
        batching: in which order, by how many threads, and how the model wants them.
    """

    def __init__(self, sequence: Sequence, batching: Batching) -> None:
        refuse_beside(sequence, batch_size=batching.batch_size)
        super().__init__(Facts(knows_epochs=True), Order(batching.shuffle))
        self._sequence = sequence
        self._read = batching.reader
        self._workers = batching.workers if batching.workers.wanted else _workers_of(sequence)
        if not len(sequence):
            raise DataError(f"{type(sequence).__name__} is empty; there is nothing to work on.")
        if self._workers.use_multiprocessing:
            warn_of_workers("use_multiprocessing: a Sequence is read by this process")

    @property
    def facts(self) -> Facts:
        """What is known of it now; the sequence's `on_epoch_end` may change its length."""
        return replace(self._facts, steps=len(self._sequence))

    def walk(self, index: int, done: int) -> Iterator[Samples]:
        order = self._order.of(index, len(self._sequence)).tolist()
        yield from map(self._read, self._made(order[done:]))
        self._sequence.on_epoch_end()

    def first(self) -> Samples:
        return self._read(self._sequence[0])

    def _made(self, order: Iterable[int]) -> Iterator[Any]:
        make = self._sequence.__getitem__
        return map(make, order) if self._workers.count < 2 else _ahead(make, order, self._workers)


def _workers_of(sequence: Sequence) -> Workers:
    """The workers that the sequence itself asks for; a class like Keras' need not say."""
    return Workers(
        getattr(sequence, "workers", Workers.count),
        getattr(sequence, "max_queue_size", Workers.max_queue_size),
        getattr(sequence, "use_multiprocessing", Workers.use_multiprocessing),
    )


def _ahead(make: Callable[[int], Any], order: Iterable[int], workers: Workers) -> Iterator[Any]:
    """`make` of each, in this order, by threads; up to `max_queue_size` results wait."""
    pool = ThreadPoolExecutor(workers.count, thread_name_prefix="onfit-sequence")
    try:
        results: deque[Future[Any]] = deque()
        for index in order:
            results.append(pool.submit(make, index))
            if len(results) > workers.max_queue_size:
                yield results.popleft().result()
        while results:
            yield results.popleft().result()
    finally:
        # A training that stops does not wait for batches that it will not use.
        pool.shutdown(wait=False, cancel_futures=True)
