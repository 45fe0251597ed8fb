"""Batches of arrays in memory, without a DataLoader."""

from collections.abc import Iterator
from functools import partial
from itertools import chain, repeat

import torch
from torch import Tensor

from onfit.engine.data.arrays import (
    Data,
    Samples,
    cut,
    length,
    parts,
    rows,
    split,
)
from onfit.engine.data.batching import Batching
from onfit.engine.data.class_weight import weighted_by_class
from onfit.engine.data.order import Order
from onfit.engine.data.reading import moved
from onfit.engine.data.source import Facts, OrderedSource
from onfit.engine.placing import sent
from onfit.layers.shapes import mapped


class ArraySource(OrderedSource):
    """Batches of arrays in memory. The order of epoch e depends on the seed and e alone.

    Args:
        data: the arrays.
        batching: how many samples make a batch, in which order, and how the model wants it.

    Attributes:
        data: the arrays, weighted by class.
    """

    def __init__(self, data: Samples, batching: Batching) -> None:
        size, samples = batching.size, length(data)
        super().__init__(
            Facts(
                samples,
                steps=-(-samples // size),
                batch_size=size,
                in_memory=True,
                knows_epochs=True,
                copies=batching.shuffle,  # rows picked in an order are copies, slices are not
            ),
            Order(batching.shuffle, samples=samples, batch_size=size),
        )
        data = weighted_by_class(data, batching.class_weight)
        # All on one device, so that one order can pick from all. Batches may go to another device.
        home = parts(data.x)[0].device
        self.data = moved(data, home)
        self._size = size
        self._device = None if batching.device == home else batching.device

    def walk(self, index: int, done: int) -> Iterator[Samples]:
        begin, samples = done * self._size, length(self.data)
        if not self._order.shuffles:
            yield from map(self._placed, _in_order(self.data, begin, self._size))
        elif begin < samples:
            order = sent(self._order.of(index, samples), parts(self.data.x)[0].device)
            yield from map(self._placed, _shuffled(self.data, order[begin:], self._size))

    def first(self) -> Samples:
        return self._placed(rows(self.data, slice(0, self._size)))

    def _placed(self, batch: Samples) -> Samples:
        return batch if self._device is None else moved(batch, self._device)

    @staticmethod
    def split(data: Samples, fraction: float) -> tuple[Samples, Samples]:
        return split(data, fraction)


# Batches are made in blocks of 1024. One call for a block takes less time than one for each batch,
# and less memory than one for all the data.
_BLOCK = 1024
_AT_ONCE = 256 << 10  # bytes picked at once: more would push what a step needs out of the caches
_LINE = 64  # bytes: the line of a cache, at which all memory that torch allocates begins


def _in_order(data: Samples, begin: int, size: int) -> Iterator[Samples]:
    """Slices of `size` samples, the first of them at `begin`."""
    if begin < length(data) <= size:
        yield rows(data, slice(None))  # one batch holds all the data: there is nothing to cut
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
    """The samples of a block, `size` at a time, of one part of the data.

    Args:
        data: inputs, targets or weights.
        block: indices of samples.
        size: how many of them are a batch.
        aligned: whether each batch must begin at a line of the cache, as it would in memory of its
            own. The last bit of a product may depend on that, and a resumed run cuts the data into
            other blocks.
    """
    if data is None:
        return repeat(None)
    if isinstance(data, Tensor):
        many = _batches_at_once(data[0].nbytes * size, aligned)
        # torch forbids some changes in place to the views that `split` gives. `unsafe_split` has no
        # such rule; it is unsafe only if the tensor that was split is used again, which it is not.
        return chain.from_iterable(
            torch.unsafe_split(data.index_select(0, which), size)
            for which in torch.split(block, size * many)
        )
    return (
        mapped(partial(torch.index_select, dim=0, index=which), Tensor, data)
        for which in torch.split(block, size)
    )


def _batches_at_once(nbytes: int, aligned: bool) -> int:
    """How many batches of `nbytes` bytes each are picked at once."""
    if aligned and nbytes % _LINE:
        return 1
    return max(1, _AT_ONCE // max(1, nbytes))
