"""Where a callback that judges a quantity decides: at the end of epochs, or at validations."""

from typing import Any

DECIDE_AT = ("epochs", "validations")


def decides(callback: Any, at: str) -> bool:
    """Whether a callback that judges a quantity does so at `"epochs"`, or at `"validations"`. A
    session says it in `params`; a loop that calls the hooks by hand says it by the hook it calls.
    """
    return bool(callback.params.get("decide_at", at) == at)


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
