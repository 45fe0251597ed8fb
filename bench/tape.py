"""The clock that every contender calls at the end of each epoch."""

from collections.abc import Iterator
from itertools import islice
from statistics import median
from time import perf_counter


class Tape:
    """How long each epoch took, and its loss.

    A contender calls `epoch` where its library calls back at an epoch's end, after validation
    and checkpoint. No contender calls it per batch: that would make some libraries slower.
    """

    def __init__(self) -> None:
        self.losses: list[float] = []
        self._seconds: list[float] = []
        self.begin()

    def begin(self) -> None:
        """The next epoch begins now."""
        self._began = perf_counter()

    def epoch(self, loss: float) -> None:
        """An epoch ends here, and the next one begins."""
        self._seconds.append(perf_counter() - self._began)
        self.losses.append(float(loss))
        self.begin()

    def seconds(self) -> list[float]:
        """The length of each epoch; the first epoch includes all preparations."""
        return list(self._seconds)

    def typical(self) -> float:
        """The length of the median epoch, without the first one."""
        return median(self._seconds[1:])


class Turns(Tape):
    """The tape of a contender that takes turns with another training in its process.

    If the machine is slow for a while, both are slow. A turn is several epochs long, so that it is
    not over before its data are in the caches again.

    Args:
        other: the other training; yields the loss of each epoch.
        epochs: how many epochs make a turn.

    Attributes:
        of_other: the other's own tape.
    """

    def __init__(self, other: Iterator[float], epochs: int) -> None:
        super().__init__()
        self._other = other
        self._epochs = epochs
        self.of_other = Tape()

    def epoch(self, loss: float) -> None:
        super().epoch(loss)
        if len(self.losses) % self._epochs == 0:
            self.of_other.begin()
            for of_other in islice(self._other, self._epochs):
                self.of_other.epoch(of_other)
            self.begin()
