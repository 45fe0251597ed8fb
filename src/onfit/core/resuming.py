"""Walking through the same batches again, up to where a run was that goes on in another process.

What decides the order, and what is made of each sample, is drawn when a walk begins. So it is begun
with the random generators as they were then; batches already done are passed over; and the
generators are left as they were before.
"""

import math
from collections.abc import Iterable, Iterator
from itertools import chain, islice
from typing import Any, TypeVar

from onfit.core.console import say
from onfit.core.packages import loaded
from onfit.core.randomness import random_state, set_random_state

State = dict[str, Any]
_Batch = TypeVar("_Batch")


class Walk:
    """The walk through an epoch's batches, which another process can go on with in its middle."""

    def __init__(self) -> None:
        self._start: State | None = None  # the generators, when it began
        self._source: Any = None  # the batches that are being walked through
        self._position: Any = None  # when resuming, of a source that can tell
        self._random: State | None = None  # the generators to go on with, until it does

    @property
    def resuming(self) -> bool:
        """Whether it was set up by `resume`, and has not gone on yet."""
        return self._random is not None

    def resume(self, state: State, random: State) -> None:
        """Be where another process was.

        Args:
            state: what its `state` said.
            random: its random generators.
        """
        self._start, self._position = state["start"], state["position"]
        self._random = random

    def state(self) -> State:
        """How the walk began, and where it is, for `resume`."""
        return {"start": self._start, "position": position_in(self._source)}

    def begin(self, batches: Iterable[_Batch], done: int) -> Iterable[_Batch]:
        """The batches that are still to be done: all, unless another process did the first.

        Args:
            batches: those of the whole epoch.
            done: how many the other process did.
        """
        self._source = batches
        begin_after = getattr(batches, "begin_after", None)  # of those who keep their own state
        if not self.resuming:
            self._start = start_of(batches) if begin_after is None else None
            return batches
        if begin_after is not None:
            begin_after(done)
            rest: Iterable[_Batch] = iter(batches)
        else:
            rest = again(batches, self._start, self._position, done)
        # Only now: going through done batches may have drawn numbers.
        self.settle()
        return rest

    def end(self) -> None:
        """The batches are done, or broken off."""
        self._source = None

    def settle(self) -> None:
        """Give the generators of the other process back, if that is still to be done."""
        random, self._random = self._random, None
        if random is not None:
            set_random_state(random)


def start_of(source: Any) -> State:
    """The random generators as a walk through `source` finds them; its own too, if it has one."""
    return {"all": random_state(), "own": own_generator(source)}


def own_generator(source: Any) -> Any:
    """The state of the generator that `source` draws from; None if it has none of its own."""
    own: Any = getattr(source, "generator", None)
    return own.get_state() if hasattr(own, "get_state") else None


def set_own_generator(source: Any, state: Any) -> None:
    """Put that generator back, if there is one."""
    if state is not None:
        source.generator.set_state(state)


def position_in(source: Any) -> Any:
    """Where `source` is, if it can tell, as torchdata's StatefulDataLoader can; else None."""
    return source.state_dict() if _can_tell(source) else None


def again(
    source: Iterable[Any], start: State | None, position: Any, done: int, ahead: int = 0
) -> Iterator[Any]:
    """The batches of `source`, begun as `start` says, without the first `done`.

    Args:
        source: what was walked through.
        start: what `start_of` said when that walk began; None to begin as things are.
        position: what `position_in` said after `done` batches; None if it could not tell.
        done: how many batches are not wanted again.
        ahead: how many of the next ones had already been fetched.
    """
    if position is not None and _can_tell(source):
        source.load_state_dict(position)  # type: ignore[attr-defined]
        # From its end such a loader would begin anew.
        return iter(source) if done < _length(source) else iter(())
    before = random_state()
    if start is not None:
        set_random_state(start["all"])
        set_own_generator(source, start["own"])
    try:
        batches = iter(source)
        _pass_over(source, batches, done)
        return chain(list(islice(batches, ahead)), batches)
    finally:
        set_random_state(before)


def _can_tell(source: Any) -> bool:
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
