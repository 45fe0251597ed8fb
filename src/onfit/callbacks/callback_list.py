"""CallbackList: a session under Keras' names, for loops that call the hooks themselves."""

from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from types import SimpleNamespace
from typing import Any

from onfit._types import Callbacks
from onfit.callbacks.history import History
from onfit.callbacks.progbar import ProgbarLogger
from onfit.core.callback import Callback
from onfit.core.faces import as_trainable, face_of
from onfit.core.hooks import HOOKS, NEWER
from onfit.core.processes import processes
from onfit.core.session import Session
from onfit.errors import ArgumentTypeError


class CallbackList(Session):
    """A list of callbacks with a method for each hook, which calls the callbacks in order.

    The methods have Keras' names; those of a training batch have their older names too. The
    callbacks receive the arguments unchanged. The loop has to call `on_before_optimizer_step`, too,
    if a callback is to hear it: the list does not know when the loop's optimizer steps.

    Args:
        callbacks: a callback, an iterable of callbacks, or None.
        add_history: whether to add a `History`, unless there is one.
        add_progbar: whether to add a `ProgbarLogger`, unless there is one.
        model: the model that the callbacks see as `self.model`.
        **params: the dict that the callbacks see as `self.params`.

    Raises:
        ArgumentTypeError: for anything that is no callback, and has not the hooks of one.
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
        callbacks: Callbacks = None,
        add_history: bool = False,
        add_progbar: bool = False,
        model: Any = None,
        **params: Any,
    ) -> None:
        for name, value in (("add_history", add_history), ("add_progbar", add_progbar)):
            if not isinstance(value, bool):
                raise ArgumentTypeError(
                    f"CallbackList({name}={value!r}): {name} is True or False. Pass a model by its "
                    "name: CallbackList(callbacks, model=model)."
                )
        super().__init__(SimpleNamespace(stop_training=False), callbacks)
        self._given_model: Any = self.model
        self._listening = False
        self._add_missing(History, add_history)
        self._add_missing(ProgbarLogger, add_progbar)
        if params:
            self.set_params(params)
        if model is not None:
            self.set_model(model)

    def _add_missing(self, kind: type[Callback], wanted: bool) -> None:
        if wanted and not any(isinstance(each, kind) for each in self):
            self.callbacks.append(kind())

    def __iter__(self) -> Iterator[Callback]:
        return iter(self.callbacks)

    def append(self, callback: Callback) -> None:
        """Add a callback at the end, but before those that are called last."""
        self.callbacks.append(callback)
        self._listening = False

    def set_params(self, params: dict[str, Any]) -> None:
        """Hand the facts of the run to every callback."""
        self.params = params
        self.callbacks.set_params(params)

    def set_model(self, model: Any) -> None:
        """Check that the model can do what the callbacks need; then hand it to every callback.

        They see a face of the model. A stop is also set on the model itself.
        """
        self._given_model, self.model = model, as_trainable(face_of(model))
        self.callbacks.set_model(self.model)
        self._set_flag(False)
        self._listening = False

    def refresh(self) -> None:
        """Ask every callback again which hooks it hears."""
        self.callbacks.set_run(self)
        self.callbacks.is_main = processes().is_main
        self.callbacks.listen(self.model, self._flag_was_set)
        self._listening = True

    def __getattr__(self, name: str) -> Callable[..., None]:
        hook = NEWER.get(name, name)
        if hook not in HOOKS:
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
        return partial(self._event, hook)

    def _event(self, hook: str, *args: Any, **named: Any) -> None:
        """Note the position of the training, and call the hook."""
        args = (*args, *(named.pop(name) for name in _ARGUMENTS if name in named))
        if named:
            raise ArgumentTypeError(f"{hook}({next(iter(named))}=...) is no argument of this hook.")
        if not self._listening:
            self.refresh()
        note = _NOTES.get(hook)
        if note is not None:
            note(self, *args)
        self.callbacks.call(hook, *args)
        if self._stops and self._given_model is not self.model:
            self._set_flag(True)
        if hook == "on_train_end":
            self._tell_keepers()

    def _tell_keepers(self) -> None:
        keepers, self.keepers = self.keepers, []
        for keeper in keepers:
            keeper.run_is_over(well=self.outcome != "failed")

    def _set_flag(self, value: bool) -> None:
        with suppress(AttributeError):  # a model that takes no attributes
            self._given_model.stop_training = value

    def _train_begins(self, *args: Any) -> None:
        self._stops.clear()
        self.model.stop_training = False
        self._set_flag(False)
        self.outcome = None
        self.timing.begin()

    def _epoch_begins(self, epoch: int, *args: Any) -> None:
        self.progress.epoch, self.progress.batch = epoch, 0

    def _batch_ends(self, batch: int, *args: Any) -> None:
        self.progress.batch, self.progress.step = batch + 1, self.progress.step + 1

    def _epoch_ends(self, epoch: int, *args: Any) -> None:
        self.progress.epoch = epoch + 1

    def _fails(self, *args: Any) -> None:
        self.outcome = "failed"

    def _train_ends(self, *args: Any) -> None:
        self.outcome = self.outcome or ("stopped" if self.stopping else "completed")
        self.timing.end()


_ARGUMENTS = ("epoch", "batch", "logs", "exception")  # of hooks, in their order
_NOTES: dict[str, Callable[..., None]] = {
    "on_train_begin": CallbackList._train_begins,
    "on_epoch_begin": CallbackList._epoch_begins,
    "on_train_batch_end": CallbackList._batch_ends,
    "on_epoch_end": CallbackList._epoch_ends,
    "on_exception": CallbackList._fails,
    "on_train_end": CallbackList._train_ends,
}
