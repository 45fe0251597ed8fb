"""A callback as text, and what of it a copy holds."""

import inspect
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import wraps
from reprlib import Repr
from types import FunctionType
from typing import TYPE_CHECKING, Any, ParamSpec

from onfit.errors import ArgumentTypeError, did_you_mean

if TYPE_CHECKING:
    from onfit.core.callback import Callback

_Given = ParamSpec("_Given")

# What a callback watches; it is shown even where it is the default.
_ALWAYS = ("monitor",)
# Values that may hold a secret.
_HIDDEN = ("headers",)
# What belongs to a run, and not to the callback.
_OF_A_RUN = ("model", "_session", "_validation")
# The user and the password of an address, which may stand in a longer text.
_USERINFO = re.compile(r"(?<=://)[^/?#\s'\"]*@|^[^/?#\s'\"]*:[^/?#\s'\"]*@")
_MANY = (list, tuple, dict, set)
_SHORT = Repr()
_SHORT.maxstring = _SHORT.maxother = 80


def shown(callback: "Callback") -> str:
    """The class of a callback, and those of its arguments that are not the defaults.

    >>> from onfit.callbacks import EarlyStopping
    >>> shown(EarlyStopping(patience=3))
    "EarlyStopping(monitor='val_loss', patience=3)"
    """
    given = ", ".join(f"{name}={text}" for name, text in _arguments(callback))
    return f"{type(callback).__name__}({given})"


def _arguments(callback: "Callback") -> Iterator[tuple[str, str]]:
    held = vars(callback)
    for name, parameter in parameters_of(type(callback)).items():
        if name not in held or name in _OF_A_RUN:
            continue
        if parameter.kind is parameter.VAR_KEYWORD and isinstance(held[name], dict):
            yield from ((str(more), _text(value)) for more, value in held[name].items())
        elif name in _ALWAYS or _differs(held[name], parameter.default):
            yield name, "..." if name in _HIDDEN else _text(held[name])


def parameters_of(kind: type) -> dict[str, inspect.Parameter]:
    """The arguments of a class. If it takes `**more`, also those of the classes above it."""
    found: dict[str, inspect.Parameter] = {}
    for level in kind.__mro__:
        if "__init__" not in vars(level) or level is object:
            continue
        own = list(inspect.signature(vars(level)["__init__"]).parameters.values())[1:]
        found |= {each.name: each for each in own if each.name not in found}
        if all(each.kind is not each.VAR_KEYWORD for each in own):
            break
    return found


def _differs(value: Any, default: Any) -> bool:
    if value is default or (default is None and isinstance(value, _MANY) and not value):
        return False
    try:
        return not bool(value == default)
    except Exception:  # an array, which compares item by item
        return True


def _text(value: Any) -> str:
    """A short text; of a function its name."""
    if isinstance(value, str):
        value = without_password(value)
    return value.__name__ if isinstance(value, FunctionType | type) else _SHORT.repr(value)


def without_password(text: str) -> str:
    """`text` without the user and the password of an address in it.

    >>> without_password("http://me:1234@localhost:9000/runs")
    'http://localhost:9000/runs'
    """
    return _USERINFO.sub("", text)


def portable(attributes: Mapping[str, Any]) -> dict[str, Any]:
    """The attributes of a callback that a copy holds, in this process or in another one: all but
    the model and the session, which belong to a run.
    """
    return {name: value for name, value in attributes.items() if name not in _OF_A_RUN}


def checked_arguments(init: Callable[_Given, None]) -> Callable[_Given, None]:
    """A constructor whose errors about its arguments' names and number are onfit's.

    Raises:
        ArgumentTypeError: when it is called, for an argument that does not exist, that is missing,
            that is given twice, or that has no place without its name.
    """

    @wraps(init)
    def checked(*args: _Given.args, **named: _Given.kwargs) -> None:
        try:
            init(*args, **named)
        except TypeError:
            wrong = _wrong_arguments(init, args, named)
            if not wrong:
                raise
            raise ArgumentTypeError(wrong) from None

    return checked


def _wrong_arguments(
    init: Callable[..., None], args: Sequence[Any], named: Mapping[str, Any]
) -> str:
    """What is wrong with the names or the number of arguments; empty if nothing is."""
    try:
        inspect.signature(init).bind(*args, **named)
        return ""
    except TypeError as error:
        found = str(error)
    kind: Any = type(args[0])
    inherited = inspect.unwrap(kind.__init__) is inspect.unwrap(init)  # the user names this class
    owner = kind.__name__ if inherited else init.__qualname__.partition(".")[0]
    known = list(inspect.signature(init).parameters.values())[1:]
    names = [each.name for each in known if each.kind is not each.VAR_KEYWORD]
    there = f"There are: {', '.join(names) or 'none'}."
    if len(names) == len(known):
        for name in named:
            if name not in names:
                hint = did_you_mean(name, names)
                return f"{owner}({name}=...): there is no such argument.{hint} {there}"
    # Python's own words: which argument is missing, given twice, or one too many.
    return f"{owner}(...): {found}. {there}"
