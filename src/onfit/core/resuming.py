"""Walks through the same batches again, for a run that goes on in another process.

When a walk begins, it draws random numbers for the order of the samples, and for what is done to
each sample. So the walk of a resumed run begins with the random generators as they were then. It
passes over the batches that are done, and then puts the generators back.
"""

import math
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from itertools import chain, islice
from typing import Any, TypeVar

from onfit.core.console import say
from onfit.core.packages import loaded, walk_through
from onfit.core.packages.randomness import random_state, set_random_state

State = dict[str, Any]
_Batch = TypeVar("_Batch")


class Walk:
    """The walk through an epoch's batches. Another process can go on in the middle of it."""

    def __init__(self) -> None:
        self._start: State | None = None  # the generators when the walk began
        self._source: Any = None  # the batches of the walk
        self._position: Any = None  # when resuming: where the source was, if it keeps a position
        self._random: State | None = None  # when resuming: the generators to go on with
        self._left = False  # whether the loop left the batches by `break`

    @property
    def resuming(self) -> bool:
        """Whether `resume` has been called, and the walk has not gone on yet."""
        return self._random is not None

    def resume(self, state: State, random: State) -> None:
        """Take the position of a walk in another process.

        Args:
            state: what that walk's `state()` returned.
            random: the random generators of that process.
        """
        self._start, self._position = state["start"], state["position"]
        self._left = state.get("left", False)
        self._random = random

    def state(self) -> State:
        """How the walk began, and where it is, for `resume`."""
        position = position_in(self._source)
        return {"start": self._start, "position": position, "left": self._left}

    def leave(self) -> None:
        """The loop has left the batches by `break`. It does so in another process, too."""
        self._left = True

    def begin(self, batches: Iterable[_Batch], done: int) -> Iterable[_Batch]:
        """The batches that are still to be done: all, unless another process did the first ones.

        Args:
            batches: the batches of the whole epoch.
            done: how many of them the other process did.
        """
        left, self._left = self._left and self.resuming, False
        if left:
            self.settle()
            return ()
        self._source = batches
        begin_after = getattr(batches, "begin_after", None)  # a source with this keeps its state
        if not self.resuming:
            self._start = start_of(batches) if begin_after is None else None
            return walk_through(batches)
        if begin_after is not None:
            begin_after(done)
            rest: Iterable[_Batch] = iter(batches)
        else:
            rest = again(batches, self._start, self._position, done)
        # Not earlier: passing over the done batches may have drawn numbers.
        self.settle()
        return rest

    def end(self) -> None:
        """The batches are done, or the loop has left them."""
        self._source = None

    @contextmanager
    def meanwhile(self) -> Iterator[None]:
        """For what draws numbers before the walk goes on: with the generators of that process."""
        if self._random is None:
            yield
            return
        before = random_state()
        set_random_state(self._random)
        yield
        self._random = random_state()
        set_random_state(before)

    def settle(self) -> None:
        """Set the generators to those of the other process, if that is still to be done."""
        random, self._random = self._random, None
        if random is not None:
            set_random_state(random)


def start_of(source: Any) -> State:
    """The random generators before a walk through `source`, with its own one if there is one."""
    return {"all": random_state(), "own": own_generator(source)}


def own_generator(source: Any) -> Any:
    """The state of the generator that `source` draws from; None if it has none of its own."""
    own: Any = getattr(source, "generator", None)
    return own.get_state() if hasattr(own, "get_state") else None


def set_own_generator(source: Any, state: Any) -> None:
    """Set the generator that `source` draws from, unless `state` is None."""
    if state is not None:
        source.generator.set_state(state)


def set_epoch(source: Any, epoch: int) -> None:
    """Say to a loader which epoch begins, if it, or a sampler of it, has a method `set_epoch`: the
    order that torch's DistributedSampler draws depends on the epoch alone.
    """
    for method in _epoch_setters(source):
        method(epoch)


def takes_epochs(source: Any) -> bool:
    """Whether `set_epoch` says anything to `source`."""
    return bool(_epoch_setters(source))


def _epoch_setters(source: Any) -> list[Callable[[int], object]]:
    source = getattr(source, "iterable", source)  # a bar of tqdm around a loader
    samplers = [getattr(source, name, None) for name in ("sampler", "batch_sampler")]
    found = (source, *samplers, getattr(samplers[1], "sampler", None))
    each = {id(one): getattr(one, "set_epoch", None) for one in found}
    return [method for method in each.values() if callable(method)]


def position_in(source: Any) -> Any:
    """The position of `source` if it keeps one, as torchdata's StatefulDataLoader does; or None."""
    return source.state_dict() if _can_tell(source) else None


def again(
    source: Iterable[Any], start: State | None, position: Any, done: int, ahead: int = 0
) -> Iterator[Any]:
    """The batches of `source` without the first `done`, in the order of an earlier walk.

    Args:
        source: what the earlier walk went through.
        start: what `start_of` returned before that walk; None for the generators as they are.
        position: what `position_in` returned after `done` batches.
        done: how many batches to pass over.
        ahead: how many of the batches after them the earlier walk had already fetched.
    """
    if position is not None and _can_tell(source):
        source.load_state_dict(position)  # type: ignore[attr-defined]
        # Such a loader would begin anew if it were at its end.
        return walk_through(source) if done < _length(source) else iter(())
    before = random_state()
    if start is not None:
        set_random_state(start["all"])
        set_own_generator(source, start["own"])
    try:
        batches = walk_through(source)
        _pass_over(source, batches, done)
        return chain(list(islice(batches, ahead)), batches)
    finally:
        set_random_state(before)


def _can_tell(source: Any) -> bool:
    # The loaders of accelerate have both methods, and use those of the loader in them.
    source = getattr(source, "base_dataloader", source)
    return hasattr(source, "state_dict") and hasattr(source, "load_state_dict")


def _length(source: Any) -> float:
    try:
        return len(source)
    except TypeError:
        return math.inf


def _pass_over(source: Any, batches: Iterator[Any], done: int) -> None:
    if any(package.skip(source, batches, done) for package in loaded()) or not done:
        return
    say(
        f"Loading {done} batches of this epoch again, to go on after them"
        f"{_HINT if getattr(source, 'num_workers', 0) else ''}."
    )
    for _ in islice(batches, done):
        pass


_HINT = " (torchdata's StatefulDataLoader would go on at once)"
