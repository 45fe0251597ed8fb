"""What initializers, regularizers and constraints have in common: small objects that are made by
their arguments, found by their names, and written down as a configuration.
"""

import inspect
from collections.abc import Callable, Mapping
from typing import Any, Generic, Self, TypeVar

from onfit._arguments import ChecksArguments
from onfit.errors import ArgumentError, ArgumentTypeError, did_you_mean
from onfit.registered import named


class Configured(ChecksArguments):
    """An object that is wholly described by the arguments of its constructor.

    A subclass whose attributes are not its arguments writes a `get_config` of its own.
    """

    def __init__(self) -> None:
        """Take no arguments."""

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments for an equal object."""
        return dict(vars(self))

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Self:
        """An object with the arguments that `get_config` returned."""
        return cls(**config)


Kind = TypeVar("Kind", bound=Configured)


class Catalog(Generic[Kind]):
    """The classes of one kind, by their names.

    Args:
        kind: what they are, for error texts: `"initializer"`.
        base: their base class.
        of: what a callable of this kind takes, for error texts: `"a shape"`.
        classes: the classes by their snake_case names; a class may have several.
        made: what a name alone makes, where that is not the class without arguments.
    """

    def __init__(
        self,
        kind: str,
        base: type[Kind],
        of: str,
        classes: Mapping[str, type[Kind]],
        made: Mapping[str, Callable[[], Kind]] | None = None,
    ) -> None:
        self._kind = kind
        self._base = base
        self._of = of
        self._short = classes
        self._classes = {**classes, **{cls.__name__: cls for cls in classes.values()}}
        self._made = made or {}

    def __iter__(self) -> Any:
        return iter(self._classes)

    def get(self, identifier: Any) -> Any:
        """The object for a name, a class, a configuration or a callable.

        Raises:
            ArgumentError: for an unknown name.
            ArgumentTypeError: for anything else.
        """
        identifier = named(identifier)
        if isinstance(identifier, str):
            return self._made.get(identifier, self._class_of(identifier))()
        if isinstance(identifier, Mapping) and "class_name" in identifier:
            cls = self._class_of(str(identifier["class_name"]))
            return cls.from_config(dict(identifier.get("config") or {}))
        if isinstance(identifier, type) and issubclass(identifier, self._base):
            return identifier()
        if callable(identifier):
            return identifier
        raise ArgumentTypeError(
            f"{_article(self._kind)} is a name or a callable of {self._of}; got {identifier!r}."
        )

    def _class_of(self, name: str) -> type[Kind]:
        if name not in self._classes:
            raise ArgumentError(
                f"{self._kind} {name!r} is not known. Known are "
                f"{', '.join(sorted(self._short))}.{did_you_mean(name, self._classes)}"
            )
        return self._classes[name]

    def from_config(self, class_name: str, config: dict[str, Any]) -> Kind:
        """The object that a saved model names.

        Raises:
            ArgumentError: for an unknown name.
        """
        if class_name not in self._classes:
            raise ArgumentError(
                f"a saved model names the {self._kind} {class_name!r}, unknown here."
            )
        return self._classes[class_name].from_config(config)


def remade(owner: Any, name: str, value: Any) -> Any:
    """A twin of an object, made by the constructor with another value of one argument.

    Args:
        owner: the object. If its class is a user's, the class of onfit that it is based on counts.
        name: the argument.
        value: its new value.

    Returns:
        The twin; None if the argument is in no configuration.

    Raises:
        ArgumentError: for a value that the constructor refuses.
    """
    home: Any = next(cls for cls in type(owner).__mro__ if cls.__module__.startswith("onfit."))
    known = inspect.signature(home).parameters
    must = [each for each, p in known.items() if p.default is p.empty and hasattr(owner, each)]
    config = {**{each: getattr(owner, each) for each in must}, **home.get_config(owner)}
    if name not in config and name not in known:
        return None
    return home.from_config({**config, name: value})


def serialized(thing: Any) -> dict[str, Any]:
    """The class of an object and its configuration, from which `get` makes an equal one.

    Raises:
        ArgumentTypeError: for an object without a configuration, such as a function.
    """
    if not callable(getattr(thing, "get_config", None)):
        raise ArgumentTypeError(
            f"serialize({thing!r}): only an object with a get_config can be written down. Write "
            "a class with __call__ and get_config instead of a function."
        )
    return {"class_name": type(thing).__name__, "config": thing.get_config()}


def _article(noun: str) -> str:
    return f"{'an' if noun[0] in 'aeiou' else 'a'} {noun}"
