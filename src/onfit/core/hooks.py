"""The names a callback may listen to, and the one rule that says whether it does."""

import difflib
from collections.abc import Callable
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

# The older spelling of the two hooks around a training batch. A callback that has only
# this one is told by it; one that has both is told by the newer.
CLASSIC = {"on_train_batch_begin": "on_batch_begin", "on_train_batch_end": "on_batch_end"}

ALL_NAMES = HOOKS + tuple(CLASSIC.values())

_Method = TypeVar("_Method", bound=Callable[..., Any])


def silent(method: _Method) -> _Method:
    """Mark a hook of the base class as one that does nothing, so that nobody calls it."""
    method.__onfit_silent__ = True  # type: ignore[attr-defined]
    return method


def heard(callback: object, hook: str) -> Hook | None:
    """The method by which `callback` wants to be told of `hook`; None if it does not care."""
    method: Hook | None = getattr(callback, hook, None)
    if method is not None and not getattr(method, "__onfit_silent__", False):
        return method
    return heard(callback, CLASSIC[hook]) if hook in CLASSIC else None


def misspelt(kind: type) -> dict[str, str]:
    """Methods of a callback's class with almost the name of a hook, which nobody calls, and the
    hook's name.

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


def hears(callback: object, hook: str) -> bool:
    """Whether `callback` has anything to do at `hook`.

    >>> from onfit.callbacks import EarlyStopping
    >>> hears(EarlyStopping(), "on_epoch_end"), hears(EarlyStopping(), "on_train_batch_end")
    (True, False)
    """
    return heard(callback, hook) is not None
