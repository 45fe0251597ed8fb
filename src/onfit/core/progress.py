"""Where a run is."""

from dataclasses import dataclass


@dataclass
class Progress:
    """A run's position. Something is counted done before its end hook is told.

    Attributes:
        epoch: epochs done, counting those before `initial_epoch`; the index of the current
            epoch while it runs.
        batch: batches done in the current epoch.
        step: batches done in the whole run.
    """

    epoch: int = 0
    batch: int = 0
    step: int = 0
