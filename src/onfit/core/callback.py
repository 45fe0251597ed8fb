"""The base class of all callbacks."""

import warnings
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Literal

from onfit.core.faces import Need
from onfit.core.hooks import ALL_NAMES, heard, join_names, silent
from onfit.core.plain import is_plain
from onfit.errors import OnfitWarning

if TYPE_CHECKING:
    from onfit.core.session import Session

Logs = dict[str, Any]

# What a session hands to a callback is not the callback's to restore; and hooks are what it does.
_NOT_STATE = {
    "model",
    "params",
    "run",
    "validation_data",
    "_warned_of_what_is_left_out",
    *ALL_NAMES,
}


class Callback:
    """An object whose methods are called at the events of a training, and that may act on it.

    Subclass it and write the hooks you care about; a hook you do not write costs nothing.
    Hooks receive their arguments by position. `logs` is a mutable dict: a number written
    into it is seen by the callbacks after this one, by the history and by the bar.

    A session sets these before `on_train_begin`, and a callback reads them:

    Attributes:
        model: what is being trained. May be replaced.
        params: dict with `epochs`, `steps` (batches per epoch or None), `samples` (or None),
            `batch_size` (or None), `verbose`, `do_validation` and `metrics` (the log names).
        run: the `onfit.Run`, or other session, that calls the hooks; `run.outcome` says in
            `on_train_end` how training ended. None outside of one.
        validation_data: list `[x, y]` or `[x, y, sample_weight]` of the arrays that `fit`
            validates on; None if there are none or they come from a loader.
        remembers: may be set by a subclass: the names of the attributes that `state_dict` keeps;
            None for all that are plain data, `()` for none.
        called_last: may be set by a subclass: True for a callback that saves the run, which is
            called when all others have done their part.
        stop_means: may be set by a subclass: what a stop by this callback says of the training.
            `"end"`: it is finished; `"pause"`: it is to go on in another process; `"failure"`: it
            went wrong.

    An author may also write `hears(hook)`, `needs()`, `state_dict()` and `load_state_dict(state)`,
    and call `request_stop(why)`.

    Example:
        >>> class LossHistory(Callback):
        ...     def on_train_begin(self, logs=None):
        ...         self.losses = []
        ...     def on_batch_end(self, batch, logs=None):
        ...         self.losses.append(logs["loss"])
    """

    # Class attributes, so that a subclass with its own __init__ need not call this one's.
    model: Any = None
    params: dict[str, Any] = {}
    run: "Session | None" = None
    validation_data: list[Any] | None = None
    remembers: tuple[str, ...] | None = None
    called_last = False
    stop_means: Literal["end", "pause", "failure"] = "end"
    _warned_of_what_is_left_out = False

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        join_names(cls)

    def hears(self, hook: str) -> bool:
        """Whether this callback is to be called for `hook`; asked once, when a run begins.

        By default it is called for every hook that it writes. A callback that needs a hook only
        with certain arguments says so here; a hook that it does not hear costs nothing.

        Args:
            hook: the name of a hook, in the newer spelling (`on_train_batch_end`).

        Example:
            >>> class Rare(Callback):
            ...     every_batch = False
            ...     def on_train_batch_end(self, batch, logs=None): ...
            ...     def hears(self, hook):
            ...         return hook != "on_train_batch_end" or self.every_batch
        """
        return heard(self, hook) is not None

    def set_model(self, model: Any) -> None:
        """Receive what is being trained, before `on_train_begin`."""
        self.model = model

    def set_params(self, params: dict[str, Any]) -> None:
        """Receive the facts of the run, before `on_train_begin`."""
        self.params = params

    def needs(self) -> Iterable[Need]:
        """What this callback asks of the model; checked once, before training."""
        return ()

    def state_dict(self) -> dict[str, Any]:
        """What this callback has to remember if the run is resumed after a crash.

        By default the plain data among its attributes: numbers, text, arrays, tensors, lists and
        dicts of them. What else it holds is named once, in a warning.
        """
        own = {name: value for name, value in vars(self).items() if name not in _NOT_STATE}
        if self.remembers is not None:
            return {name: own[name] for name in self.remembers}
        kept = {name: value for name, value in own.items() if is_plain(value)}
        left_out = [name for name in own if name not in kept]
        if left_out and not self._warned_of_what_is_left_out:
            self._warned_of_what_is_left_out = True
            warnings.warn(_left_out(type(self).__name__, left_out), OnfitWarning, stacklevel=2)
        return kept

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Remember what an earlier `state_dict` gave; called after `on_train_begin`."""
        vars(self).update(state)

    def request_stop(self, why: str) -> None:
        """Ask the training to end; `why` is said when it does."""
        if self.run is not None:
            self.run.stop(why, by=self)
        else:
            self.model.stop_training = True

    @silent
    def on_train_begin(self, logs: Logs | None = None) -> None:
        """Training starts. `logs` is empty."""

    @silent
    def on_train_end(self, logs: Logs | None = None) -> None:
        """Training is over, however it ended. `logs` are those of the last epoch."""

    @silent
    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        """Epoch `epoch`, counted from 0, starts. `logs` is empty."""

    @silent
    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """Epoch `epoch` is over. `logs` holds its means, and `val_` values if it had any."""

    @silent
    def on_train_batch_begin(self, batch: int, logs: Logs | None = None) -> None:
        """A training batch starts. `logs` holds `batch` and `size` (samples)."""
        if not _one_method(self, "on_train_batch_begin", "on_batch_begin"):
            self.on_batch_begin(batch, logs)

    @silent
    def on_train_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        """A training batch is over. `logs` holds `batch`, `size` and this batch's values."""
        if not _one_method(self, "on_train_batch_end", "on_batch_end"):
            self.on_batch_end(batch, logs)

    @silent
    def on_batch_begin(self, batch: int, logs: Logs | None = None) -> None:
        """The older name of `on_train_batch_begin`."""

    @silent
    def on_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        """The older name of `on_train_batch_end`."""

    @silent
    def on_test_begin(self, logs: Logs | None = None) -> None:
        """Evaluation or validation starts."""

    @silent
    def on_test_end(self, logs: Logs | None = None) -> None:
        """Evaluation or validation is over. `logs` holds its means, without `val_`."""

    @silent
    def on_test_batch_begin(self, batch: int, logs: Logs | None = None) -> None:
        """An evaluation batch starts. `logs` holds `batch` and `size`."""

    @silent
    def on_test_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        """An evaluation batch is over. `logs` holds `batch`, `size` and its values."""

    @silent
    def on_predict_begin(self, logs: Logs | None = None) -> None:
        """Prediction starts."""

    @silent
    def on_predict_end(self, logs: Logs | None = None) -> None:
        """Prediction is over."""

    @silent
    def on_predict_batch_begin(self, batch: int, logs: Logs | None = None) -> None:
        """A prediction batch starts. `logs` holds `batch` and `size`."""

    @silent
    def on_predict_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        """A prediction batch is over. `logs` adds `outputs`, the batch's predictions."""

    @silent
    def on_exception(self, exception: BaseException) -> None:
        """Training is about to end by `exception`; `on_train_end` follows."""


def _one_method(callback: Callback, newer: str, older: str) -> bool:
    """Whether both names of a hook lead to one method, which has called `super()`."""
    kind = type(callback)
    return getattr(kind, newer) is getattr(kind, older)


def _left_out(owner: str, names: list[str]) -> str:
    return (
        f"{owner} holds {', '.join(names)}, which is no plain data and is not kept for a run that "
        "is resumed. Write state_dict and load_state_dict to keep what matters of it."
    )
