"""Where a callback that judges a quantity decides: at the end of epochs, or at validations."""

from typing import Any, TypeVar

from onfit.core.faces import is_divided
from onfit.core.processes import ALONE

_T = TypeVar("_T")

DECIDE_AT = ("epochs", "validations")


def decides(callback: Any, at: str) -> bool:
    """Whether a callback that judges a quantity does so at `"epochs"`, or at `"validations"`. A
    session says it in `params`; a loop that calls the hooks by hand says it by the hook it calls.
    """
    return bool(callback.params.get("decide_at", at) == at)


def of_main(callback: Any, value: _T) -> _T:
    """What the main process has decided or read, where the weights of a callback's model lie on
    several processes: all of them have to take part in a save, or none. Else `value`.

    What is read within an epoch is each process' own, and so is the time.
    """
    processes = getattr(callback._session, "processes", ALONE)
    return processes.shared(value) if processes.world > 1 and is_divided(callback.model) else value


def in_steps(callback: Any) -> bool:
    """Whether a callback is in a run of steps, which has no epochs."""
    return callback.params.get("epochs", 0) is None


def place(callback: Any, index: int) -> str:
    """What callbacks print of the epoch, or of the step, at which they decide."""
    at_epochs = turns(callback) == "epochs"
    return f"Epoch {index + 1:05d}" if at_epochs else f"Step {index}"


def turns(callback: Any) -> str:
    """What a callback's patience counts: `"epochs"` or `"validations"`."""
    return str(callback.params.get("decide_at", "epochs"))
