"""Batches of arrays in memory, without a DataLoader."""

from collections.abc import Iterator
from functools import partial
from itertools import chain, repeat

import torch
from torch import Tensor

from onfit.engine.data.arrays import Data, Samples, cut, length, parts, rows
from onfit.engine.data.epoch import Epoch
from onfit.engine.data.order import Order
from onfit.engine.data.reading import moved
from onfit.layers.shapes import mapped


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
            yield from map(self._placed, _shuffled(self.data, order[begin:], self.batch_size))

    def first(self) -> Samples:
        return self._placed(rows(self.data, slice(0, self.batch_size)))

    @property
    def copies(self) -> bool:
        """Whether a batch is in memory of its own: rows picked in an order are, slices are not."""
        return self._order.shuffles

    def _placed(self, batch: Samples) -> Samples:
        return batch if self._device is None else moved(batch, self._device)


# Batches are made in blocks of so many: what is done to a block at once takes less time than batch
# by batch, and less memory than to all.
_BLOCK = 1024
_AT_ONCE = 256 << 10  # bytes picked at once: more would drive out of the caches what a step needs
_LINE = 64  # bytes, where a product asks for no less: torch lets all memory begin at such a line


def _in_order(data: Samples, begin: int, size: int) -> Iterator[Samples]:
    """Slices of `size` samples, the first of them at `begin`."""
    if begin < length(data) <= size:
        yield rows(data, slice(None))  # one batch has it all: there is nothing to cut
        return
    block = size * _BLOCK
    for start in range(begin, length(data), block):
        yield from cut(rows(data, slice(start, start + block)), size)


def _shuffled(data: Samples, order: Tensor, size: int) -> Iterator[Samples]:
    """The samples in this order, `size` at a time."""
    for block in torch.split(order, size * _BLOCK):
        x = _picked(data.x, block, size, aligned=True)
        yield from map(Samples, x, *(_picked(part, block, size) for part in (data.y, data.weight)))


def _picked(data: Data, block: Tensor, size: int, aligned: bool = False) -> Iterator[Data]:
    """What a part of the data has for a block, `size` samples at a time.

    Args:
        data: inputs, targets or weights.
        block: indices of samples.
        size: how many of them are a batch.
        aligned: whether each batch is to begin at a line of the cache, as it would in memory of its
            own. A product's last bit may depend on that, and a resumed run begins elsewhere.
    """
    if data is None:
        return repeat(None)
    if isinstance(data, Tensor):
        many = _batches_at_once(data[0].nbytes * size, aligned)
        # As views a model could not change them in place, nor one while another's gradient is due.
        # What is unsafe is to share numbers with what was split: nobody else has that.
        return chain.from_iterable(
            torch.unsafe_split(data.index_select(0, which), size)
            for which in torch.split(block, size * many)
        )
    return (
        mapped(partial(torch.index_select, dim=0, index=which), Tensor, data)
        for which in torch.split(block, size)
    )


def _batches_at_once(nbytes: int, aligned: bool) -> int:
    """How many batches of so many bytes are picked at once."""
    if aligned and nbytes % _LINE:
        return 1
    return max(1, _AT_ONCE // max(1, nbytes))
