"""Batches: of arrays, without a DataLoader, or of whatever loader the user brings."""

import itertools
import warnings
from collections.abc import Iterable, Iterator
from typing import Any, Protocol

import torch
from torch import Tensor

from onfit.engine.arrays import (
    Names,
    Samples,
    converted,
    each,
    length,
    parts,
    rows,
    samples_of,
    weighted_by_class,
)
from onfit.errors import ArgumentError, DataError, OnfitWarning

_ANY = Names()

_HOW_TO_WALK_AGAIN = (
    " A generator ends for good: pass more of it, fewer steps or epochs, or a DataLoader or "
    "other object that can be walked through again."
)


class Batches(Protocol):
    """What `fit` walks through."""

    @property
    def samples(self) -> int | None:
        """How many samples an epoch has; None if nobody knows."""

    @property
    def steps(self) -> int | None:
        """How many batches an epoch has; None if nobody knows."""

    @property
    def batch_size(self) -> int | None:
        """How many samples a batch has; None if nobody knows."""

    def epoch(self, index: int) -> Iterator[Samples]:
        """The batches of epoch `index`; at least one."""

    def first(self) -> Samples:
        """A batch to learn shapes from; no epoch misses it."""

    @property
    def once(self) -> bool:
        """Whether only one epoch can be had of it."""


class ArrayBatches:
    """Batches of arrays in memory. The order of epoch e depends on the seed and e alone.

    Args:
        samples: the data.
        batch_size: samples in a batch; the last may be smaller.
        shuffle: whether each epoch has an order of its own.
        device: where batches go.
    """

    once = False

    def __init__(
        self,
        data: Samples,
        batch_size: int,
        shuffle: bool = False,
        device: torch.device | None = None,
    ) -> None:
        self.data = data
        self.batch_size: int = batch_size
        self.samples: int = length(data)
        self.steps: int = -(-self.samples // batch_size)
        self._device = device
        # One draw from the global generator: runs differ unless the user seeds it.
        self._seed = int(torch.randint(2**62, ())) if shuffle else None

    def epoch(self, index: int) -> Iterator[Samples]:
        """The batches of epoch `index`: slices in order, or rows of one permutation."""
        if self._seed is None:
            for start in range(0, self.samples, self.batch_size):
                yield self._placed(rows(self.data, slice(start, start + self.batch_size)))
            return
        for picked in torch.split(self._order(index), self.batch_size):
            yield self._placed(_picked(self.data, picked))

    def first(self) -> Samples:
        return self._placed(rows(self.data, slice(0, self.batch_size)))

    def _order(self, epoch: int) -> Tensor:
        # Spread by a large odd number, so that neighbouring seeds share no epochs' orders.
        seed = (self._seed or 0) + epoch * 0x9E3779B97F4A7C15
        generator = torch.Generator().manual_seed(seed % 2**63)
        order = torch.randperm(self.samples, generator=generator)
        return order.to(parts(self.data.x)[0].device)

    def _placed(self, batch: Samples) -> Samples:
        return batch if self._device is None else moved(batch, self._device)


class LoaderBatches:
    """Batches of a DataLoader, or of any iterable that can be walked again each epoch.

    Args:
        loader: yields `x`, `(x, y)` or `(x, y, sample_weight)`.
        class_weight: multiplies each sample's weight by that of its class.
        device: where batches go.
        names: what the model calls its inputs and outputs.
    """

    def __init__(
        self,
        loader: Iterable[Any],
        class_weight: dict[int, float] | None = None,
        device: torch.device | None = None,
        names: Names = _ANY,
    ) -> None:
        self._loader = loader
        self._names = names
        self._class_weight = class_weight
        self._device = device
        self.steps: int | None = _len(loader)
        self.batch_size: int | None = getattr(loader, "batch_size", None)
        self.samples: int | None = _len(getattr(loader, "dataset", None))
        if self.steps is not None and getattr(loader, "drop_last", False) and self.batch_size:
            self.samples = self.steps * self.batch_size
        self._peeked: Iterator[Samples] | None = None

    def epoch(self, index: int) -> Iterator[Samples]:
        """The loader's batches; what was peeked at is the beginning of the first epoch."""
        batches, self._peeked = self._peeked or self._walk(), None
        return batches

    def first(self) -> Samples:
        batches = self._walk()
        batch = next(batches)
        self._peeked = _chained(batch, batches)
        return batch

    @property
    def once(self) -> bool:
        """Whether it is a generator or the like, which ends for good."""
        return isinstance(self._loader, Iterator)

    def _walk(self) -> Iterator[Samples]:
        empty = True
        for batch in self._loader:
            empty = False
            samples = weighted_by_class(_unpacked(batch, self._names), self._class_weight)
            yield samples if self._device is None else moved(samples, self._device)
        if empty:
            raise DataError(
                f"{type(self._loader).__name__} yields no batch; there is nothing to work on."
                + (_HOW_TO_WALK_AGAIN if self.once else "")
            )


class Steps:
    """A fixed number of batches per epoch.

    Args:
        batches: where they come from.
        steps: batches per epoch.
        go_on: go on where the last epoch ended, and from the start again when all were seen;
            else each epoch has the first batches.
    """

    def __init__(self, batches: Batches, steps: int, *, go_on: bool = True) -> None:
        if steps < 1:
            raise ArgumentError(f"steps={steps!r}: the number of batches is at least 1.")
        self._batches = batches
        self._go_on = go_on
        self._source = self._passes()
        self.steps: int = steps
        self.batch_size = batches.batch_size
        whole = batches.batch_size is not None and (
            batches.samples is None or steps * batches.batch_size <= batches.samples
        )
        self.samples = steps * (batches.batch_size or 0) if whole else None

    def epoch(self, index: int) -> Iterator[Samples]:
        """The next `steps` batches, or the first ones."""
        if not self._go_on:
            self._source = self._batches.epoch(index)
        for done in range(self.steps):
            batch = next(self._source, None)
            if batch is None and not done:
                raise DataError(
                    f"the data ended before epoch {index} (counted from 0) of {self.steps} "
                    f"batches.{_HOW_TO_WALK_AGAIN}"
                )
            if batch is None:
                warnings.warn(
                    f"the data ended within an epoch of {self.steps} batches. Give more, or "
                    "ask for fewer steps.",
                    OnfitWarning,
                    stacklevel=2,
                )
                return
            yield batch

    def first(self) -> Samples:
        return self._batches.first()

    @property
    def once(self) -> bool:
        """Whether the data end for good."""
        return self._batches.once

    def _passes(self) -> Iterator[Samples]:
        for walk in itertools.count():
            yield from self._batches.epoch(walk)
            if self.once:
                return


def batches_of(
    x: Any,
    y: Any = None,
    sample_weight: Any = None,
    *,
    batch_size: int | None = None,
    shuffle: bool = False,
    class_weight: dict[int, float] | None = None,
    steps: int | None = None,
    go_on: bool = False,
    device: torch.device | None = None,
    names: Names = _ANY,
) -> Batches:
    """The batches of arrays or of a loader.

    Raises:
        ArgumentError: for arguments that contradict the kind of data.
        DataError: for data that cannot be used.
    """
    batches: Batches
    if isinstance(x, Samples) or not is_loader(x):
        data = x if isinstance(x, Samples) else samples_of(x, y, sample_weight, names)
        data = weighted_by_class(data, class_weight)
        size = checked_batch_size(batch_size)
        batches = ArrayBatches(data, size, shuffle, _elsewhere(data, device))
    else:
        refuse_beside_loader(x, y=y, sample_weight=sample_weight, batch_size=batch_size)
        batches = LoaderBatches(x, class_weight, device, names)
    return batches if steps is None else Steps(batches, steps, go_on=go_on)


def is_loader(x: Any) -> bool:
    """Whether `x` yields batches, rather than being an array."""
    array_like = hasattr(x, "shape") or hasattr(x, "to_numpy") or isinstance(x, (list, tuple, dict))
    return isinstance(x, Iterable) and not array_like


def refuse_beside_loader(loader: Any, **arguments: Any) -> None:
    """Refuse what a loader brings itself."""
    for name, value in arguments.items():
        if value is not None:
            raise ArgumentError(
                f"{name}= was given beside a {type(loader).__name__}, which brings its own. "
                f"Leave {name} out, or pass arrays."
            )


def checked_batch_size(batch_size: int | None) -> int:
    """`batch_size`, or Keras' 32."""
    if batch_size is None:
        return 32
    if int(batch_size) != batch_size or batch_size < 1:
        raise ArgumentError(f"batch_size={batch_size!r}: a whole number from 1 upwards.")
    return int(batch_size)


def moved(batch: Samples, device: torch.device) -> Samples:
    """The batch on `device`."""
    return each(lambda tensor: tensor.to(device, non_blocking=True), batch)


def size_of(batch: Samples) -> int:
    """How many samples a batch has."""
    x = batch[0]
    return len(x if type(x) is Tensor else parts(x)[0])


def _picked(data: Samples, which: Tensor) -> Samples:
    return each(lambda tensor: tensor.index_select(0, which), data)


def _elsewhere(data: Samples, device: torch.device | None) -> torch.device | None:
    """`device`, if the data is not there already."""
    return None if device is None or parts(data.x)[0].device == device else device


def _unpacked(batch: Any, names: Names) -> Samples:
    if not isinstance(batch, (tuple, list)):
        return converted(batch, None, None, names)
    if not 1 <= len(batch) <= 3:
        raise DataError(
            f"a loader yields x, (x, y) or (x, y, sample_weight); got {len(batch)} things."
        )
    x, y, weight = [*batch, None, None][:3]
    return converted(x, y, weight, names)


def _chained(first: Samples, rest: Iterator[Samples]) -> Iterator[Samples]:
    yield first
    yield from rest


def _len(sized: Any) -> int | None:
    try:
        return len(sized)
    except TypeError:
        return None
