"""Batches of a DataLoader, a generator, or whatever else yields them."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any

import torch
from torch.utils.data import DataLoader, IterableDataset

from onfit.core.packages import walk_through, warn_of_order
from onfit.core.packages.randomness import set_random_state
from onfit.core.resuming import (
    State,
    again,
    own_generator,
    position_in,
    set_epoch,
    set_own_generator,
    start_of,
    takes_epochs,
)
from onfit.engine.data.arrays import Samples
from onfit.engine.data.batching import Batching, warn_of_workers
from onfit.engine.data.epoch import require_same
from onfit.engine.data.shares import shares_already
from onfit.engine.data.source import HOW_TO_WALK_AGAIN, Facts, Source, refuse_beside
from onfit.errors import DataError

_DEFAULT = Batching()


class LoaderSource(Source):
    """Batches of a DataLoader, or of any iterable that can be walked again each epoch.

    Args:
        loader: yields `x`, `(x, y)` or `(x, y, sample_weight)`.
        batching: how the model wants them.
    """

    def __init__(self, loader: Iterable[Any], batching: Batching = _DEFAULT) -> None:
        refuse_beside(loader, batch_size=batching.batch_size)
        super().__init__(_facts_of(loader))
        self._loader = loader
        self._read = batching.reader
        self._peeked: Iterator[Samples] | None = None
        self._start: State | None = None  # how the walk began that is under way
        self._restored: dict[str, Any] | None = None
        self._told = False  # of an order that a resumed run does not keep
        if self.facts.once and batching.workers.wanted:
            warn_of_workers(
                f"workers={batching.workers.count}: a generator is read by the training itself, "
                "batch by batch"
            )

    def walk(self, index: int, done: int) -> Iterator[Samples]:
        """The loader's batches; the first epoch begins with what `first` has read."""
        peeked, self._peeked = self._peeked, None
        restored, self._restored = self._restored, None
        set_epoch(self._loader, index)
        if self.facts.once or restored is None:
            # What ends for good cannot begin again as it was; it has begun in this process.
            batches = peeked or self._whole()
            return again(batches, None, None, done) if done else batches
        if not done and not restored["peeked"]:
            return self._whole()
        position = restored["position"]
        rest = again(self._loader, restored["start"], position, done, restored["peeked"])
        return map(self._read, rest)

    def state_dict(self) -> dict[str, Any]:
        """How the walk began that is under way, and where the loader is, if it can tell."""
        if not self._told:
            self._told = True
            warn_of_order(self._loader)
        peeked = self._peeked is not None
        return {
            "start": self._start,
            "peeked": int(peeked),
            "position": None if peeked else position_in(self._loader),
            "own": own_generator(self._loader),
            **self._sizes(),
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on in the same order; the first batches of a half-done epoch are loaded again."""
        require_same("data", {name: state[name] for name in self._sizes()}, self._sizes())
        set_own_generator(self._loader, state["own"])
        self._restored, self._start = state, state["start"]

    def _sizes(self) -> dict[str, Any]:
        return {name: getattr(self.facts, name) for name in ("samples", "steps", "batch_size")}

    def first(self) -> Samples:
        start = start_of(self._loader)
        batches = self._whole()
        batch = next(batches)
        if takes_epochs(self._loader):
            # Its order depends on the epoch, which is not known yet: the first epoch loads anew.
            set_random_state(start["all"])
            set_own_generator(self._loader, start["own"])
        else:
            self._peeked = _chained(batch, batches)
        return batch

    def _whole(self) -> Iterator[Samples]:
        """One walk through the loader."""
        empty = True
        self._start = start_of(self._loader)
        for batch in walk_through(self._loader):
            empty = False
            yield self._read(batch)
        if empty:
            raise DataError(
                f"{type(self._loader).__name__} yields no batch; there is nothing to work on."
                + (HOW_TO_WALK_AGAIN if self.facts.once else "")
            )


class StreamSource(LoaderSource):
    """Batches of an IterableDataset, which a DataLoader collects.

    Args:
        dataset: yields samples.
        batching: how many of them make a batch, and how the model wants it.
    """

    def __init__(self, dataset: IterableDataset[Any], batching: Batching) -> None:
        # A generator of its own: a DataLoader draws from the global one even if nothing needs it.
        loader = DataLoader(dataset, batching.size, generator=torch.Generator())
        super().__init__(loader, replace(batching, batch_size=None))


def _facts_of(loader: Iterable[Any]) -> Facts:
    """The facts of what yields batches, as far as it says them."""
    steps, size = _len(loader), getattr(loader, "batch_size", None)
    samples = _len(getattr(loader, "dataset", None))
    if steps is not None and getattr(loader, "drop_last", False) and size:
        samples = steps * size
    counts = type(loader) is DataLoader and not isinstance(loader.dataset, IterableDataset)
    promised = steps is not None and not counts
    return Facts(
        samples,
        steps,
        size,
        once=isinstance(loader, Iterator),
        promised=promised,
        shared_out=shares_already(loader),
    )


def _chained(first: Samples, rest: Iterator[Samples]) -> Iterator[Samples]:
    yield first
    yield from rest


def _len(sized: Any) -> int | None:
    try:
        return len(sized)
    except TypeError:
        return None
