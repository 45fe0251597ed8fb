"""The names of the hooks, and the one rule that finds a callback's method for a hook."""

import difflib
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
# class, the one with the newer name.
CLASSIC = {"on_train_batch_begin": "on_batch_begin", "on_train_batch_end": "on_batch_end"}

ALL_NAMES = HOOKS + tuple(CLASSIC.values())
_NEWER = {older: newer for newer, older in CLASSIC.items()}

_Method = TypeVar("_Method", bound=Callable[..., Any])


def silent(method: _Method) -> _Method:
    """Mark a hook of the base class as one that does nothing, so that no session calls it."""
    method.__onfit_silent__ = True  # type: ignore[attr-defined]
    return method


def heard(callback: object, hook: str) -> Hook | None:
    """The method of `callback` for `hook`, under either of its names; None if there is none."""
    newer = _NEWER.get(hook, hook)
    method: Hook | None = getattr(callback, _counting_name(callback, newer), None)
    if method is None or getattr(method, "__onfit_silent__", False):
        return None
    return method


def _counting_name(callback: object, newer: str) -> str:
    """The one of a hook's names under which the callback's most derived method is written."""
    older = CLASSIC.get(newer)
    if older is None:
        return newer
    names = (name for level in _levels(callback) for name in (newer, older) if name in level)
    return next(names, newer)


def _levels(callback: object) -> Iterator[Mapping[str, Any]]:
    """The dicts in which Python looks for an attribute: the object's, then those of its classes."""
    yield getattr(callback, "__dict__", {})
    yield from map(vars, type(callback).__mro__)


def join_names(kind: type) -> None:
    """Let both names of a hook lead to the same method, in a class that wrote it under one name.

    So `super()`, and a loop that calls hooks itself, reach the method under either name.
    """
    for newer, older in CLASSIC.items():
        own = next(vars(base) for base in kind.__mro__ if {newer, older} & vars(base).keys())
        if newer not in own:
            setattr(kind, newer, own[older])
        elif older not in own:
            setattr(kind, older, own[newer])


def overrides(callback: object, hook: str, kind: type) -> bool:
    """Whether `callback` has another method for `hook` than `kind`, a class it derives from.

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
