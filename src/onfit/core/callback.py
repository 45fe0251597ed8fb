"""The base class of all callbacks."""

import warnings
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Literal

from onfit.core.faces import Need
from onfit.core.hooks import ALL_NAMES, silent
from onfit.core.plain import is_plain
from onfit.errors import OnfitWarning

if TYPE_CHECKING:
    from onfit.core.run import Run

Logs = dict[str, Any]

# What others hand to a callback is theirs to restore; and hooks are what it does.
_NOT_STATE = {
    "model",
    "params",
    "run",
    "validation_data",
    "idle_until",
    "_told_what_is_left_out",
    *ALL_NAMES,
}


class Callback:
    """Something that is told what a training run does, and may act on it.

    Subclass it and write the hooks you care about; a hook you do not write costs nothing.
    Hooks receive their arguments by position. `logs` is a mutable dict: a number written
    into it is seen by the callbacks after this one, by the history and by the bar.

    Attributes:
        model: what is being trained. Set before `on_train_begin`; may be replaced.
        params: dict with `epochs`, `steps` (batches per epoch or None), `samples` (or None),
            `batch_size` (or None), `verbose`, `do_validation` and `metrics` (the log names).
        run: the `onfit.Run` that tells the hooks; `run.outcome` says in `on_train_end` how
            training ended. None outside of one.
        idle_until: how many batches of the epoch will be done when it next has to be told that one
            is; None, as it is by default, to be told of all. Those before may be passed over,
            which makes them cost nothing, unless another callback wants to hear them.
        validation_data: list `[x, y]` or `[x, y, sample_weight]` of the arrays that `fit`
            validates on; None if there are none or they come from a loader.

    Example:
        >>> class LossHistory(Callback):
        ...     def on_train_begin(self, logs=None):
        ...         self.losses = []
        ...     def on_batch_end(self, batch, logs=None):
        ...         self.losses.append(logs["loss"])
    """

    # Class attributes, so that a subclass with its own __init__ need not call this one's.
    model: Any = None
    # The attributes that state_dict keeps; None for all that are plain data.
    remembers: tuple[str, ...] | None = None
    # Whoever saves the run is told last, when all others have done their part.
    told_last = False
    # What a stop by this callback says of the training: that it has reached its "end", that it is
    # to go on in another process ("pause"), or that it went wrong ("failure").
    stop_means: Literal["end", "pause", "failure"] = "end"
    _told_what_is_left_out = False
    idle_until: float | None = None
    params: dict[str, Any] = {}
    run: "Run | None" = None
    validation_data: list[Any] | None = None

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
        if left_out and not self._told_what_is_left_out:
            self._told_what_is_left_out = True
            warnings.warn(_left_out(type(self).__name__, left_out), OnfitWarning, stacklevel=2)
        return kept

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Remember what an earlier `state_dict` gave; told after `on_train_begin`."""
        vars(self).update(state)

    def request_stop(self, why: str) -> None:
        """Ask the training to end; `why` is told when it does."""
        if self.run is not None:
            self.run.stop(why)
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
        self.on_batch_begin(batch, logs)

    @silent
    def on_train_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        """A training batch is over. `logs` holds `batch`, `size` and this batch's values."""
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


def _left_out(owner: str, names: list[str]) -> str:
    return (
        f"{owner} holds {', '.join(names)}, which is no plain data and is not kept for a run that "
        "is resumed. Write state_dict and load_state_dict to keep what matters of it."
    )
