"""Walks the signatures of Keras' classes: each argument is kept here too, or refused by its name.

A room's test (layers, optimizers, callbacks ...) lists the arguments with `arguments_of`, has a
value for each of them, and looks at the `verdict`:

    KEPT      the object shows the value, in its `get_config()` or as an attribute
    REFUSED   an OnfitError that names the argument
    otherwise a sentence that says what is wrong

Whether what was kept also acts is a question for the twins, which compute.
"""

import inspect
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import pytest

from onfit.errors import OnfitError

KEPT, REFUSED = "kept", "refused"


@dataclass(frozen=True)
class Argument:
    """One argument of something that both libraries have.

    Attributes:
        owner: the name of the class or function.
        name: the argument's name.
        theirs: Keras' class or function.
        ours: onfit's.
        required: whether Keras has no default for it.
    """

    owner: str
    name: str
    theirs: Any
    ours: Any
    required: bool

    def __str__(self) -> str:
        return f"{self.owner}({self.name})"


def arguments_of(theirs: Any, ours: Any, *, also: Iterable[str] = ()) -> list[Argument]:
    """Every argument of every public class that two modules both have.

    Args:
        theirs: a module of Keras, such as `keras.layers`.
        ours: the module of onfit by that name.
        also: further arguments, which Keras takes without writing them in a signature.
    """
    return [
        Argument(name, argument, kind, getattr(ours, name), required)
        for name, kind in classes_of(theirs).items()
        if inspect.isclass(getattr(ours, name, None))
        for argument, required in {**signature(kind), **dict.fromkeys(also, False)}.items()
    ]


def classes_of(module: Any) -> dict[str, type]:
    """The public classes of a module, each under its own name only."""
    found = {name: getattr(module, name) for name in dir(module) if name[0].isupper()}
    return {
        name: kind
        for name, kind in found.items()
        if inspect.isclass(kind) and kind.__name__ == name
    }


def lacking(theirs: Any, ours: Any) -> list[str]:
    """The public classes of Keras' module that onfit's module has not."""
    return [name for name in classes_of(theirs) if not inspect.isclass(getattr(ours, name, None))]


def signature(kind: Callable[..., Any]) -> dict[str, bool]:
    """The arguments of a class or function, and whether they must be given.

    Where `**kwargs` stands, the optional ones of the base class are arguments too. (What a base
    must be given, its subclass gives it.)
    """
    found: dict[str, bool] = {}
    constructors = [vars(each).get("__init__") for each in getattr(kind, "__mro__", ())]
    own, *bases = [each for each in constructors if inspect.isfunction(each)] or [kind]
    passes_on = _add_arguments(found, own)
    for made in bases:
        if passes_on:
            inherited: dict[str, bool] = {}
            passes_on = _add_arguments(inherited, made)
            found = {**{name: False for name, must in inherited.items() if not must}, **found}
    return found


def _add_arguments(found: dict[str, bool], made: Callable[..., Any]) -> bool:
    """Add the arguments of a function to `found`; whether it passes further ones on."""
    parameters = list(inspect.signature(made).parameters.values())
    for each in parameters:
        if each.name != "self" and each.kind not in (each.VAR_KEYWORD, each.VAR_POSITIONAL):
            found[each.name] = each.default is each.empty
    return any(each.kind is each.VAR_KEYWORD for each in parameters)


def verdict(
    argument: Argument,
    value: Any,
    required: Mapping[str, Any],
    seen: Callable[[Any], Any] | None = None,
) -> str:
    """What onfit makes of an argument: KEPT, REFUSED, or a sentence that says what is wrong.

    Args:
        argument: the argument.
        value: a value for it, other than its default.
        required: values for the arguments that must be given.
        seen: reads the value from the object that was made; by default `config_or_attribute`.
    """
    needed = {name: required[name] for name, must in signature(argument.ours).items() if must}
    try:
        made = argument.ours(**{**needed, argument.name: value})
    except OnfitError as error:
        if argument.name in str(error):
            return REFUSED
        return f"{argument}: refused without its name: {error}"
    except Exception as error:  # what no one wrote for the user to read
        return f"{argument}: raw {type(error).__name__}: {error}"
    kept = seen(made) if seen is not None else config_or_attribute(made, argument.name)
    if plain(kept) == plain(value) or _named_alike(kept, value) or _for_each_axis(kept, value):
        return KEPT
    return f"{argument}: {value!r} was given and {kept!r} is kept"


def assert_named(call: Callable[[], Any], *words: str) -> None:
    """Assert that a call is refused by an OnfitError that has these words."""
    with pytest.raises(OnfitError) as caught:
        call()
    text = str(caught.value)
    missing = [word for word in words if word not in text]
    assert not missing, f"{missing} are not in: {text}"


def config_or_attribute(made: Any, name: str) -> Any:
    """The value of an argument as the object shows it; None if it shows none."""
    config = made.get_config() if hasattr(made, "get_config") else {}
    return config[name] if name in config else getattr(made, name, None)


def plain(value: Any) -> Any:
    """A value as lists and names, so that equal objects compare as equal."""
    if hasattr(value, "get_config") and not isinstance(value, type):
        return [type(value).__name__, plain(value.get_config())]
    if isinstance(value, dict):
        return {key: plain(each) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(each) for each in value]
    if hasattr(value, "tolist"):
        return value.tolist()
    return getattr(value, "__name__", value)


def _named_alike(kept: Any, value: Any) -> bool:
    """Whether a name was given and an object of that name is kept."""
    if not isinstance(value, str):
        return False
    name = getattr(kept, "__name__", type(kept).__name__)
    return value.replace("_", "").lower() == name.replace("_", "").lower()


def _for_each_axis(kept: Any, value: Any) -> bool:
    """Whether one number was given and a tuple of it is kept, one for each axis."""
    return isinstance(kept, tuple) and isinstance(value, int) and {*kept} == {value}
