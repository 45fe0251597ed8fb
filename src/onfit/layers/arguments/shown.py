"""The arguments of a layer that its `repr` shows."""

from typing import Any

from onfit.layers.arguments import parameters_of

# What options are that were given as None.
_OF_NONE = ("linear", repr("channels_last"))


def shown(layer: Any) -> str:
    """The arguments that are plain values and not the defaults, as text.

    >>> from onfit.layers import Dense
    >>> shown(Dense(3, activation="relu"))
    'units=3, activation=relu'
    """
    held = vars(layer)
    return ", ".join(
        f"{name}={_text(held[name])}"
        for name, default in _defaults(type(layer)).items()
        if name in held and _is_worth_a_look(held[name], default)
    )


def _defaults(kind: type) -> dict[str, Any]:
    """The arguments of a layer and their defaults; its own first, and without its name."""
    found: dict[str, Any] = {}
    for cls in kind.__mro__:
        found = {**found, **{k: v for k, v in parameters_of(cls).items() if k not in found}}
    return {name: default for name, default in found.items() if name != "name"}


def _text(value: Any) -> str:
    """A value as text; of a function its name."""
    return str(getattr(value, "__name__", None) or repr(value))


def _is_worth_a_look(value: Any, default: Any) -> bool:
    is_plain = isinstance(value, (bool, int, float, str, tuple)) or hasattr(value, "__name__")
    usual = {repr(default), str(default), *(_OF_NONE if default is None else ())}
    if isinstance(value, tuple) and value and {*map(repr, value)} <= usual:
        return False  # one number for every axis
    return is_plain and _text(value) not in usual
