"""Batches of arrays in memory, without a DataLoader."""

from collections.abc import Iterator

import torch
from torch import Tensor

from onfit.engine.arrays import Samples, cut, each, length, parts, rows
from onfit.engine.order import Order
from onfit.engine.reading import moved
from onfit.engine.walking import Epoch


class ArrayBatches:
    """Batches of arrays in memory. The order of epoch e depends on the seed and e alone.

    Args:
        samples: the data.
        batch_size: samples in a batch; the last may be smaller.
        shuffle: whether each epoch has an order of its own.
        device: where batches go.
    """

    once = False
    in_memory = True
    knows_epochs = True

    def __init__(
        self,
        data: Samples,
        batch_size: int,
        shuffle: bool = False,
        device: torch.device | None = None,
    ) -> None:
        # On one device, so that one order picks from all; each batch may go to another still.
        self.data = moved(data, parts(data.x)[0].device)
        self.batch_size: int = batch_size
        self.samples: int = length(data)
        self.steps: int = -(-self.samples // batch_size)
        self._device = device
        self._order = Order(shuffle, samples=self.samples, batch_size=batch_size)
        self.state_dict = self._order.state_dict
        self.load_state_dict = self._order.load_state_dict

    def epoch(self, index: int) -> Epoch:
        """The batches of epoch `index`: slices in order, or rows of one permutation."""
        return Epoch(lambda done: self._from(index, done))

    def _from(self, index: int, done: int) -> Iterator[Samples]:
        begin = done * self.batch_size
        if not self._order.shuffles:
            yield from map(self._placed, _in_order(self.data, begin, self.batch_size))
        elif begin < self.samples:
            order = self._order.of(index, self.samples).to(parts(self.data.x)[0].device)
            for picked in torch.split(order[begin:], self.batch_size):
                yield self._placed(_picked(self.data, picked))

    def first(self) -> Samples:
        return self._placed(rows(self.data, slice(0, self.batch_size)))

    def _placed(self, batch: Samples) -> Samples:
        return batch if self._device is None else moved(batch, self._device)


def _in_order(data: Samples, begin: int, size: int) -> Iterator[Samples]:
    """Slices of `size` samples. They are cut in blocks, which takes less than one after the other,
    and less memory than all at once.
    """
    if begin < length(data) <= size:
        yield rows(data, slice(None))  # one batch has it all: there is nothing to cut
        return
    block = size * 1024
    for start in range(begin, length(data), block):
        yield from cut(rows(data, slice(start, start + block)), size)


def _picked(data: Samples, which: Tensor) -> Samples:
    return each(lambda tensor: tensor.index_select(0, which), data)
