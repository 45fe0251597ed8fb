"""Batches of a torch Dataset, which knows samples by their numbers."""

from collections.abc import Iterator
from typing import Any

import torch
from torch.utils.data import DataLoader, Dataset, Subset

from onfit.engine.data.arrays import Samples, kept_of
from onfit.engine.data.batching import Batching
from onfit.engine.data.order import Order
from onfit.engine.data.source import Facts, OrderedSource
from onfit.errors import DataError


class DatasetSource(OrderedSource):
    """Batches of a Dataset, of the same sizes and in the same orders as those of arrays.

    Args:
        dataset: gives `x`, `(x, y)` or `(x, y, sample_weight)` for a number, and has a length.
        batching: how many samples make a batch, in which order, and how the model wants it.
    """

    def __init__(self, dataset: Dataset[Any], batching: Batching) -> None:
        size, samples = batching.size, _length_of(dataset)
        super().__init__(
            Facts(samples, steps=-(-samples // size), batch_size=size, knows_epochs=True),
            Order(batching.shuffle, samples=samples, batch_size=size),
        )
        self._dataset = dataset
        self._samples = samples
        self._size = size
        self._read = batching.reader

    def walk(self, index: int, done: int) -> Iterator[Samples]:
        order = self._order.of(index, self._samples).tolist()
        return self._batches(order[done * self._size :])

    def first(self) -> Samples:
        """The first sample: loading more would cost time, and one has all the shapes."""
        return next(self._batches([0]))

    def _batches(self, order: list[int]) -> Iterator[Samples]:
        # A generator of its own: a DataLoader draws from the global one even if nothing needs it.
        loader = DataLoader(self._dataset, self._size, sampler=order, generator=torch.Generator())
        return map(self._read, loader)

    @staticmethod
    def split(data: Dataset[Any], fraction: float) -> tuple[Dataset[Any], Dataset[Any]]:
        total = _length_of(data)
        kept = kept_of(total, fraction)
        return Subset(data, range(kept)), Subset(data, range(kept, total))


def _length_of(dataset: Dataset[Any]) -> int:
    """How many samples a Dataset has.

    Raises:
        DataError: if it does not say, or has none.
    """
    try:
        samples = len(dataset)  # type: ignore[arg-type]
    except (TypeError, NotImplementedError):
        raise DataError(
            f"{type(dataset).__name__} has no length, so its samples cannot be counted. "
            "Write its __len__, or make it an IterableDataset."
        ) from None
    if not samples:
        raise DataError(f"{type(dataset).__name__} is empty; there is nothing to work on.")
    return int(samples)
