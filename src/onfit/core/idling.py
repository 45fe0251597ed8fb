"""Doing nothing until it is time: at which batch that will be."""

from collections.abc import Callable
from time import perf_counter


class Idling:
    """Foretells, from the pace of the batches, at which one a time will come.

    Args:
        done: how many batches are done now.
        clock: returns seconds; only differences matter.

    Example:
        >>> ticks = iter([0.0, 1.0])
        >>> Idling(done=0, clock=lambda: next(ticks)).until(9.0, done=2)
        10.0
    """

    def __init__(self, done: int, clock: Callable[[], float] = perf_counter) -> None:
        self._clock = clock
        self._asked = (clock(), done)

    def until(self, due: float, done: int) -> float:
        """How many batches will be done when half of the time until `due` is over: half of it,
        since batches may become slower.

        Args:
            due: seconds, on the clock; `math.inf` for never.
            done: how many batches are done now.
        """
        now = self._clock()
        (since, before), self._asked = self._asked, (now, done)
        seconds_each = (now - since) / max(done - before, 1)
        return done + max(due - now, 0.0) / 2 / seconds_each if seconds_each else done
