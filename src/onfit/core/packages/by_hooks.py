"""Callbacks of other libraries that have Keras' hooks: those of Keras itself, of W&B, of tqdm."""

from collections.abc import Iterable, Iterator
from contextlib import suppress
from typing import Any

from onfit._types import Hook
from onfit.core.callback import Callback
from onfit.core.faces import CanSave, HasLearningRate, HasWeights, Need
from onfit.core.hooks import CLASSIC, HOOKS
from onfit.core.judging.objective import resolve_mode
from onfit.errors import ArgumentError, CapabilityError

_KERAS = ("keras", "tf_keras", "tensorflow")
# What Keras' own callbacks do with the model, by their class and the argument that is the reason.
_NEEDS = {
    "EarlyStopping": (HasWeights, "restore_best_weights"),
    "ModelCheckpoint": (CanSave, ""),
    "ReduceLROnPlateau": (HasLearningRate, ""),
    "LearningRateScheduler": (HasLearningRate, ""),
}
# What they cannot do here, by their class and the argument that asks for it; empty for all.
_REFUSED = {
    "BackupAndRestore": {"": "makes Keras' own trainer go on"},
    "SwapEMAWeights": {"": "swaps what Keras' own optimizers keep"},
    "TensorBoard": {
        "histogram_freq": "reads the weights of Keras' own layers for histogram_freq",
        "embeddings_freq": "looks for Keras' own layers for embeddings_freq",
    },
}


def has_hooks(value: Any) -> bool:
    """Whether an object is a callback with Keras' hooks, of whatever class.

    >>> class Printer:
    ...     def set_model(self, model): ...
    ...     def set_params(self, params): ...
    ...     def on_epoch_end(self, epoch, logs=None): ...
    >>> has_hooks(Printer()), has_hooks(Printer), has_hooks(print)
    (True, False, False)
    """
    if isinstance(value, type):
        return False
    takes = all(callable(getattr(value, name, None)) for name in ("set_model", "set_params"))
    return takes and any(_method(value, hook) is not None for hook in HOOKS)


def by_hooks(value: Any) -> Callback:
    """The callback that calls the hooks of such an object. Its class has the name of the object's,
    by which it is known in messages and checkpoints.

    Raises:
        CapabilityError: for a callback of Keras' that acts on Keras' own trainer.
    """
    kind = type(value)
    for one in _of_keras(kind):
        for argument, why in _REFUSED.get(one, {}).items():
            if not argument or getattr(value, argument, None):
                raise CapabilityError(
                    f"{kind.__module__}.{kind.__name__} {why}, and this training is "
                    f"onfit's. Pass onfit.callbacks.{one} instead."
                )
    own = {"__module__": __name__, "__doc__": kind.__doc__}
    named: type[ByHooks] = type(kind.__name__, (ByHooks,), own)
    return named(value)


def _of_keras(kind: type) -> Iterator[str]:
    """The names of the classes of Keras that a callback's class comes from."""
    return (one.__name__ for one in kind.__mro__ if one.__module__.partition(".")[0] in _KERAS)


def _method(value: Any, hook: str) -> Hook | None:
    """The object's method for a hook, under its newer name or its older one; None for those of
    Keras' base class, which do nothing.
    """
    names = [name for name in (hook, CLASSIC.get(hook)) if name is not None]
    methods = (getattr(value, name, None) for name in names)
    written = (m for m in methods if callable(m) and not getattr(m, "_is_default", False))
    return next(written, None)


def _writes_later(value: Any, hook: str) -> bool:
    """Whether an object says that it has hooks for batches of this walk, and has none yet: it sets
    them on itself in an earlier hook, as tqdm's does.
    """
    walk = hook.split("_")[1]
    says = getattr(value, f"_implements_{walk}_batch_hooks", None)
    if "_batch_" not in hook or not callable(says) or not says():
        return False
    return not any(_method(value, f"on_{walk}_batch_{edge}") for edge in ("begin", "end"))


def _caller(value: Any, hook: str) -> Hook:
    """A function that calls the method which the object has for the hook then."""

    def call(*args: Any) -> None:
        method = _method(value, hook)
        if method is not None:
            method(*args)

    call.__module__ = type(value).__module__  # by which a session knows hooks of others
    return call


class ByHooks(Callback):
    """Calls the hooks of an object that is no `Callback`, but has Keras' hooks.

    Args:
        adapted: the object, with `set_model`, `set_params` and hooks.
    """

    def __init__(self, adapted: Any) -> None:
        self.adapted = adapted
        # What Keras' own callbacks hold beside plain data, they make anew when training begins.
        self._warned_of_what_is_left_out = next(_of_keras(type(adapted)), "") == type(self).__name__
        for hook in HOOKS:
            if _method(adapted, hook) is not None or _writes_later(adapted, hook):
                setattr(self, hook, _caller(adapted, hook))

    @property
    def sets_learning_rate(self) -> bool:
        """Whether the object is one of Keras' that does so."""
        needs = (_NEEDS.get(one, (None, ""))[0] for one in _of_keras(type(self.adapted)))
        return HasLearningRate in needs

    def __repr__(self) -> str:
        return repr(self.adapted)

    def set_model(self, model: Any) -> None:
        super().set_model(model)
        adapted = self.adapted
        if getattr(adapted, "mode", None) == "auto" and [*_of_keras(type(adapted))]:
            # Keras looks for the direction in metrics of its own.
            with suppress(ArgumentError):
                adapted.mode = resolve_mode("auto", adapted.monitor, repr(self), self.model)
        adapted.set_model(self.model)

    def set_params(self, params: dict[str, Any] | None = None) -> None:
        super().set_params(params)
        self.adapted.set_params(params)

    def needs(self) -> Iterable[Need]:
        for one in _of_keras(type(self.adapted)):
            protocol, argument = _NEEDS.get(one, (None, ""))
            if protocol is not None and (not argument or getattr(self.adapted, argument)):
                yield Need(protocol, f"{argument}=True" if argument else "")

    def _attributes(self) -> dict[str, Any]:
        return {k: v for k, v in vars(self.adapted).items() if k not in ("_model", "_params")}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        vars(self.adapted).update(state)
