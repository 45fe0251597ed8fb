"""The base class of all callbacks."""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Literal

from onfit._arguments import check_class
from onfit.core.faces import Need, check_needs, face_of, model_of
from onfit.core.held import Handed, HeldModel, hold
from onfit.core.hooks import ALL_NAMES, heard, join_names, silent
from onfit.core.packages.keras_fit import meet
from onfit.core.packages.plain import is_plain
from onfit.core.packages.trainers import class_for_trainers, instead, refuse_attribute
from onfit.core.representation import portable, shown
from onfit.errors import ArgumentTypeError, warn

if TYPE_CHECKING:
    from onfit.core.session import Session

# A hook's `logs` are this, and typed as `Logs | Any`: one that begins with `def on_epoch_end(self,
# epoch, logs=None)` may then write logs["loss"] before a type checker.
Logs = dict[str, Any]

# Attributes that are not part of a callback's state: those that a session sets, and hooks that are
# set on the object.
_NOT_STATE = {
    "model",
    "params",
    "run",
    "validation_data",
    "_decisions",
    "_session",
    "_validation",
    "_warned_of_what_is_left_out",
    *ALL_NAMES,
}


class Callback:
    """An object with methods (hooks) that a training calls at its events.

    Subclass it and write the hooks that you need; a hook that you do not write costs nothing.
    Hooks receive their arguments by position. `logs` is a mutable dict: a number that a hook
    writes into it reaches the callbacks after this one, the history and the bar. To end the
    training, call `request_stop(why)` or set `self.model.stop_training = True`.

    `on_batch_begin` and `on_batch_end` are older names of `on_train_batch_begin` and
    `on_train_batch_end`: write one of the two. `__init__` need not call `super().__init__()`.

    Besides hooks, a subclass may write `hears(hook)`, `needs()`, `state_dict()`,
    `load_state_dict(state)`, `set_model(model)` and `set_params(params)`. It may set the class
    attributes that are called so below, and reads the others, set before `on_train_begin`.

    Attributes:
        model: the model that is trained, as callbacks see it. To a type checker it is a `Model`;
            a subclass for another kind says so: `model: MyModel`.
        params: dict with `epochs`, `steps` (batches per epoch or None), `samples` (or None),
            `batch_size` (or None), `verbose`, `do_validation` and `metrics` (the log names).
        run: the `onfit.Run`, or other session, that calls the hooks; None if there is none. In
            `on_train_end`, `run.outcome` says how training ended. A subclass that sets an
            attribute of this name keeps its own.
        validation_data: list `[x, y]` or `[x, y, sample_weight]` of the arrays that `fit`
            validates on; `[2]` is always there, with weights of 1 if there are no others. Those
            of a Dataset, a Sequence or a loader are collected when a callback first reads them.
            None if there are none, or they come from a generator, which ends for good. A
            subclass that sets an attribute of this name keeps its own.
        remembers: set by a subclass: the names of the attributes that `state_dict` keeps. None
            keeps all that are plain data, `()` keeps none.
        called_last: set by a subclass: True for a callback that saves the run: it comes last.
        main_process_only: set by a subclass: True for a callback that only writes or prints. Of
            several processes that train together, the main one alone calls it.
        stop_means: set by a subclass: what its stop says about the training. `"end"`: it is
            finished; `"pause"`: it goes on later in another process; `"failure"`: it went wrong.

    Example:
        >>> class LossHistory(Callback):
        ...     def on_train_begin(self, logs=None):
        ...         self.losses = []
        ...     def on_batch_end(self, batch, logs=None):
        ...         self.losses.append(logs["loss"])
    """

    # Class attributes, so that a subclass with its own __init__ need not call this one's.
    model = HeldModel()
    params: dict[str, Any] = {}
    if TYPE_CHECKING:
        run: "Session | Any"
        validation_data: Any
    else:
        run, validation_data = Handed("_session"), Handed("_validation")
    _session: "Session | None" = None
    _validation: Any = None
    remembers: tuple[str, ...] | None = None
    called_last = False
    main_process_only = False
    stop_means: Literal["end", "pause", "failure"] = "end"
    _warned_of_what_is_left_out = False

    def __init_subclass__(cls, **kwargs: Any) -> None:
        """Let both names of a batch hook lead to the one method that the subclass wrote."""
        super().__init_subclass__(**kwargs)
        join_names(check_class(cls))

    if not TYPE_CHECKING:  # whose reader should miss what is not there
        __getattr__ = refuse_attribute
        __class__ = property(class_for_trainers)

    def __repr__(self) -> str:
        return shown(self)

    def __getstate__(self) -> dict[str, Any]:
        return portable(vars(self))

    def hears(self, hook: str) -> bool:
        """Whether a session calls this callback for `hook`. It asks once, when the run begins.

        By default a callback is called for every hook that its class writes. Write this method
        if the callback needs a hook only with certain arguments: a hook that it does not hear
        costs nothing.

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
        """Keep the model. The session calls this before `on_train_begin`.

        In a loop without a session you call it, with a model or a torch module that carries its
        optimizer as `module.optimizer`. `self.model` is then a face of the module.

        Raises:
            CapabilityError: if the model lacks what this callback needs.
        """
        hold(self, face_of(model))
        if model is not None:
            check_needs(self, self.model)

    def set_params(self, params: dict[str, Any] | None = None) -> None:
        """Keep the facts of the run. The session calls this before `on_train_begin`.

        Raises:
            ArgumentTypeError: without `params`, as skorch calls it.
        """
        if params is None:
            raise ArgumentTypeError(f"set_params() lacks `params`. {instead(self, 'skorch')}")
        self.params = params
        meet(self)

    def needs(self) -> Iterable[Need]:
        """What the model must be able to do for this callback; checked once, before training.

        Example:
            >>> from onfit.core.faces import CanSave
            >>> class Saver(Callback):
            ...     def needs(self):
            ...         yield Need(CanSave)  # the session checks that the model has `save`
        """
        return ()

    def state_dict(self) -> dict[str, Any]:
        """What this callback has to remember if the run is resumed after a crash.

        By default these are the attributes named in `remembers`; without it, all that are plain
        data (numbers, text, arrays, tensors, lists, dicts). A warning names the others once.
        """
        own = {name: v for name, v in self._attributes().items() if name not in _NOT_STATE}
        if self.remembers is not None:
            return {name: own[name] for name in self.remembers}
        kept = {name: value for name, value in own.items() if is_plain(value)}
        left_out = [name for name in own if name not in kept]
        if left_out and not self._warned_of_what_is_left_out:
            self._warned_of_what_is_left_out = True
            warn(_left_out(type(self).__name__, left_out))
        return kept

    def _attributes(self) -> dict[str, Any]:
        return vars(self)

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take back what `state_dict` returned. A resumed run calls this after `on_train_begin`."""
        vars(self).update(state)

    def request_stop(self, why: str) -> None:
        """Ask the training to end after this batch or epoch.

        Args:
            why: the reason, which is printed when the training ends.
        """
        session = self._session
        if session is not None and session.outcome is None:
            session.stop(why, by=self)
        else:
            model_of(self).stop_training = True

    @silent
    def on_train_begin(self, logs: Logs | Any = None) -> None:
        """Training starts. `logs` is empty."""

    @silent
    def on_train_end(self, logs: Logs | Any = None) -> None:
        """Training is over, however it ended. `logs` are those of the last epoch."""

    @silent
    def on_epoch_begin(self, epoch: int, logs: Logs | Any = None) -> None:
        """Epoch `epoch`, counted from 0, starts. `logs` is empty."""

    @silent
    def on_epoch_end(self, epoch: int, logs: Logs | Any = None) -> None:
        """Epoch `epoch` is over. `logs` holds its means, and `val_` values if it had any."""

    @silent
    def on_train_batch_begin(self, batch: int, logs: Logs | Any = None) -> None:
        """A training batch starts. `logs` holds `batch` and `size` (samples)."""
        if not _one_method(self, "on_train_batch_begin", "on_batch_begin"):
            self.on_batch_begin(batch, logs)

    @silent
    def on_train_batch_end(self, batch: int, logs: Logs | Any = None) -> None:
        """A training batch is over. `logs` holds `batch`, `size` and this batch's values."""
        if not _one_method(self, "on_train_batch_end", "on_batch_end"):
            self.on_batch_end(batch, logs)

    @silent
    def on_before_optimizer_step(self, batch: int, logs: Logs | Any = None) -> None:
        """The gradients of training batch `batch` are in `p.grad` of the parameters, and the
        optimizer is about to step: it gets what the hook leaves there. `logs` holds `batch`.
        """

    @silent
    def on_batch_begin(self, batch: int, logs: Logs | Any = None) -> None:
        """The older name of `on_train_batch_begin`."""

    @silent
    def on_batch_end(self, batch: int, logs: Logs | Any = None) -> None:
        """The older name of `on_train_batch_end`."""

    @silent
    def on_test_begin(self, logs: Logs | Any = None) -> None:
        """Evaluation or validation starts."""

    @silent
    def on_test_end(self, logs: Logs | Any = None) -> None:
        """Evaluation or validation is over. `logs` holds its means, without `val_`."""

    @silent
    def on_test_batch_begin(self, batch: int, logs: Logs | Any = None) -> None:
        """An evaluation batch starts. `logs` holds `batch` and `size`."""

    @silent
    def on_test_batch_end(self, batch: int, logs: Logs | Any = None) -> None:
        """An evaluation batch is over. `logs` holds `batch`, `size` and its values."""

    @silent
    def on_validation_end(self, step: int, logs: Logs | Any = None) -> None:
        """A validation of the training is over, and the batch within which it came. `step` batches
        are done since training began. `logs` holds the means of the training so far (in a run of
        steps: since the validation before) and the `val_` values.
        """

    @silent
    def on_predict_begin(self, logs: Logs | Any = None) -> None:
        """Prediction starts."""

    @silent
    def on_predict_end(self, logs: Logs | Any = None) -> None:
        """Prediction is over."""

    @silent
    def on_predict_batch_begin(self, batch: int, logs: Logs | Any = None) -> None:
        """A prediction batch starts. `logs` holds `batch` and `size`."""

    @silent
    def on_predict_batch_end(self, batch: int, logs: Logs | Any = None) -> None:
        """A prediction batch is over. `logs` holds `batch`, `size` and `outputs` (predictions)."""

    @silent
    def on_exception(self, exception: BaseException) -> None:
        """Training ends because `exception` was raised; `on_train_end` is called next."""


def _one_method(callback: Callback, newer: str, older: str) -> bool:
    """Whether both names of a hook lead to one method of the class: it has called `super()`, and
    must not be called again.
    """
    kind = type(callback)
    return getattr(kind, newer) is getattr(kind, older)


def _left_out(owner: str, names: list[str]) -> str:
    return (
        f"{owner} holds {', '.join(names)}, which is no plain data and is not kept for a run that "
        "is resumed. Write state_dict and load_state_dict to keep what matters of it."
    )
