"""The names of the hooks, and the one rule that says by which method a callback hears one."""

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

# The older spelling of the two hooks around a training batch. Both spellings are one hook: the
# more derived one counts, and of two in one class the newer.
CLASSIC = {"on_train_batch_begin": "on_batch_begin", "on_train_batch_end": "on_batch_end"}

ALL_NAMES = HOOKS + tuple(CLASSIC.values())
_NEWER = {older: newer for newer, older in CLASSIC.items()}

_Method = TypeVar("_Method", bound=Callable[..., Any])


def silent(method: _Method) -> _Method:
    """Mark a hook of the base class as one that does nothing, so that no run calls it."""
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
    """The name of a hook under which the most derived method stands."""
    older = CLASSIC.get(newer)
    if older is None:
        return newer
    names = (name for level in _levels(callback) for name in (newer, older) if name in level)
    return next(names, newer)


def _levels(callback: object) -> Iterator[Mapping[str, Any]]:
    """Where Python looks for an attribute: in the object, then in its classes."""
    yield getattr(callback, "__dict__", {})
    yield from map(vars, type(callback).__mro__)


def join_names(kind: type) -> None:
    """Let both names of a hook lead to the same method in a class that wrote one of them.

    So `super()` and a call by hand reach it under either name.
    """
    for newer, older in CLASSIC.items():
        own = next(vars(base) for base in kind.__mro__ if {newer, older} & vars(base).keys())
        if newer not in own:
            setattr(kind, newer, own[older])
        elif older not in own:
            setattr(kind, older, own[newer])


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
    """Methods of a callback's class with almost the name of a hook, and the hook's name.

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
