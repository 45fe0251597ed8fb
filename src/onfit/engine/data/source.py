"""Batches, of whatever the user brings."""

import warnings
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Protocol

import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, IterableDataset, TensorDataset

from onfit.engine.data.array_source import ArrayBatches
from onfit.engine.data.arrays import Names, Samples, parts, samples_of, weighted_by_class
from onfit.engine.data.dataset_source import DatasetBatches
from onfit.engine.data.epoch import Epoch, require_same
from onfit.engine.data.loader_source import HOW_TO_WALK_AGAIN, LoaderBatches
from onfit.engine.data.reading import Reader
from onfit.engine.data.sequences import Sequence, SequenceBatches
from onfit.errors import ArgumentError, DataError, OnfitWarning

__all__ = [
    "ArrayBatches",
    "Batches",
    "LoaderBatches",
    "Steps",
    "batches_of",
    "is_loader",
    "opened",
    "refuse_beside_loader",
    "size_of",
    "takes_batch_size",
]

_ANY = Names()


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

    @property
    def in_memory(self) -> bool:
        """Whether nobody's code is run to get the data."""

    @property
    def knows_epochs(self) -> bool:
        """Whether what `epoch` gives depends on its index; else on what was walked before."""

    @property
    def copies(self) -> bool:
        """Whether a batch is in memory of its own, which nobody writes to afterwards."""


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
            epoch.begin_after(begin)
            self._source = iter(epoch)
        else:
            self._reach(index * self.steps + begin)
        for done in range(begin, self.steps):
            batch = next(self._source, None)
            if batch is None and not done:
                raise DataError(
                    f"the data ended before epoch {index} (counted from 0) of {self.steps} "
                    f"batches.{HOW_TO_WALK_AGAIN}"
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

    def _reach(self, position: int) -> None:
        """Go to where so many batches are behind, should a fit begin at a later epoch.

        Only where the order of the data depends on the epoch; a loader goes on as it is.
        """
        per_walk = self._batches.steps
        if per_walk is None or not self._batches.knows_epochs:
            return
        if self._walk * per_walk + self._in_walk != position:
            self._walk, self._in_walk = divmod(position, per_walk)
            self._source = self._passes()

    def first(self) -> Samples:
        return self._batches.first()

    @property
    def once(self) -> bool:
        """Whether the data end for good."""
        return self._batches.once

    @property
    def in_memory(self) -> bool:
        """Whether nobody's code is run to get the data."""
        return self._batches.in_memory

    @property
    def knows_epochs(self) -> bool:
        """Whether what `epoch` gives depends on its index; else on what was walked before."""
        return self._batches.knows_epochs

    @property
    def copies(self) -> bool:
        """Whether a batch is in memory of its own, which nobody writes to afterwards."""
        return self._batches.copies

    def _passes(self) -> Iterator[Samples]:
        while True:
            epoch = self._batches.epoch(self._walk)
            epoch.begin_after(self._in_walk)
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
    if steps is None or (steps == batches.steps and batches.knows_epochs):
        return batches  # a Sequence learns of the end of its epoch only when walked to the end
    return Steps(batches, steps, go_on=go_on)


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
    x, y, sample_weight = [*x.tensors, None, None][:3]
    return x, y, sample_weight


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
    # Not `len`, for which torch goes through Python.
    return (x if type(x) is Tensor else parts(x)[0]).size(0)


def _elsewhere(data: Samples, device: torch.device | None) -> torch.device | None:
    """`device`, if the data is not there already."""
    tensors = (*parts(data.x), *parts(data.y), *parts(data.weight))
    there = device is None or all(tensor.device == device for tensor in tensors)
    return None if there else device
