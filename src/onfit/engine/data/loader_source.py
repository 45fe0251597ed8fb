"""Batches of a DataLoader, a generator, or whatever else yields them."""

from collections.abc import Iterable, Iterator
from typing import Any

from onfit.core.resuming import (
    State,
    again,
    own_generator,
    position_in,
    set_own_generator,
    start_of,
)
from onfit.engine.data.arrays import Samples
from onfit.engine.data.epoch import Epoch, require_same
from onfit.engine.data.reading import Reader
from onfit.errors import DataError

HOW_TO_WALK_AGAIN = (
    " A generator ends for good: pass more of it, fewer steps or epochs, or a DataLoader or "
    "other object that can be walked through again."
)


class LoaderBatches:
    """Batches of a DataLoader, or of any iterable that can be walked again each epoch.

    Args:
        loader: yields `x`, `(x, y)` or `(x, y, sample_weight)`.
        read: makes samples of what it yields.
    """

    in_memory = False
    knows_epochs = False
    copies = False

    def __init__(self, loader: Iterable[Any], read: Reader = Reader()) -> None:  # noqa: B008 - frozen
        self._loader = loader
        self._read = read
        self.steps: int | None = _len(loader)
        self.batch_size: int | None = getattr(loader, "batch_size", None)
        self.samples: int | None = _len(getattr(loader, "dataset", None))
        if self.steps is not None and getattr(loader, "drop_last", False) and self.batch_size:
            self.samples = self.steps * self.batch_size
        self._peeked: Iterator[Samples] | None = None
        self._start: State | None = None  # how the walk began that is under way
        self._restored: dict[str, Any] | None = None

    def epoch(self, index: int) -> Epoch:
        """The loader's batches; what was peeked at is the beginning of the first epoch."""
        return Epoch(self._from)

    def _from(self, done: int) -> Iterator[Samples]:
        peeked, self._peeked = self._peeked, None
        restored, self._restored = self._restored, None
        if self.once or restored is None:
            # What ends for good cannot begin again as it was; it has begun in this process.
            batches = peeked or self._walk()
            return again(batches, None, None, done) if done else batches
        if not done and not restored["peeked"]:
            return self._walk()
        position = restored["position"]
        rest = again(self._loader, restored["start"], position, done, restored["peeked"])
        return map(self._read, rest)

    def state_dict(self) -> dict[str, Any]:
        """How the walk began that is under way, and where the loader is, if it can tell."""
        peeked = self._peeked is not None
        return {
            "start": self._start,
            "peeked": int(peeked),
            "position": None if peeked else position_in(self._loader),
            "own": own_generator(self._loader),
            **self._facts(),
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on in the same order; an epoch half-way is walked again up to there."""
        require_same("data", {name: state[name] for name in self._facts()}, self._facts())
        set_own_generator(self._loader, state["own"])
        self._restored, self._start = state, state["start"]

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
        self._start = start_of(self._loader)
        for batch in self._loader:
            empty = False
            yield self._read(batch)
        if empty:
            raise DataError(
                f"{type(self._loader).__name__} yields no batch; there is nothing to work on."
                + (HOW_TO_WALK_AGAIN if self.once else "")
            )


def _chained(first: Samples, rest: Iterator[Samples]) -> Iterator[Samples]:
    yield first
    yield from rest


def _len(sized: Any) -> int | None:
    try:
        return len(sized)
    except TypeError:
        return None
