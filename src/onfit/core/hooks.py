"""The names of the hooks, and the one rule that finds a callback's method for a hook."""

import difflib
import inspect
from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeVar

from onfit._types import Hook

HOOKS = (
    "on_train_begin",
    "on_train_end",
    "on_epoch_begin",
    "on_epoch_end",
    "on_train_batch_begin",
    "on_train_batch_end",
    "on_before_optimizer_step",
    "on_test_begin",
    "on_test_end",
    "on_test_batch_begin",
    "on_test_batch_end",
    "on_predict_begin",
    "on_predict_end",
    "on_predict_batch_begin",
    "on_predict_batch_end",
    "on_exception",
)

# The older names of the two hooks around a training batch. Both names are one hook. If a callback
# has methods under both, the method of the more derived class is called; of two methods in one
# class, the one with the newer name. A method of the newer name that calls the older one itself, as
# Keras' does, is called and leads to it.
CLASSIC = {"on_train_batch_begin": "on_batch_begin", "on_train_batch_end": "on_batch_end"}

ALL_NAMES = HOOKS + tuple(CLASSIC.values())
_NEWER = {older: newer for newer, older in CLASSIC.items()}

_Method = TypeVar("_Method", bound=Callable[..., Any])


def silent(method: _Method) -> _Method:
    """Mark a hook of the base class as one that does nothing, so that no session calls it."""
    method.__onfit_silent__ = True  # type: ignore[attr-defined]
    return method


def heard(callback: object, hook: str) -> Hook | None:
    """The method by which `callback` hears `hook`, under either name; None if it has none."""
    newer = _NEWER.get(hook, hook)
    method: Hook | None = getattr(callback, _counting_name(callback, newer), None)
    if method is None or getattr(method, "__onfit_silent__", False):
        return None
    return method


def _counting_name(callback: object, newer: str) -> str:
    """The name of a hook under which the method stands that counts."""
    older = CLASSIC.get(newer)
    if older is None or _passes_on(getattr(callback, newer, None), older):
        return newer
    return next(filter(None, (_written(level, newer, older) for level in _levels(callback))), newer)


def _levels(callback: object) -> Iterator[Mapping[str, Any]]:
    """Where Python looks for an attribute: in the object, then in its classes."""
    yield getattr(callback, "__dict__", {})
    yield from map(vars, type(callback).__mro__)


def _written(level: Mapping[str, Any], newer: str, older: str) -> str | None:
    """The name under which the author of a class wrote the hook there; None if under none."""
    made: Mapping[str, str] = level.get(_MADE, {})
    return next((name for name in (newer, older) if name in level and name not in made), None)


def _passes_on(method: Any, older: str) -> bool:
    """Whether the method of a callback's author itself calls the hook's older name, as the base
    class does.
    """
    code = getattr(inspect.unwrap(method), "__code__", None) if callable(method) else None
    silent = getattr(method, "__onfit_silent__", False)
    return code is not None and not silent and older in code.co_names


_MADE = "__onfit_made_names__"  # of a class: the names of hooks that `join_names` gave to it


def join_names(kind: type) -> None:
    """Let both names of a hook lead to the same method in a class that wrote one of them.

    So `super()` and a call by hand reach it under either name. A method that itself calls the other
    name keeps the two apart.
    """
    made = {}
    for newer, older in CLASSIC.items():
        own = next(vars(base) for base in kind.__mro__ if {newer, older} & vars(base).keys())
        if newer not in own and not _passes_on(getattr(kind, newer), older):
            made[newer] = own[older]
        elif older not in own and not _passes_on(own[newer], older):
            made[older] = own[newer]
    for name, method in made.items():
        setattr(kind, name, method)
    setattr(kind, _MADE, made)


def overrides(callback: object, hook: str, kind: type) -> bool:
    """Whether `callback` hears `hook` by another method than that of its class `kind`.

    >>> from onfit.callbacks import TimeLimit
    >>> class Mine(TimeLimit):
    ...     def on_batch_end(self, batch, logs=None): ...
    >>> overrides(Mine("1 hour"), "on_train_batch_end", TimeLimit)
    True
    """
    method = heard(callback, hook)
    return method is not None and getattr(method, "__func__", method) is not getattr(kind, hook)


def misspelt(kind: type) -> dict[str, str]:
    """The methods of a callback's class whose names are almost a hook's, with the hook's name.

    >>> class Typo:
    ...     def on_epoch_begn(self, epoch, logs=None): ...
    ...     def on_my_own_event(self): ...
    >>> misspelt(Typo)
    {'on_epoch_begn': 'on_epoch_begin'}
    """
    others = [name for name in dir(kind) if name.startswith("on_")]
    near = {
        name: difflib.get_close_matches(name, ALL_NAMES, n=1, cutoff=0.9)
        for name in others
        if name not in ALL_NAMES
    }
    return {name: found[0] for name, found in near.items() if found}
