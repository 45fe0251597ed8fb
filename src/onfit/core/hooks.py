"""The names of the hooks, and the one rule that finds a callback's method for a hook."""

import difflib
import inspect
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
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
    "on_validation_end",
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
NEWER = {older: newer for newer, older in CLASSIC.items()}

_Method = TypeVar("_Method", bound=Callable[..., Any])


def silent(method: _Method) -> _Method:
    """Mark a hook of the base class as one that does nothing, so that no session calls it."""
    method.__onfit_silent__ = True  # type: ignore[attr-defined]
    return method


def heard(callback: object, hook: str) -> Hook | None:
    """The method by which `callback` hears `hook`, under either name; None if it has none."""
    newer = NEWER.get(hook, hook)
    method: Hook | None = getattr(callback, _counting_name(callback, newer), None)
    if method is None or getattr(method, "__onfit_silent__", False):
        return None
    return method


def heard_beside_main(callback: object, hook: str) -> Hook | None:
    """What a callback that is called in the main process alone does in another one, which takes
    part in reading weights that lie in pieces; None if it does nothing there.
    """
    find = getattr(type(callback), "beside_main", None)
    return None if find is None else find(callback, hook)


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


# Other words for those in the names of hooks: those of other libraries, and near ones.
_WORDS = {
    "begin": ("begin", "begins", "begun", "began", "start", "starts", "started", "before"),
    "end": ("end", "ends", "ended", "finish", "finished", "stop", "done", "complete", "after"),
    "train": ("train", "training", "fit"),
    "epoch": ("epoch", "epochs"),
    "batch": ("batch", "batches", "step", "iteration", "iter"),
    "test": ("test", "testing", "validation", "validate", "val", "valid", "eval", "evaluate"),
    "predict": ("predict", "prediction", "predicting"),
    "exception": ("exception", "error"),
}
_MEANINGS = {other: word for word, others in _WORDS.items() for other in others}
# The same, without the words that hooks have in common, for names that stand for a hook.
_BY_WORDS = {frozenset(name.split("_")[1:]): name for name in ALL_NAMES}


def nearest(name: str) -> str | None:
    """The hook that `name` most likely means; None if it is like none.

    >>> nearest("on_epoch_finish"), nearest("onBatchEnded"), nearest("epoch_end")
    ('on_epoch_end', 'on_batch_end', 'on_epoch_end')
    >>> nearest("on_my_own_event")
    """
    words = _words_of(name)
    if words is not None:
        # Lightning has on_train_epoch_end and on_validation_epoch_end.
        for less in (set(), {"train"}, {"epoch"}):
            if words - less in _BY_WORDS:
                return _BY_WORDS[words - less]
    return _near(name, ALL_NAMES, 0.9) if _is_called_on(name) else None


def _words_of(name: str) -> frozenset[str] | None:
    """The words of a name, as hooks have them; None if it has a word that no hook has."""
    parts = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower().strip("_").split("_")
    called_on = _is_called_on(name)
    words = set()
    for part in parts[1:] if called_on else parts:
        word = part if part in _MEANINGS or not called_on else _near(part, _MEANINGS, 0.8)
        if word not in _MEANINGS:
            return None
        words.add(_MEANINGS[word])
    return frozenset(words)


def _is_called_on(name: str) -> bool:
    return re.match("[oO]n(_|[A-Z])", name) is not None


def _near(name: str, names: Iterable[str], likeness: float) -> str | None:
    near = difflib.get_close_matches(name, list(names), n=1, cutoff=likeness)
    return near[0] if near else None


def _called_by(kind: type) -> set[str]:
    """The names that a class' own methods use: one of them is called, whatever it is called."""
    codes = (
        getattr(each, "__code__", None) for base in kind.__mro__ for each in vars(base).values()
    )
    return {name for code in codes if code is not None for name in code.co_names}


def misspelt(kind: type) -> dict[str, str]:
    """The methods of a callback's class that look like a hook and are none, with the nearest hook.

    A method that the class calls itself is none. A name without `on`, such as `epoch_end`, counts
    only where the class does not write that hook: else it may be a part of the hook's work.

    >>> class Typo:
    ...     def on_epoch_begn(self, epoch, logs=None): ...
    ...     def on_my_own_event(self): ...
    >>> misspelt(Typo)
    {'on_epoch_begn': 'on_epoch_begin'}
    """
    found, called = {}, _called_by(kind)
    for name in dir(kind):
        several = re.search("[a-z]_?[A-Z]|_", name)
        if not several or name.startswith("_") or name in ALL_NAMES or name in called:
            continue
        hook = nearest(name) if callable(getattr(kind, name, None)) else None
        if hook is not None and (_is_called_on(name) or _is_silent(kind, hook)):
            found[name] = hook
    return found


def _is_silent(kind: type, hook: str) -> bool:
    method = getattr(kind, hook, None)
    return method is None or getattr(method, "__onfit_silent__", False)
