"""The clock that every contender tells the ends of its epochs to."""

from time import perf_counter


class Tape:
    """When each epoch ended, and with what loss.

    A contender calls `epoch` where its library calls back at an epoch's end, after validation
    and checkpoint. Nothing is told per batch: that would cost some libraries a part of their speed.
    """

    def __init__(self) -> None:
        self.losses: list[float] = []
        self._times = [perf_counter()]

    def epoch(self, loss: float) -> None:
        self._times.append(perf_counter())
        self.losses.append(float(loss))

    def seconds(self) -> list[float]:
        """The length of each epoch; the first one's includes all preparations."""
        return [after - before for before, after in zip(self._times, self._times[1:], strict=False)]
