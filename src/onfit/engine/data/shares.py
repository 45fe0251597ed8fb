"""The share of each batch that one of several processes trains on."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import torch

from onfit.core.packages.randomness import random_state, set_random_state
from onfit.core.processes import ALONE, Processes
from onfit.engine.data.arrays import Samples, rows
from onfit.engine.data.reading import moved
from onfit.engine.data.source import Facts, Source, size_of
from onfit.errors import DataError

_ENDED, _HAS_ONE = 1, 2  # what a process says of its next batch


class Part(Samples):
    """The samples of a batch that this process has; maybe none.

    Attributes:
        whole: how many samples all processes have of the batch.
        mine: how many of them this process has. If it has none, there may be a sample of another
            one in the part, so that a net can be called in all processes at once.
        weight: how many it has for each one that an even share would have.
    """

    whole = 0
    mine = 0
    weight = 1.0


def size_of_whole(batch: Samples) -> int:
    """How many samples a batch has in all processes together."""
    return batch.whole if isinstance(batch, Part) else size_of(batch)


def size_of_share(batch: Samples) -> int:
    """How many samples of a batch are for this process to count."""
    return batch.mine if isinstance(batch, Part) else size_of(batch)


def weight_of(batch: Samples) -> float:
    """What the mean over this process' share counts in the mean of the means of all processes."""
    return batch.weight if isinstance(batch, Part) else 1.0


def shares_already(loader: Any) -> bool:
    """Whether a loader gives each process batches of its own, as with a DistributedSampler."""
    batches = getattr(loader, "batch_sampler", None)
    samplers = (getattr(loader, "sampler", None), batches, getattr(batches, "sampler", None))
    return any(hasattr(sampler, "num_replicas") for sampler in samplers)


@dataclass(frozen=True)
class Share:
    """Which samples of a batch one of several processes has.

    Args:
        processes: that process and the others.
        never_empty: whether a process without a share gets a sample that it does not count.

    >>> Share(ALONE).of(10)
    slice(0, 10, None)
    """

    processes: Processes = ALONE
    never_empty: bool = False

    def of(self, count: int) -> slice:
        """Where this process' samples are among `count`. The first processes have one more if the
        samples cannot be divided evenly.
        """
        rank, world = self.processes.rank, self.processes.world
        each, more = divmod(count, world)
        begin = rank * each + min(rank, more)
        return slice(begin, begin + each + (rank < more))

    def cut(self, batch: Samples, device: torch.device | None) -> Part:
        """This process' samples of a batch, on its device."""
        whole = size_of(batch)
        which = self.of(whole)
        count = which.stop - which.start
        mine = rows(batch, which if count or not self.never_empty else slice(0, 1))
        part = Part(*(mine if device is None else moved(mine, device)))
        part.whole, part.mine = whole, count
        part.weight = count * self.processes.world / whole if whole else 1.0
        return part


class SharedSource(Source):
    """The batches of another Source, of which each process trains on its share. All walk through
    the same batches: a share needs no further rule for what is left over at the end.

    Args:
        source: the batches of all.
        share: which samples of each are this process'.
        device: where they go; None leaves them where they are.
    """

    def __init__(self, source: Source, share: Share, device: torch.device | None) -> None:
        super().__init__(source.facts)
        self._source, self._share, self._device = source, share, device
        self._whole, self._in_step = False, True

    @property
    def facts(self) -> Facts:
        return self._source.facts

    def walk(self, index: int, done: int) -> Iterator[Samples]:
        if not done and not self.facts.in_memory:
            # A loader draws its order from the generators, which must be the same in all.
            set_random_state(self._share.processes.shared(random_state()))
        walk = self._source.walk(index, done)
        ends_alike = self.facts.steps is not None and not self.facts.promised
        for batch in self._together(walk) if self._in_step and not ends_alike else walk:
            if self._whole:
                yield batch if self._device is None else moved(batch, self._device)
            else:
                yield self._share.cut(batch, self._device)

    def _together(self, walk: Iterator[Samples]) -> Iterator[Samples]:
        """Batches whose number is not sure: before each all processes see whether all have it.

        Raises:
            DataError: in all processes, if only some of them have.
        """
        while True:
            batch = next(walk, None)
            said = self._share.processes.bits_of_all(_ENDED if batch is None else _HAS_ONE)
            if said == _ENDED | _HAS_ONE:
                raise DataError(
                    f"the data ended in some of {self._share.processes.world} processes, and not "
                    "in all. fit divides what all of them have: pass the same data in all, or "
                    "steps_per_epoch."
                )
            if batch is None:
                return
            yield batch

    def leave_whole(self, *, in_step: bool) -> None:
        self._whole, self._in_step = True, in_step

    def leave_none_empty(self) -> None:
        self._share = replace(self._share, never_empty=True)

    def first(self) -> Samples:
        """A whole batch: shapes are learnt from it, and it is the same in all processes."""
        batch = self._source.first()
        return batch if self._device is None else moved(batch, self._device)

    def state_dict(self) -> dict[str, Any]:
        return self._source.state_dict()

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self._source.load_state_dict(state)
