"""The position of a run."""

from dataclasses import dataclass
from numbers import Integral
from typing import Any

from onfit.errors import ArgumentError


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


def require_epochs(epochs: Any, initial_epoch: Any) -> None:
    """Refuse what is no index of an epoch.

    Raises:
        ArgumentError: if one of them is no whole number from 0.
    """
    if not all(isinstance(n, Integral) and int(n) >= 0 for n in (epochs, initial_epoch)):
        raise ArgumentError(
            f"epochs and initial_epoch are whole numbers from 0; got epochs={epochs!r}, "
            f"initial_epoch={initial_epoch!r}."
        )
