"""Batches of a torch Dataset, which knows samples by their numbers."""

from collections.abc import Iterator
from typing import Any

import torch
from torch.utils.data import DataLoader, Dataset, Subset

from onfit.engine.data.arrays import Samples, kept_of
from onfit.engine.data.epoch import Epoch
from onfit.engine.data.order import Order
from onfit.engine.data.reading import Reader
from onfit.errors import DataError


class DatasetBatches:
    """Batches of a Dataset, cut as those of arrays are.

    Args:
        dataset: gives `x`, `(x, y)` or `(x, y, sample_weight)` for a number, and has a length.
        batch_size: samples in a batch; the last may be smaller.
        shuffle: whether each epoch has an order of its own.
        read: makes samples of a batch.
    """

    once = False
    in_memory = False
    knows_epochs = True
    copies = False

    def __init__(self, dataset: Dataset[Any], batch_size: int, shuffle: bool, read: Reader) -> None:
        self._dataset = dataset
        self.batch_size: int = batch_size
        self.samples: int = length_of(dataset)
        self.steps: int = -(-self.samples // batch_size)
        self._order = Order(shuffle, samples=self.samples, batch_size=batch_size)
        self._read = read
        self.state_dict = self._order.state_dict
        self.load_state_dict = self._order.load_state_dict

    def epoch(self, index: int) -> Epoch:
        """The batches of epoch `index`."""
        order = self._order.of(index, self.samples).tolist()
        return Epoch(lambda done: self._batches(order[done * self.batch_size :]))

    def first(self) -> Samples:
        """The first sample: loading more would cost time, and one has all the shapes."""
        return next(self._batches([0]))

    def _batches(self, order: list[int]) -> Iterator[Samples]:
        # A generator of its own: a DataLoader draws from the global one even if nothing needs it.
        loader = DataLoader(
            self._dataset, self.batch_size, sampler=order, generator=torch.Generator()
        )
        return map(self._read, loader)


def split_dataset(dataset: Dataset[Any], fraction: float) -> tuple[Dataset[Any], Dataset[Any]]:
    """Cut off the last `fraction` of the samples, in the order they came, for validation."""
    total = length_of(dataset)
    kept = kept_of(total, fraction)
    return Subset(dataset, range(kept)), Subset(dataset, range(kept, total))


def length_of(dataset: Dataset[Any]) -> int:
    """How many samples a Dataset has.

    Raises:
        DataError: if it does not say, or has none.
    """
    try:
        samples = len(dataset)  # type: ignore[arg-type]
    except (TypeError, NotImplementedError):
        raise DataError(
            f"{type(dataset).__name__} has no length, so nobody can tell which samples it has. "
            "Write its __len__, or make it an IterableDataset."
        ) from None
    if not samples:
        raise DataError(f"{type(dataset).__name__} is empty; there is nothing to work on.")
    return int(samples)
