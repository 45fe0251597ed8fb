"""The callbacks of one session: their order, which of them hears which hook, and the call."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from time import perf_counter
from typing import Any, NamedTuple

from onfit._arguments import check_attributes
from onfit._types import Callbacks, Hook
from onfit.core.callback import Callback
from onfit.core.faces import check_needs
from onfit.core.hooks import HOOKS, heard, heard_beside_main, misspelt
from onfit.core.packages import as_callback
from onfit.core.packages.by_hooks import by_hooks, has_hooks
from onfit.core.state import names_of
from onfit.core.stop import flags_of
from onfit.errors import ArgumentTypeError, warn


class Listener(NamedTuple):
    """A callback that hears a hook.

    Attributes:
        callback: the callback.
        method: its method for the hook.
        seconds: a list of one number, to which the time of the call is added.
    """

    callback: Callback
    method: Hook
    seconds: list[float]


class Left(NamedTuple):
    """A call of a hook that an exception ended.

    Attributes:
        hook: the hook.
        arguments: what it was called with.
        names: the callback that raised, and those that would have been called after it.
    """

    hook: str
    arguments: tuple[Any, ...]
    names: list[str]


class Listeners:
    """The callbacks of one session, in the order in which they are called.

    Args:
        callbacks: a callback, an iterable of callbacks (which may hold a `CallbackList`), or None.

    Attributes:
        called: the callback that is being called; None if none is.
        left: the last call that an exception ended; None if there was none.
        is_main: whether those with `main_process_only` are called in this process.

    Raises:
        ArgumentTypeError: for anything that is no callback, and has not the hooks of one.
    """

    called: Callback | None = None
    left: Left | None = None
    is_main = True

    def __init__(self, callbacks: Callbacks = None) -> None:
        self._callbacks = sorted(_checked(callbacks), key=_called_last)
        _look_at_names(self._callbacks)
        _warn_of_the_same_twice(self._callbacks)
        self._seconds: defaultdict[int, list[float]] = defaultdict(lambda: [0.0])
        # Nothing is heard before `listen`, when the callbacks know model and params.
        self._table: dict[str, list[Listener]] = {hook: [] for hook in HOOKS}
        self._flags = flags_of(None)
        self._flag_was_set: Callable[[Callback], None] = lambda callback: None

    def __iter__(self) -> Iterator[Callback]:
        return iter(self._callbacks)

    def __len__(self) -> int:
        return len(self._callbacks)

    def __getitem__(self, index: int) -> Callback:
        return self._callbacks[index]

    def append(self, callback: Callback) -> None:
        """Add a callback at the end, but before those that are called last. It hears nothing before
        the next `listen` or `refresh`.
        """
        self._callbacks = sorted([*self._callbacks, *_checked(callback)], key=_called_last)

    def refresh(self) -> None:
        """Ask every callback which hooks it hears."""
        self._table = {hook: list(self._asked(hook)) for hook in HOOKS}

    def _asked(self, hook: str) -> Iterator[Listener]:
        for callback in self._callbacks:
            called = self.is_main or not type(callback).main_process_only
            method = heard(callback, hook) if called else heard_beside_main(callback, hook)
            if method is not None and _hears(callback, hook):
                yield Listener(callback, method, self._seconds[id(callback)])

    # --- calling -----------------------------------------------------------------------------

    def listen(self, model: Any, flag_was_set: Callable[[Callback], None]) -> None:
        """Ask every callback which hooks it hears, and from now on look for a stop after each call.

        Args:
            model: the model whose `stop_training` is read.
            flag_was_set: called with the callback that set the flag.
        """
        self._flags, self._flag_was_set = flags_of(model), flag_was_set
        self.refresh()

    def hear(self, hook: str) -> bool:
        """Whether any callback hears `hook`."""
        return bool(self._table[hook])

    def of(self, hook: str) -> list[Listener]:
        """The callbacks that hear `hook`."""
        return self._table[hook]

    def heard_by_users(self, hook: str) -> bool:
        """Whether a method that is not onfit's own hears `hook`."""
        modules = (getattr(each.method, "__module__", None) or "" for each in self._table[hook])
        return any(not module.startswith("onfit.") for module in modules)

    def call(self, hook: str, *args: Any, first: Callable[[], object] | None = None) -> None:
        """Call the callbacks that hear `hook`, in order. An exception gets a note that names the
        callback and the hook. `first` is called before each of them.
        """
        listeners = self._table[hook]
        if not listeners:
            return
        flags = self._flags
        stopping = flags["stop_training"]
        since = perf_counter()
        for callback, method, seconds in listeners:
            self.called = callback
            if first is not None:
                first()
            try:
                method(*args)
            except BaseException as error:
                self.called = None
                self.left = Left(hook, args, self._names_from(callback, hook))
                error.add_note(f"raised by {type(callback).__name__}.{hook}")
                raise
            now = perf_counter()
            seconds[0] += now - since
            since = now
            if not stopping and flags["stop_training"]:
                stopping = True
                self._flag_was_set(callback)
        self.called = None

    def _names_from(self, callback: Callback, hook: str) -> list[str]:
        """The name of `callback`, and of those that hear `hook` after it."""
        heard = [each.callback for each in self._table[hook]]
        after = {id(one) for one in heard[heard.index(callback) :]}
        return [name for name, one in names_of(self._callbacks).items() if id(one) in after]

    def names_for_a_part(self) -> list[str]:
        """The names of those that hear of the end of an epoch which goes on elsewhere. What writes
        a file for each epoch (`whole_epochs = True`) writes it there, once the epoch is whole.
        """
        named = names_of(self._callbacks).items()
        return [name for name, one in named if not getattr(type(one), "whole_epochs", False)]

    def call_only(self, names: Iterable[str], hook: str, *args: Any) -> None:
        """Call those of the callbacks that have these names, and hear `hook`."""
        whole, named = self._table[hook], names_of(self._callbacks)
        wanted = {id(named[name]) for name in names if name in named}
        self._table[hook] = [each for each in whole if id(each.callback) in wanted]
        try:
            self.call(hook, *args)
        finally:
            self._table[hook] = whole

    def call_all(self, hook: str, *args: Any) -> BaseException | None:
        """Call all that hear `hook`, even when one of them raises; return the first exception."""
        first: BaseException | None = None
        for callback, method, seconds in self._table[hook]:
            since, self.called = perf_counter(), callback
            try:
                method(*args)
            except BaseException as error:
                error.add_note(f"raised by {type(callback).__name__}.{hook}")
                if first is None:
                    first = error
                else:
                    first.add_note(f"also, {type(callback).__name__}.{hook} raised {error!r}")
            seconds[0] += perf_counter() - since
        self.called = None
        return first

    # --- what every callback receives ------------------------------------------------------

    def set_params(self, params: dict[str, Any]) -> None:
        """Hand the facts of the run to every callback."""
        for callback in self._callbacks:
            callback.set_params(params)

    def set_model(self, model: Any) -> None:
        """Check that the model can do what the callbacks need; then hand it to every callback."""
        for callback in self._callbacks:
            check_needs(callback, model)
        for callback in self._callbacks:
            callback.set_model(model)

    def set_validation_data(self, arrays: Any) -> None:
        """Hand every callback the arrays to validate on, or a function that gives them."""
        for callback in self._callbacks:
            callback._validation = arrays

    def set_run(self, run: Any) -> None:
        """Hand the session to every callback."""
        for callback in self._callbacks:
            callback._session = run

    # --- the callbacks' time ---------------------------------------------------------------

    def seconds(self) -> dict[str, float]:
        """The seconds that each callback has taken so far, by the name of its class. From the
        second callback of a class on, the name has a number.
        """
        named = names_of(self._callbacks).items()
        return {name.removesuffix("/0"): self._seconds[id(each)][0] for name, each in named}

    def all_seconds(self) -> float:
        """The seconds that all callbacks have taken together."""
        return sum(seconds[0] for seconds in self._seconds.values())

    def restart_seconds(self) -> None:
        """Set the seconds of all callbacks to 0."""
        for seconds in self._seconds.values():
            seconds[0] = 0.0


def _look_at_names(callbacks: Iterable[Callback]) -> None:
    for callback in callbacks:
        check_attributes(callback)
    for kind in dict.fromkeys(map(type, callbacks)):
        for name, hook in misspelt(kind).items():
            warn(f"{kind.__name__}.{name} is no hook, so it is never called. Did you mean {hook}?")


def _warn_of_the_same_twice(callbacks: list[Callback]) -> None:
    seen: set[int] = set()
    for callback in callbacks:
        # What is no callback, such as torch's schedulers, is in a new one each time it is listed.
        mark = id(getattr(callback, "adapted", getattr(callback, "scheduler", callback)))
        if mark in seen:
            warn(
                f"callbacks= has the same {type(callback).__name__} twice, so each of its hooks "
                "is called twice. List it once."
            )
        seen.add(mark)


def _hears(callback: Callback, hook: str) -> bool:
    # Asked of the class: an attribute `hears` of the object may be the user's.
    return type(callback).hears(callback, hook)


def _called_last(callback: Callback) -> bool:
    return type(callback).called_last is True


def _checked(callbacks: Any) -> Iterator[Callback]:
    """Each callback, also those in a `CallbackList` that is in the list."""
    if callbacks is None:
        return
    if isinstance(callbacks, (Callback, type, str)) or not isinstance(callbacks, Iterable):
        callbacks = [callbacks]
    for callback in callbacks:
        if isinstance(callback, Callback):
            yield callback
        elif isinstance(getattr(callback, "callbacks", None), Listeners):
            yield from callback.callbacks
        elif (adapted := as_callback(callback)) is not None:  # a torch scheduler
            yield adapted
        elif has_hooks(callback):
            yield by_hooks(callback)
        else:
            raise ArgumentTypeError(_not_a_callback(callback))


def _not_a_callback(found: Any) -> str:
    if isinstance(found, type) and hasattr(found, "set_model"):
        return (
            f"callbacks= takes instances, and {found.__name__} is a class. "
            f"Write {found.__name__}(...) with its arguments."
        )
    return (
        f"callbacks= takes onfit.callbacks.Callback instances, and objects with set_model, "
        f"set_params and Keras' hooks; got {found!r} of type {type(found).__name__}. Subclass "
        "Callback, or use LambdaCallback(...)."
    )
