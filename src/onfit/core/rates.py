"""The learning rate of a callback's model, whatever its optimizer calls it."""

from typing import TYPE_CHECKING, Any

from onfit.core.faces import model_of

if TYPE_CHECKING:
    from onfit.core.callback import Callback


def rate_of(callback: "Callback") -> float:
    """The learning rate of a callback's model."""
    optimizer = model_of(callback).optimizer
    return float(getattr(optimizer, _name(optimizer)))


def set_rate(callback: "Callback", rate: float) -> None:
    """Set the learning rate of a callback's model; a variable that holds it is written into."""
    optimizer = model_of(callback).optimizer
    held = getattr(optimizer, _name(optimizer))
    if callable(getattr(held, "assign", None)):
        held.assign(rate)
    else:
        setattr(optimizer, _name(optimizer), rate)


def _name(optimizer: Any) -> str:
    """`learning_rate`; or `lr`, the older name, if an optimizer of a user's own has only that."""
    return "learning_rate" if hasattr(optimizer, "learning_rate") else "lr"
