"""Keras' own `fit`, which calls callbacks itself: no session knows what they need to know."""

import math
from typing import Any
from weakref import ref

from onfit.errors import NotReadyError, warn

_NOT_CALLED = ("on_before_optimizer_step", "on_validation_end", "on_exception")

# Callbacks that set a learning rate, in the order in which Keras' trainings got them.
_SETTERS: list["ref[Any]"] = []


def in_keras_fit(callback: Any) -> bool:
    """Whether Keras' own `fit` calls the callback: its facts of the run are a dict as Keras makes
    it, and its model is one of Keras'.
    """
    return type(getattr(callback, "params", None)) is dict and is_of_keras(
        vars(callback).get("model")
    )


def is_of_keras(model: Any) -> bool:
    """Whether a model is one of Keras' own."""
    return any(kind.__module__.partition(".")[0] == "keras" for kind in type(model).__mro__)


def meet(callback: Any) -> None:
    """A training has handed its facts to a callback. If it is one of Keras', warn of hooks of a
    user's own that Keras does not call.
    """
    if not in_keras_fit(callback):
        return
    if getattr(type(callback), "sets_learning_rate", False):
        _SETTERS[:] = [each for each in _SETTERS if each() not in (None, callback)]
        _SETTERS.append(ref(callback))
    if unheard := _unheard(callback):
        warn(
            f"{type(callback).__name__} has {' and '.join(unheard)}, which Keras' fit never calls. "
            "Write a hook that Keras has, or train with onfit's fit or onfit.Run, which call it."
        )


def setters_with(callback: Any) -> list[Any]:
    """The callbacks of its training in Keras' `fit` that set the learning rate, in their order.
    Keras hands one and the same dict to all callbacks of a training.
    """
    alive = (each() for each in _SETTERS)
    return [each for each in alive if each is not None and each.params is callback.params]


def batches_until(callback: Any, batch: int) -> int:
    """How many batches a hook tells of that tells of the end of `batch`: one; but with Keras'
    `steps_per_execution` as many as are executed together.
    """
    together = _executed_together(callback)
    if together == 1:
        return 1
    steps = callback.params.get("steps") or math.inf
    return int(min(batch, steps - 1)) % together + 1  # Keras counts beyond the end of an epoch


def batches_from(callback: Any, batch: int) -> int:
    """The same of a hook that tells of the begin of `batch`."""
    together, steps = _executed_together(callback), callback.params.get("steps")
    return min(together, steps - batch) if steps else together


def state_of_keras(model: Any) -> list[Any]:
    """Copies of all variables of a model of Keras', and of its optimizer.

    Raises:
        NotReadyError: if it has none, since Keras builds it within the first batch.
    """
    if not model.built:
        raise NotReadyError(
            f"{type(model).__name__} has no weights yet, which have to be put back after the "
            "training. Build it first: give it a keras.Input, or call it on a batch."
        )
    if not model.optimizer.built:
        model.optimizer.build(model.trainable_variables)
    return [variable.numpy().copy() for variable in _variables(model)]


def load_state_of_keras(model: Any, state: list[Any]) -> None:
    """Give them such values."""
    for variable, value in zip(_variables(model), state, strict=True):
        variable.assign(value)


def _variables(model: Any) -> list[Any]:
    return [*model.variables, *model.optimizer.variables]


def _executed_together(callback: Any) -> int:
    return int(callback.model.steps_per_execution) if in_keras_fit(callback) else 1


def _unheard(callback: Any) -> list[str]:
    """The hooks of a user's own that Keras does not call. One that judges at validations may do so
    at epochs, too.
    """
    unheard = [hook for hook in _NOT_CALLED if _is_a_users(callback, hook)]
    judges = _is_a_users(callback, "on_epoch_end")
    return [hook for hook in unheard if not (judges and hook == "on_validation_end")]


def _is_a_users(callback: Any, hook: str) -> bool:
    method = getattr(callback, hook, None)
    home = getattr(method, "__module__", None) or ""
    return method is not None and home.partition(".")[0] != "onfit"
