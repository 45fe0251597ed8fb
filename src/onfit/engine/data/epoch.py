"""One epoch's walk through batches, which a resumed run can begin in the middle of."""

from collections.abc import Callable, Iterator
from typing import Any

from onfit.engine.data.arrays import Samples
from onfit.errors import FileFormatError

Walk = Callable[[int], Iterator[Samples]]


class Epoch:
    """The batches of one epoch, from the first or from a later one.

    Args:
        walk: gives the batches of the epoch without the first ones, of which it gets the number.
        in_memory: whether no code of the user's runs to get the batches.
    """

    def __init__(self, walk: Walk, in_memory: bool = False) -> None:
        self.in_memory = in_memory
        self._walk = walk
        self._done = 0

    def begin_after(self, done: int) -> None:
        """Begin after `done` batches, which an earlier process has done."""
        self._done = done

    def __iter__(self) -> Iterator[Samples]:
        return self._walk(self._done)


def require_same(what: str, saved: Any, mine: Any) -> None:
    """Check that a run goes on with the data that it began with.

    Raises:
        FileFormatError: with both sides.
    """
    if saved != mine:
        raise FileFormatError(
            f"this run cannot go on from the checkpoint, which has other {what}.\n"
            f"  the checkpoint has: {saved}\n"
            f"  this run has:       {mine}\n"
            "Pass the same data, or give this run another folder."
        )
