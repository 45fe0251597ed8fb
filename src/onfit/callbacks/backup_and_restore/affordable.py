"""How often a run can be saved, so that saving takes a small share of the time."""

import math
import time
from typing import Any, Protocol

# Saving takes at most this share of the time.
_SHARE = 0.01


class Writes(Protocol):
    """What writes checkpoints, perhaps while the training goes on."""

    @property
    def busy(self) -> bool:
        """Whether one is being written."""


class Affordable:
    """A cadence whose interval follows from the time for which a save stops the training.

    Attributes:
        saves: what writes the checkpoints: none is due while one is being written.
    """

    counts_batches = True
    saves: Writes | None = None

    def __getstate__(self) -> dict[str, Any]:
        """What a copy holds: all but what writes."""
        return {**vars(self), "saves": None}

    def __init__(self, mean_time_between_failures: float | None) -> None:
        self._mean_time = mean_time_between_failures
        self._interval = 0.0  # the first save comes at once, and its time is measured
        self.restart()

    def restart(self) -> None:
        """Begin the interval now."""
        self._since = time.monotonic()

    def saving_took(self, seconds: float) -> None:
        """Set the interval from the seconds that a save took."""
        self._interval = seconds / _SHARE
        if self._mean_time is not None:
            self._interval = max(self._interval, math.sqrt(2 * seconds * self._mean_time))
        self.restart()

    def due_after_batch(self, size: int | None, tokens: int | None = None) -> bool:
        """Whether the interval is over, and the last checkpoint written."""
        over = time.monotonic() - self._since >= self._interval
        return over and not (self.saves is not None and self.saves.busy)

    def due_after_epoch(self) -> bool:
        """The same."""
        return self.due_after_batch(0)
