"""The position of a run."""

from dataclasses import dataclass


@dataclass
class Progress:
    """The position of a run. A batch or epoch counts as done before its end hook is called.

    Attributes:
        epoch: epochs done, counting those before `initial_epoch`; the index of the current
            epoch while it runs.
        batch: batches done in the current epoch.
        step: batches done in the whole run.
    """

    epoch: int = 0
    batch: int = 0
    step: int = 0
