"""Layers as plain data, and back."""

from collections.abc import Mapping
from importlib import import_module
from typing import Any

from onfit import activations
from onfit.errors import ArgumentError, ArgumentTypeError, did_you_mean
from onfit.layers.layer import Layer
from onfit.registered import get_custom_objects


def serialize(layer: Any) -> dict[str, Any]:
    """A layer as plain data: the name of its class, and its arguments.

    Args:
        layer: a layer.

    Example:
        >>> from onfit.layers import Dense
        >>> serialize(Dense(3))["config"]["units"]
        3
    """
    kind = type(layer).__name__
    ours = getattr(import_module("onfit.layers"), kind, None) is type(layer)
    return {
        "module": "keras.layers" if ours else None,
        "class_name": kind,
        "config": _plain(layer.get_config()),
        "registered_name": None if ours else kind,
    }


def deserialize(config: Any, custom_objects: Mapping[str, Any] | None = None) -> Any:
    """The layer that `serialize` described, with new weights.

    Args:
        config: what `serialize` gave; a layer is taken as it is.
        custom_objects: your own classes, by name.

    Raises:
        ArgumentTypeError: for what describes no layer.
        ArgumentError: for a class that is not known.

    Example:
        >>> from onfit.layers import Dense
        >>> deserialize(serialize(Dense(3))).units
        3
    """
    if isinstance(config, Layer):
        return config
    if not isinstance(config, Mapping) or "class_name" not in config:
        raise ArgumentTypeError(
            f"layers.deserialize({config!r}): a layer is described by what layers.serialize(layer) "
            "gives, with class_name and config."
        )
    return _class_named(config["class_name"], custom_objects).from_config(dict(config["config"]))


def get(identifier: Any) -> Any:
    """The layer of that description or class name; a layer as it is; None for None."""
    if isinstance(identifier, str):
        return _class_named(identifier, None)()
    return None if identifier is None else deserialize(identifier)


def _class_named(name: str, custom_objects: Mapping[str, Any] | None) -> Any:
    room = import_module("onfit.layers")
    known = {**{each: getattr(room, each) for each in room.__all__}, **get_custom_objects()}
    known |= custom_objects or {}
    if name not in known:
        raise ArgumentError(
            f"layers.deserialize: there is no layer {name!r}.{did_you_mean(name, known)} If it is "
            "yours, pass custom_objects={name: class}."
        )
    return known[name]


def _plain(value: Any) -> Any:
    """An argument as data: its name for a function, and its arguments for an object."""
    if isinstance(value, Mapping):
        return {key: _plain(each) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(each) for each in value]
    if hasattr(value, "get_config") and not isinstance(value, type):
        return {"class_name": type(value).__name__, "config": _plain(value.get_config())}
    return (activations.serialize(value) or value) if callable(value) else value
