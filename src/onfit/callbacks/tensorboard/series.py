"""Several trainings with one TensorBoard callback: which of them go on in the same curves."""

import os
from typing import Any


class Series:
    """Trainings of which each begins at the epoch at which the one before it ended, or later.

    Their curves are one, in one folder, and their batches are counted through. A training that
    begins at an earlier epoch begins the next series, which has a folder of its own. Whether it
    does is known when its first epoch begins; so a loop need not say that a training begins.
    """

    def __init__(self) -> None:
        self.number = 1  # of this series, among those of the callback
        self.batches_before = 0  # that ended in the earlier trainings of this series
        self._epochs = self._batches = 0  # at which the last of its trainings ended
        self._settled = False  # whether the training that runs is known to be of this series

    def folder(self, log_dir: str) -> str:
        """The folder of this series: `log_dir`, for a later series one in it, such as `fit_2`."""
        return log_dir if self.number == 1 else os.path.join(log_dir, f"fit_{self.number}")

    def begin_training(self) -> None:
        """Another training begins."""
        self.batches_before = self._batches
        self._settled = False

    def begin_epoch(self, epoch: int, batches: int | None = None) -> bool:
        """An epoch begins, of so many batches if that is known. Returns whether it is the first of
        the next series.

        It may be the first of a training that belongs to the next series. The first training of
        all may go on where one of another process ended: it had as many batches in each epoch.
        """
        settled, self._settled = self._settled, True
        anew = epoch < self._epochs  # a loop by hand may not say that its training begins
        if anew:
            self.number += 1
            self.batches_before = self._batches = self._epochs = 0
        elif not settled and not self._epochs:
            self.batches_before = self._batches = max(self._batches, epoch * (batches or 0))
        return anew

    def end_epoch(self, epoch: int) -> None:
        """An epoch ended."""
        self._epochs = epoch + 1

    def end_training(self, batches: int) -> None:
        """The training ended, after so many batches of its own."""
        self._batches = self.batches_before + batches

    def state_dict(self) -> dict[str, Any]:
        """Where the series is."""
        return {
            "number": self.number,
            "batches": (self.batches_before, self._batches),
            "epochs": self._epochs,
            "settled": self._settled,
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from there."""
        self.number, self._epochs, self._settled = (
            state[name] for name in ("number", "epochs", "settled")
        )
        self.batches_before, self._batches = state["batches"]
