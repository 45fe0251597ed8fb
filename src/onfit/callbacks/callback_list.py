"""CallbackList: a session under Keras' names, for loops that call the hooks themselves."""

from collections.abc import Callable, Iterator
from functools import partial
from types import SimpleNamespace
from typing import Any

from onfit.callbacks.history import History
from onfit.callbacks.progbar import ProgbarLogger
from onfit.core.callback import Callback
from onfit.core.faces import as_trainable
from onfit.core.hooks import CLASSIC, HOOKS
from onfit.core.session import Session

_NEWER = {older: newer for newer, older in CLASSIC.items()}


class CallbackList(Session):
    """A list of callbacks with a method for each hook, which calls the callbacks in order.

    The methods have Keras' names; those of a training batch have their older names too. The
    callbacks receive the arguments unchanged.

    Args:
        callbacks: a callback, an iterable of callbacks, or None.
        add_history: whether to add a `History`, unless there is one.
        add_progbar: whether to add a `ProgbarLogger`, unless there is one.
        model: the model that the callbacks see as `self.model`.
        **params: the dict that the callbacks see as `self.params`.

    Raises:
        ArgumentTypeError: for anything that is not a `Callback` instance.
        CapabilityError: if `model` lacks what a callback needs.

    Example:
        >>> history = History()
        >>> callbacks = CallbackList([history], epochs=1)
        >>> callbacks.on_epoch_end(0, {"loss": 0.5})
        >>> history.history
        {'loss': [0.5]}
    """

    def __init__(
        self,
        callbacks: Any = None,
        add_history: bool = False,
        add_progbar: bool = False,
        model: Any = None,
        **params: Any,
    ) -> None:
        super().__init__(SimpleNamespace(stop_training=False), callbacks)
        self._add_missing(History, add_history)
        self._add_missing(ProgbarLogger, add_progbar)
        if params:
            self.set_params(params)
        if model is not None:
            self.set_model(model)
        self.refresh()

    def _add_missing(self, kind: type[Callback], wanted: bool) -> None:
        if wanted and not any(isinstance(each, kind) for each in self):
            self.callbacks.append(kind())

    def __iter__(self) -> Iterator[Callback]:
        return iter(self.callbacks)

    def append(self, callback: Callback) -> None:
        """Add a callback at the end, but before those that are called last."""
        self.callbacks.append(callback)
        self.refresh()

    def set_params(self, params: dict[str, Any]) -> None:
        """Hand the facts of the run to every callback."""
        self.params = params
        self.callbacks.set_params(params)

    def set_model(self, model: Any) -> None:
        """Check that the model can do what the callbacks need; then hand it to every callback."""
        self.model = as_trainable(model)
        self.callbacks.set_model(self.model)
        self.refresh()

    def refresh(self) -> None:
        """Ask every callback again which hooks it hears."""
        self.callbacks.set_run(self)
        self.callbacks.listen(self.model, self._attribute)

    def __getattr__(self, name: str) -> Callable[..., None]:
        hook = _NEWER.get(name, name)
        if hook not in HOOKS:
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
        return partial(self._event, hook)

    def _event(self, hook: str, *args: Any) -> None:
        """Note the position of the training, and call the hook."""
        note = _NOTES.get(hook)
        if note is not None:
            note(self, *args)
        self.callbacks.call(hook, *args)

    def _train_begins(self, *args: Any) -> None:
        self._stops.clear()
        self.outcome = None
        self.timing.begin()

    def _epoch_begins(self, epoch: int, *args: Any) -> None:
        self.progress.epoch, self.progress.batch = epoch, 0

    def _batch_ends(self, batch: int, *args: Any) -> None:
        self.progress.batch, self.progress.step = batch + 1, self.progress.step + 1

    def _epoch_ends(self, epoch: int, *args: Any) -> None:
        self.progress.epoch = epoch + 1

    def _train_ends(self, *args: Any) -> None:
        self.outcome = "stopped" if self.stopping else "completed"
        self.timing.end()


_NOTES: dict[str, Callable[..., None]] = {
    "on_train_begin": CallbackList._train_begins,
    "on_epoch_begin": CallbackList._epoch_begins,
    "on_train_batch_end": CallbackList._batch_ends,
    "on_epoch_end": CallbackList._epoch_ends,
    "on_train_end": CallbackList._train_ends,
}
