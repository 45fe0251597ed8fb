"""Classes and functions of the user's own that are found by their names, as in Keras."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, TypeVar

from onfit.errors import ArgumentTypeError

_Thing = TypeVar("_Thing")

_OBJECTS: dict[str, Any] = {}


def get_custom_objects() -> dict[str, Any]:
    """The objects that are found by name everywhere: in `compile(loss="mine")`,
    `Dense(activation="mine")`, `load_model` and the like. The dict may be changed.

    >>> get_custom_objects()["half"] = lambda x: x / 2
    >>> "half" in get_custom_objects()
    True
    >>> del get_custom_objects()["half"]
    """
    return _OBJECTS


@contextmanager
def custom_object_scope(*objects: Mapping[str, Any]) -> Iterator[None]:
    """A `with` block in which further objects are found by name.

    Args:
        *objects: dicts of classes, functions or objects by their names.

    Example:
        >>> with custom_object_scope({"half": lambda x: x / 2}):
        ...     "half" in get_custom_objects()
        True
        >>> "half" in get_custom_objects()
        False
    """
    before = dict(_OBJECTS)
    for each in objects:
        _OBJECTS.update(each)
    try:
        yield
    finally:
        _OBJECTS.clear()
        _OBJECTS.update(before)


# Keras' other name of it.
CustomObjectScope = custom_object_scope


def register_keras_serializable(
    package: str = "Custom", name: str | None = None
) -> Callable[[_Thing], _Thing]:
    """A decorator: the class or function is found by its name, also in files of Keras' making.

    Args:
        package: goes before the name in Keras' files: `"Custom>Mine"`.
        name: the name; the class's or function's own if None.

    Example:
        >>> @register_keras_serializable()
        ... def third(x):
        ...     return x / 3
        >>> get_custom_objects().pop("third") is get_custom_objects().pop("Custom>third")
        True
    """

    def register(thing: _Thing) -> _Thing:
        own = name or str(getattr(thing, "__name__", type(thing).__name__))
        _OBJECTS[own] = _OBJECTS[f"{package}>{own}"] = thing
        return thing

    return register


def named(identifier: Any) -> Any:
    """The user's object of that name, if there is one; else what was given."""
    if not isinstance(identifier, str) or identifier not in _OBJECTS:
        return identifier
    found = _OBJECTS[identifier]
    return found() if isinstance(found, type) else found


def with_registered(custom: Mapping[str, Any] | None) -> dict[str, Any]:
    """`custom_objects=` of a call, and behind them those that are found everywhere."""
    if custom is not None and not isinstance(custom, Mapping):
        raise ArgumentTypeError(
            f"custom_objects={custom!r}: a dict of your own classes and functions by the names "
            "that files have for them. Write {'MyLayer': MyLayer}."
        )
    return {**_OBJECTS, **(custom or {})}
