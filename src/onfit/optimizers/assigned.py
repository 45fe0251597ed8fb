"""Options of an optimizer that are set in mid-training."""

from typing import TYPE_CHECKING, Any

from onfit.assigning import nearest, refuse_no_method
from onfit.errors import ArgumentError

if TYPE_CHECKING:
    from onfit.optimizers.optimizer import Optimizer


def set_option(optimizer: "Optimizer", name: str, value: Any) -> None:
    """Set an option, which acts at the next step. State that it needs anew begins as that of a new
    optimizer.

    Raises:
        ArgumentError: for a value that the constructor would refuse, and for a torch optimizer.
    """
    kind = type(optimizer)
    if hasattr(optimizer, "torch_optimizers"):
        raise ArgumentError(
            f"optimizer.{name} = {value!r}: a torch optimizer keeps its options itself. Write "
            f"model.optimizer.optimizer.param_groups[0][{name!r}] = ..."
        )
    twin = kind.from_config({**optimizer.get_config(), name: value})
    steps = int(optimizer.iterations)
    vars(optimizer)[name] = getattr(twin, name)
    vars(optimizer).setdefault("_set_later", {})[name] = getattr(twin, name)
    optimizer.iterations = steps
    if twin._all_slots != tuple(optimizer.slots):
        vars(optimizer)["slot_names"] = twin.slot_names
        optimizer.slots = {
            slot: optimizer.slots.get(slot)
            or [optimizer._first(slot, param) for param in optimizer.params]
            for slot in optimizer._all_slots
        }
        optimizer._resting = []


def options_set_later(optimizer: "Optimizer") -> dict[str, Any]:
    """The options that were set after the optimizer was made, by name, with their values now."""
    return {name: getattr(optimizer, name) for name in vars(optimizer).get("_set_later", ())}


def refuse_wrong(optimizer: "Optimizer", name: str, value: Any) -> None:
    """Refuse a misspelling, a name that is no text, and what is no function in the place of one."""
    if name not in vars(optimizer) and not hasattr(type(optimizer), name):
        refuse_misspelling(optimizer, name)
    refuse_no_method(optimizer, name, value)
    if name == "name" and not isinstance(value, str):
        raise ArgumentError(f"{type(optimizer).__name__}.name = {value!r}: a name is a text.")


def refuse_misspelling(optimizer: "Optimizer", name: str) -> None:
    """Refuse a new attribute that is nearly the name of an option."""
    known = {*optimizer.get_config_names(), "learning_rate", "lr", "iterations"}
    near = None if name in known else nearest(name, known)
    if near is not None:
        raise ArgumentError(
            f"{type(optimizer).__name__}.{name} = ...: there is no {name}. Did you mean {near!r}?"
        )
