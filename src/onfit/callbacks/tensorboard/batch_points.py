"""The points of batch curves: noted at each batch, written many at a time."""

import math
import time
from typing import NamedTuple

from onfit.core.callback import Logs
from onfit.core.logs import Logs as LazyLogs
from onfit.core.meter import as_number

# Encoding a point and waking the thread that writes takes as long as a small step. So the points
# of one second are written together; a point after a longer pause is written at once.
_SECONDS = 1.0
_MOST = 512  # no more points are kept, since they hold memory


class Point(NamedTuple):
    """What one batch logged.

    Attributes:
        step: the batch's index in the whole run.
        wall_time: when it ended, in seconds since 1970.
        logs: a copy of its logs, not read yet, so that the training need not wait for the device.
    """

    step: int
    wall_time: float
    logs: Logs

    def values(self) -> Logs:
        """The logged values, without the batch's number and size."""
        return {name: self.logs[name] for name in self.logs if name not in ("batch", "size")}


class BatchPoints:
    """Keeps points until it is worth writing them."""

    def __init__(self) -> None:
        self._points: list[Point] = []
        self._taken_at = -math.inf

    def note(self, step: int, logs: Logs, **more: float) -> None:
        """Keep what a batch logged, and more values of it."""
        if isinstance(logs, LazyLogs):
            noted: Logs = logs.unread()
        else:  # a dict made by hand is read now: a tensor in it may hold a graph
            noted = {name: as_number(value) for name, value in logs.items()}
        dict.update(noted, more)
        self._points.append(Point(step, time.time(), noted))

    @property
    def due(self) -> bool:
        """Whether the points should be written now."""
        return time.monotonic() - self._taken_at >= _SECONDS or len(self._points) >= _MOST

    def take(self) -> list[Point]:
        """All points, the oldest first; they are removed here."""
        points, self._points = self._points, []
        self._taken_at = time.monotonic()
        return points
