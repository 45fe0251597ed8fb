"""Attributes of callbacks that a session sets: what stands there, and what a callback reads."""

from typing import TYPE_CHECKING, Any, overload

if TYPE_CHECKING:
    from onfit.core.callback import Callback
    from onfit.engine.model.model import Model


class Handed:
    """An attribute that a session hands to a callback, until the callback's class sets its own.

    Args:
        place: the attribute that the session sets; a function there makes the value when the
            callback first reads it.
    """

    def __init__(self, place: str) -> None:
        self._place = place

    def __get__(self, callback: "Callback | None", kind: type) -> Any:
        if callback is None:
            return None
        value = getattr(callback, self._place)
        return value() if callable(value) else value


class HeldModel:
    """The attribute `Callback.model`.

    Keras' trainer on jax holds the weights itself while it trains, and puts them into the model
    when a callback asks for the model. So each read of the attribute asks it to.

    Its type is that of `fit`, and of a run of a torch module. A callback for another model says so
    in its class: `model: MyModel`, or `model: Any`.
    """

    @overload
    def __get__(self, callback: None, kind: type) -> None: ...
    @overload
    def __get__(self, callback: object, kind: type) -> "Model": ...
    def __get__(self, callback: Any, kind: type) -> Any:
        if callback is None:
            return None
        model = callback.__dict__.get("model")
        synchronize = getattr(type(model), "jax_state_sync", None)
        if synchronize is not None:
            synchronize(model)
        return model

    def __set__(self, callback: Any, model: Any) -> None:
        callback.__dict__["model"] = model

    def __delete__(self, callback: Any) -> None:
        """Let go of the model; the attribute is None from then on."""
        callback.__dict__.pop("model", None)


def hold(callback: Any, model: Any) -> None:
    """Set `callback.model`. An assignment within the class would widen its type to `Any`."""
    callback.model = model
