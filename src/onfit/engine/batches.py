"""Batches: of arrays, without a DataLoader, or of whatever loader the user brings."""

import warnings
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Protocol

import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, IterableDataset, TensorDataset

from onfit.core.randomness import random_state, set_random_state
from onfit.engine.arrays import (
    Names,
    Samples,
    each,
    length,
    parts,
    rows,
    samples_of,
    weighted_by_class,
)
from onfit.engine.order import Order
from onfit.engine.reading import Reader, moved
from onfit.engine.sequences import Sequence, SequenceBatches
from onfit.engine.torch_datasets import DatasetBatches
from onfit.engine.walking import Epoch, require_same
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

    def epoch(self, index: int) -> Epoch:
        """The batches of epoch `index`; at least one."""

    def state_dict(self) -> dict[str, Any]:
        """What a resumed run needs to give the same batches, as plain data and arrays."""

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from there; a FileFormatError if these are other data."""

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
        self._order = Order(shuffle, samples=self.samples, batch_size=batch_size)
        self.state_dict = self._order.state_dict
        self.load_state_dict = self._order.load_state_dict

    def epoch(self, index: int) -> Epoch:
        """The batches of epoch `index`: slices in order, or rows of one permutation."""
        return Epoch(lambda done: self._from(index, done))

    def _from(self, index: int, done: int) -> Iterator[Samples]:
        begin = done * self.batch_size
        if not self._order.shuffles:
            for start in range(begin, self.samples, self.batch_size):
                yield self._placed(rows(self.data, slice(start, start + self.batch_size)))
        elif begin < self.samples:
            order = self._order.of(index, self.samples).to(parts(self.data.x)[0].device)
            for picked in torch.split(order[begin:], self.batch_size):
                yield self._placed(_picked(self.data, picked))

    def first(self) -> Samples:
        return self._placed(rows(self.data, slice(0, self.batch_size)))

    def _placed(self, batch: Samples) -> Samples:
        return batch if self._device is None else moved(batch, self._device)


class LoaderBatches:
    """Batches of a DataLoader, or of any iterable that can be walked again each epoch.

    Args:
        loader: yields `x`, `(x, y)` or `(x, y, sample_weight)`.
        read: makes samples of what it yields.
    """

    def __init__(self, loader: Iterable[Any], read: Reader = Reader()) -> None:  # noqa: B008 - frozen
        self._loader = loader
        self._read = read
        self.steps: int | None = _len(loader)
        self.batch_size: int | None = getattr(loader, "batch_size", None)
        self.samples: int | None = _len(getattr(loader, "dataset", None))
        if self.steps is not None and getattr(loader, "drop_last", False) and self.batch_size:
            self.samples = self.steps * self.batch_size
        self._peeked: Iterator[Samples] | None = None
        self._begun: dict[str, Any] | None = None
        self._restored: dict[str, Any] | None = None

    def epoch(self, index: int) -> Epoch:
        """The loader's batches; what was peeked at is the beginning of the first epoch."""
        return Epoch(self._from)

    def _from(self, done: int) -> Iterator[Samples]:
        if self._restored is not None and done:
            # As when the epoch began: what the loader draws decides order and augmentation.
            self._set_generators(self._restored)
        self._restored = None
        batches, self._peeked = self._peeked or self._walk(), None
        for _ in range(done):
            next(batches, None)
        return batches

    def state_dict(self) -> dict[str, Any]:
        """The random generators as they were when the loader was last begun to be walked."""
        return {"random": self._begun, **self._facts()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on in the same order; an epoch half-way is walked again up to there."""
        require_same("data", {name: state[name] for name in self._facts()}, self._facts())
        self._restored = self._begun = state["random"]
        self._peeked = None

    def _generators(self) -> dict[str, Any]:
        own = getattr(self._loader, "generator", None)
        return {"all": random_state(), "own": None if own is None else own.get_state()}

    def _set_generators(self, state: dict[str, Any]) -> None:
        set_random_state(state["all"])
        if state["own"] is not None:
            self._loader.generator.set_state(state["own"])  # type: ignore[attr-defined]

    def _facts(self) -> dict[str, Any]:
        return {"samples": self.samples, "steps": self.steps, "batch_size": self.batch_size}

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
        self._begun = self._generators()
        for batch in self._loader:
            empty = False
            yield self._read(batch)
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
        self._walk = self._in_walk = 0  # which pass through the data, and how far in it
        self._source = self._passes()
        self.steps: int = steps
        self.batch_size = batches.batch_size
        whole = batches.batch_size is not None and (
            batches.samples is None or steps * batches.batch_size <= batches.samples
        )
        self.samples = steps * (batches.batch_size or 0) if whole else None

    def epoch(self, index: int) -> Epoch:
        """The next `steps` batches, or the first ones."""
        return Epoch(lambda done: self._from(index, done))

    def _from(self, index: int, begin: int) -> Iterator[Samples]:
        if not self._go_on:
            epoch = self._batches.epoch(index)
            epoch.skip(begin)
            self._source = iter(epoch)
        for done in range(begin, self.steps):
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
        while True:
            epoch = self._batches.epoch(self._walk)
            epoch.skip(self._in_walk)
            for batch in epoch:
                self._in_walk += 1
                yield batch
            self._walk, self._in_walk = self._walk + 1, 0
            if self.once:
                return

    def state_dict(self) -> dict[str, Any]:
        """How far the data were walked, across epochs."""
        return {
            "steps": self.steps,
            "walk": self._walk,
            "in_walk": self._in_walk,
            "batches": self._batches.state_dict(),
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from there."""
        require_same("steps per epoch", state["steps"], self.steps)
        self._walk, self._in_walk = state["walk"], state["in_walk"]
        self._source = self._passes()
        self._batches.load_state_dict(state["batches"])


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
    """The batches of arrays, or of whatever yields or holds batches or samples.

    Raises:
        ArgumentError: for arguments that contradict the kind of data.
        DataError: for data that cannot be used.
    """
    batches: Batches
    x, y, sample_weight = opened(x, y, sample_weight)
    if isinstance(x, Samples) or not is_loader(x):
        data = x if isinstance(x, Samples) else samples_of(x, y, sample_weight, names)
        data = weighted_by_class(data, class_weight)
        size = checked_batch_size(batch_size)
        batches = ArrayBatches(data, size, shuffle, _elsewhere(data, device))
    else:
        refuse_beside_loader(x, y=y, sample_weight=sample_weight)
        batches = _loaded(x, batch_size, shuffle, Reader(names, class_weight, device))
    # A Sequence learns that its epoch is over; so one of all its batches is none of steps.
    whole = steps is None or steps == batches.steps
    return batches if whole else Steps(batches, steps, go_on=go_on)


def _loaded(x: Any, batch_size: int | None, shuffle: bool, read: Reader) -> Batches:
    """The batches of what is not an array."""
    if isinstance(x, IterableDataset):
        return LoaderBatches(
            DataLoader(x, checked_batch_size(batch_size), generator=torch.Generator()), read
        )
    if isinstance(x, Dataset):
        return DatasetBatches(x, checked_batch_size(batch_size), shuffle, read)
    refuse_beside_loader(x, batch_size=batch_size)
    return SequenceBatches(x, shuffle, read) if isinstance(x, Sequence) else LoaderBatches(x, read)


def opened(x: Any, y: Any, sample_weight: Any) -> tuple[Any, Any, Any]:
    """The arrays, and those in a TensorDataset: they are faster to cut than samples to collect."""
    if type(x) is not TensorDataset or len(x.tensors) > 3:
        return x, y, sample_weight
    refuse_beside_loader(x, y=y, sample_weight=sample_weight)
    return (*x.tensors, None, None)[:3]


def is_loader(x: Any) -> bool:
    """Whether `x` yields or holds batches or samples, rather than being an array."""
    if isinstance(x, (Dataset, Sequence)):
        return True
    array_like = hasattr(x, "shape") or hasattr(x, "to_numpy")
    return isinstance(x, Iterable) and not array_like and not isinstance(x, _ARRAYS)


_ARRAYS = (list, tuple, Mapping, str, bytes)  # what is iterable and yet no loader


def takes_batch_size(x: Any) -> bool:
    """Whether it is for onfit to say how many samples of `x` make a batch."""
    return not is_loader(x) or isinstance(x, Dataset)


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


def size_of(batch: Samples) -> int:
    """How many samples a batch has."""
    x = batch[0]
    return len(x if type(x) is Tensor else parts(x)[0])


def _picked(data: Samples, which: Tensor) -> Samples:
    return each(lambda tensor: tensor.index_select(0, which), data)


def _elsewhere(data: Samples, device: torch.device | None) -> torch.device | None:
    """`device`, if the data is not there already."""
    return None if device is None or parts(data.x)[0].device == device else device


def _chained(first: Samples, rest: Iterator[Samples]) -> Iterator[Samples]:
    yield first
    yield from rest


def _len(sized: Any) -> int | None:
    try:
        return len(sized)
    except TypeError:
        return None
