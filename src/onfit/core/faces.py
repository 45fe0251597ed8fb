"""What callbacks may ask of `self.model`, and how any object comes to answer.

A callback states its needs (`Callback.needs`); they are checked once, before training, so
that a run does not die in its last epoch for want of a method.
"""

import importlib
from collections.abc import Iterable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from onfit._types import StrPath
from onfit.errors import ArgumentTypeError, CapabilityError, NotReadyError

if TYPE_CHECKING:
    from onfit.core.callback import Callback


@runtime_checkable
class Trainable(Protocol):
    """The least a model is: it can be asked to stop."""

    stop_training: bool


@runtime_checkable
class HasWeights(Protocol):
    """Its weights can be read and put back."""

    def get_weights(self) -> list[Any]:
        """Copies of all weights, buffers included, as arrays."""

    def set_weights(self, weights: list[Any]) -> None:
        """Put such copies back."""


@runtime_checkable
class CanSave(Protocol):
    """It can write itself to a file and read its weights back."""

    def save(self, filepath: StrPath) -> None:
        """Write the whole model."""

    def save_weights(self, filepath: StrPath) -> None:
        """Write the weights alone."""

    def load_weights(self, filepath: StrPath) -> None:
        """Read weights that were written by either."""


@runtime_checkable
class CanSnapshot(Protocol):
    """It can be copied at once, to be written to a file later and in another thread."""

    def snapshot(self, weights_only: bool = False, out: Any = None) -> Any:
        """A copy with `write(filepath, notes=)`; in the memory of `out`, an earlier one."""


@runtime_checkable
class HasLearningRate(Protocol):
    """It has an optimizer with a `learning_rate` that can be read and set."""

    optimizer: Any


@runtime_checkable
class CanResume(Protocol):
    """It can be taken down as plain data and set up again, its optimizer included."""

    def state_for_resume(self) -> dict[str, Any]:
        """Plain data, arrays and tensors."""

    def load_state_for_resume(self, state: dict[str, Any]) -> None:
        """Go on from there."""


@runtime_checkable
class HasHistograms(Protocol):
    """Its weights can be listed by name."""

    def named_weights(self) -> Iterable[tuple[str, Any]]:
        """Pairs of a readable name and an array."""


@runtime_checkable
class HasActivations(Protocol):
    """It can be asked what its layers put out."""

    def named_activations(
        self, x: Any, names: Iterable[str] | None = None
    ) -> Iterable[tuple[str, list[Any]]]:
        """Pairs of a layer's name and its outputs for `x`, of all layers or those named."""


@runtime_checkable
class HasGradients(Protocol):
    """It can be asked for the gradients of its loss."""

    def named_gradients(
        self, x: Any, y: Any, sample_weight: Any = None
    ) -> Iterable[tuple[str, Any]]:
        """Pairs of a weight's name and the loss's gradient by it, on one batch."""


@runtime_checkable
class HasEmbeddings(Protocol):
    """Its tables of embeddings can be listed by name."""

    def named_embeddings(self) -> Iterable[tuple[str, Any]]:
        """Pairs of a layer's name and an array of shape (rows, size)."""


@runtime_checkable
class CanProfile(Protocol):
    """What it makes the machine do can be recorded."""

    def profiled(self, folder: str) -> AbstractContextManager[None]:
        """A `with` block that leaves a trace file in `folder`."""


# How each protocol reads in an error.
_ASKS: dict[type, tuple[str, ...]] = {
    HasWeights: ("get_weights", "set_weights"),
    CanSave: ("save", "save_weights"),
    CanSnapshot: ("snapshot",),
    HasLearningRate: ("optimizer.learning_rate",),
    CanResume: ("state_for_resume", "load_state_for_resume"),
    HasHistograms: ("named_weights",),
    HasActivations: ("named_activations",),
    HasGradients: ("named_gradients",),
    HasEmbeddings: ("named_embeddings",),
    CanProfile: ("profiled",),
}


@dataclass(frozen=True)
class Need:
    """One thing a callback asks of the model, and the argument that makes it ask.

    Args:
        protocol: one of this module's protocols.
        because: the argument as written, for the error text; empty if it always asks.
    """

    protocol: type
    because: str = ""


def check_needs(callback: "Callback", model: Any) -> None:
    """Compare what `callback` needs with what `model` can do.

    Raises:
        CapabilityError: naming the callback, the argument, what it needs and what is missing.
    """
    for need in callback.needs():
        missing = [name for name in _ASKS[need.protocol] if _lacks(model, name)]
        if missing:
            asked = " and ".join(_ASKS[need.protocol])
            raise CapabilityError(
                f"{type(callback).__name__}({need.because}) needs {asked} of the model; "
                f"{type(model).__name__} lacks {' and '.join(missing)}. "
                f"{_how_to_provide(need.protocol)}"
            )


def _lacks(model: Any, path: str) -> bool:
    for name in path.split("."):
        try:
            model = getattr(model, name, None)
        except NotReadyError:  # an optimizer that is made when training begins
            return False
        if model is None:
            return True
    return False


def _how_to_provide(protocol: type) -> str:
    if protocol is HasLearningRate:
        return "Compile the model with an optimizer, or pass optimizer= to Run."
    return "Give it what is missing, or leave out what asks for it."


# Who turns an object into a Trainable, by the top-level package its class comes from.
# Imported only when such an object is met: core itself knows no framework.
_ADAPTERS = {"torch": "onfit.engine.model.adapt"}


def as_trainable(model: Any, optimizer: Any = None) -> Any:
    """Give any model the face that callbacks see as `self.model`.

    Args:
        model: an object that is Trainable already, a torch module, or anything with
            attributes that can be set.
        optimizer: the optimizer of a model that does not hold its own.

    Raises:
        ArgumentTypeError: if nothing is known about the object and it cannot be adapted.
    """
    if optimizer is None and isinstance(model, Trainable):
        return model
    for cls in type(model).__mro__:
        adapter = _ADAPTERS.get(cls.__module__.partition(".")[0])
        if adapter is not None:
            return importlib.import_module(adapter).adapt(model, optimizer)
    return _with_stop_flag(model, optimizer)


def _with_stop_flag(model: Any, optimizer: Any) -> Any:
    try:
        model.stop_training = False
        if optimizer is not None:
            model.optimizer = optimizer
    except AttributeError as error:
        raise ArgumentTypeError(
            f"A run needs a model on which `stop_training` can be set; {type(model).__name__} "
            "takes no attributes. Pass a torch module, or a small object of your own around it."
        ) from error
    return model
