"""The callbacks of one run, and the table of who listens to what."""

import warnings
from collections.abc import Iterable, Iterator
from functools import partial
from time import perf_counter
from typing import Any

from onfit._types import Hook
from onfit.core.callback import Callback
from onfit.core.faces import check_needs
from onfit.core.hooks import CLASSIC, HOOKS, heard, misspelt
from onfit.core.state import names_of
from onfit.errors import ArgumentTypeError, OnfitWarning


class CallbackList:
    """Tells each hook to the callbacks that hear it, in order, and to nobody else.

    Args:
        callbacks: a callback, an iterable of callbacks, or None.
        model: what they see as `self.model`.
        **params: what they see as `self.params`.

    Attributes:
        stopped_by: the first callback after whose turn `model.stop_training` was set; a stop
            recorded here stays, whoever clears the flag afterwards.

    Raises:
        ArgumentTypeError: for anything that is not a `Callback` instance.

    Example:
        >>> CallbackList([Callback()]).on_epoch_end(0, {"loss": 0.5})
    """

    def __init__(
        self,
        callbacks: Callback | Iterable[Callback] | None = None,
        model: Any = None,
        **params: Any,
    ) -> None:
        self.callbacks = sorted(_checked(callbacks), key=_told_last)
        _warn_of_misspelt_hooks(self.callbacks)
        self.stopped_by: Callback | None = None
        self.model = None
        self._table: dict[str, list[tuple[Callback, Hook, list[float]]]] = {}
        self._seconds: dict[int, list[float]] = {}  # of each callback, in a cell to add to
        if params:
            self.set_params(params)
        if model is not None:
            self.set_model(model)
        self.refresh()

    def __iter__(self) -> Iterator[Callback]:
        return iter(self.callbacks)

    def append(self, callback: Callback) -> None:
        """Add a callback at the end, but before those that are told last."""
        self.callbacks = sorted([*self.callbacks, *_checked(callback)], key=_told_last)
        self.refresh()

    def set_params(self, params: dict[str, Any]) -> None:
        """Hand the facts of the run to every callback."""
        for callback in self.callbacks:
            callback.set_params(params)

    def set_model(self, model: Any) -> None:
        """Hand the model to every callback, once it is sure that it can do what they need."""
        for callback in self.callbacks:
            check_needs(callback, model)
        self.model = model
        for callback in self.callbacks:
            callback.set_model(model)

    def refresh(self) -> None:
        """Ask every callback again which hooks it hears."""
        self._seconds = {id(callback): [0.0] for callback in self.callbacks} | self._seconds
        self._table = {
            hook: [
                (callback, method, self._seconds[id(callback)])
                for callback in self.callbacks
                if (method := heard(callback, hook)) is not None
            ]
            for hook in HOOKS
        }

    def teller(self, hook: str) -> Hook | None:
        """A function that tells `hook` to all who hear it now; None if nobody does, so that
        nobody pays for it. An exception gets a note with callback and hook.
        """
        hearers, flags = self._table[hook], _flags(self.model)

        def tell(*args: Any) -> None:
            stopping = flags["stop_training"]
            since = perf_counter()
            for callback, method, seconds in hearers:
                try:
                    method(*args)
                except BaseException as error:
                    error.add_note(f"raised by {type(callback).__name__}.{hook}")
                    raise
                now = perf_counter()
                seconds[0] += now - since
                since = now
                if not stopping and flags["stop_training"]:
                    stopping = True
                    self.stopped_by = self.stopped_by or callback

        return tell if hearers else None

    def tell(self, hook: str, *args: Any) -> None:
        """Tell `hook` to all who hear it now, as `teller` does."""
        tell = self.teller(hook)
        if tell is not None:
            tell(*args)

    def idlers(self, hook: str) -> list[Callback]:
        """Those who hear `hook`, if none of them has to hear it every time."""
        hearers = [callback for callback, *_ in self._table[hook]]
        return hearers if all(each.idle_until is not None for each in hearers) else []

    def tell_all(self, hook: str, *args: Any) -> BaseException | None:
        """Tell `hook` to all, even when one of them raises; return the first exception."""
        first: BaseException | None = None
        for callback, method, seconds in self._table[hook]:
            since = perf_counter()
            try:
                method(*args)
            except BaseException as error:
                error.add_note(f"raised by {type(callback).__name__}.{hook}")
                if first is None:
                    first = error
                else:
                    first.add_note(f"also, {type(callback).__name__}.{hook} raised {error!r}")
            seconds[0] += perf_counter() - since
        return first

    def seconds(self) -> dict[str, float]:
        """How long each callback has taken so far, by the name of its class (numbered from the
        second of a class on).
        """
        named = names_of(self.callbacks).items()
        return {name.removesuffix("/0"): self._seconds[id(each)][0] for name, each in named}

    def all_seconds(self) -> float:
        """How long all of them have taken together."""
        return sum(seconds[0] for seconds in self._seconds.values())

    def restart_seconds(self) -> None:
        """Begin to count them anew."""
        for seconds in self._seconds.values():
            seconds[0] = 0.0

    def __getattr__(self, name: str) -> Hook:
        if name in HOOKS:
            return partial(self.tell, name)
        for newer, older in CLASSIC.items():
            if name == older:
                return partial(self.tell, newer)
        raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")


class _Attributes:
    """Attributes of an object by `[]`; False for those that it lacks."""

    def __init__(self, owner: Any) -> None:
        self._owner = owner

    def __getitem__(self, name: str) -> Any:
        return getattr(self._owner, name, False)


def _flags(model: Any) -> dict[str, Any] | _Attributes:
    """What `stop_training` is read from, which is done after each callback's turn.

    The model's own dict where it lies there and nothing else answers to the name: an attribute of a
    torch module takes three times as long.
    """
    own: dict[str, Any] = getattr(model, "__dict__", {})
    if "stop_training" in own and not hasattr(type(model), "stop_training"):
        return own
    return _Attributes(model)


def _warn_of_misspelt_hooks(callbacks: Iterable[Callback]) -> None:
    for kind in dict.fromkeys(map(type, callbacks)):
        for name, hook in misspelt(kind).items():
            warnings.warn(
                f"{kind.__name__}.{name} is no hook, and nobody calls it. Did you mean {hook}?",
                OnfitWarning,
                stacklevel=4,
            )


def _told_last(callback: Callback) -> bool:
    return callback.told_last


def _checked(callbacks: Any) -> Iterator[Callback]:
    if callbacks is None:
        return
    if isinstance(callbacks, (Callback, type)) or not isinstance(callbacks, Iterable):
        callbacks = [callbacks]
    for callback in callbacks:
        if isinstance(callback, CallbackList):
            yield from callback
        elif isinstance(callback, Callback):
            yield callback
        else:
            raise ArgumentTypeError(_not_a_callback(callback))


def _not_a_callback(found: Any) -> str:
    if isinstance(found, type) and issubclass(found, Callback):
        return (
            f"callbacks= takes instances, and {found.__name__} is a class. "
            f"Write {found.__name__}(...) with its arguments."
        )
    if type(found).__module__.partition(".")[0] in ("keras", "tf_keras", "tensorflow"):
        return (
            f"callbacks= takes onfit callbacks, and got {type(found).__module__}."
            f"{type(found).__name__}, which belongs to Keras. "
            "Import it from onfit.callbacks, or subclass onfit.callbacks.Callback."
        )
    return (
        f"callbacks= takes onfit.callbacks.Callback instances, and got {found!r} "
        f"of type {type(found).__name__}. Subclass Callback, or use LambdaCallback(...)."
    )
