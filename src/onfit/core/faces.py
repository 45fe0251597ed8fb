"""What a callback may ask of `self.model`, and how any object gets the methods for it.

A callback lists its needs (`Callback.needs`). They are checked once, before training, so that a
run does not fail in its last epoch because the model lacks a method.
"""

from collections.abc import Iterable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from onfit._types import StrPath
from onfit.core.packages.faces_of import adapt, face, hint_for, package_of
from onfit.core.processes import processes
from onfit.errors import ArgumentTypeError, CapabilityError, NotReadyError

if TYPE_CHECKING:
    from onfit.core.callback import Callback


@runtime_checkable
class Trainable(Protocol):
    """What every model has: a flag that asks its training to stop."""

    stop_training: bool


@runtime_checkable
class HasWeights(Protocol):
    """A model whose weights can be read and set."""

    def get_weights(self) -> list[Any]:
        """Copies of all weights, buffers included, as arrays."""

    def set_weights(self, weights: list[Any]) -> None:
        """Set all weights to such arrays."""


@runtime_checkable
class CanSave(Protocol):
    """A model that can write itself to a file and read its weights back."""

    def save(self, filepath: StrPath) -> None:
        """Write the whole model."""

    def save_weights(self, filepath: StrPath) -> None:
        """Write the weights alone."""

    def load_weights(self, filepath: StrPath) -> None:
        """Read the weights from a file that `save` or `save_weights` wrote."""


@runtime_checkable
class CanSnapshot(Protocol):
    """A model that can be copied in memory, so that a thread can write the copy to a file."""

    def snapshot(self, weights_only: bool = False, out: Any = None) -> Any:
        """A copy with a method `write(filepath, notes=)`. It reuses the memory of `out`, an
        earlier copy.
        """


@runtime_checkable
class HasLearningRate(Protocol):
    """A model with an optimizer whose `learning_rate` can be read and set."""

    optimizer: Any


@runtime_checkable
class CanResume(Protocol):
    """A model that gives its whole state, its optimizer's included, and takes it back."""

    def state_for_resume(self) -> dict[str, Any]:
        """The state as plain data, arrays and tensors."""

    def load_state_for_resume(self, state: dict[str, Any]) -> None:
        """Go on from such a state."""


@runtime_checkable
class HasHistograms(Protocol):
    """A model that lists its weights by name."""

    def named_weights(self) -> Iterable[tuple[str, Any]]:
        """Pairs of a readable name and an array."""


@runtime_checkable
class HasActivations(Protocol):
    """A model that shows the outputs of its layers."""

    def named_activations(
        self, x: Any, names: Iterable[str] | None = None
    ) -> Iterable[tuple[str, list[Any]]]:
        """Pairs of a layer's name and its outputs for `x`, for all layers or those in `names`."""


@runtime_checkable
class HasGradients(Protocol):
    """A model that computes the gradients of its loss."""

    def named_gradients(
        self, x: Any, y: Any, sample_weight: Any = None
    ) -> Iterable[tuple[str, Any]]:
        """Pairs of a weight's name and the gradient of the loss by that weight, on one batch."""


@runtime_checkable
class HasEmbeddings(Protocol):
    """A model that lists its embedding tables by name."""

    def named_embeddings(self) -> Iterable[tuple[str, Any]]:
        """Pairs of a layer's name and an array of shape (rows, size)."""


@runtime_checkable
class CanProfile(Protocol):
    """A model that can record what the machine does for it."""

    def profiled(self, folder: str) -> AbstractContextManager[None]:
        """A `with` block that leaves a trace file in `folder`."""


def is_divided(model: Any) -> bool:
    """Whether each of several processes has a piece of the model's weights. To read them all, every
    process has to ask for them.
    """
    return getattr(model, "is_divided", False) is True


# What reads weights. Where these lie in pieces, every process has to take part.
OF_WEIGHTS = (HasWeights, HasHistograms, HasEmbeddings, HasGradients, HasActivations)

# The methods of each protocol, as an error names them.
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
# What a class of a user's own may have instead.
_OLDER = {"learning_rate": "lr"}


@dataclass(frozen=True)
class Need:
    """One thing that a callback needs of the model, and the callback's argument that is the reason.

    Args:
        protocol: one of this module's protocols.
        because: the argument as written, such as `"background=True"`, for the error text; empty
            if the callback always has this need.
        instead: what else a user can do, for the end of the error text.
    """

    protocol: type
    because: str = ""
    instead: str = ""


def _is_called_alone(callback: "Callback") -> bool:
    alone = type(callback).main_process_only and not hasattr(type(callback), "beside_main")
    return alone and processes().world > 1


def check_needs(callback: "Callback", model: Any) -> None:
    """Compare what `callback` needs with what `model` can do.

    Raises:
        CapabilityError: if something is missing. It names the callback, the argument, what the
            callback needs and what the model lacks.
    """
    # An attribute `needs` that cannot be called is the user's own.
    for need in callback.needs() if callable(callback.needs) else ():
        missing = [name for name in _ASKS[need.protocol] if _lacks(model, name)]
        if need.protocol in OF_WEIGHTS and is_divided(model) and _is_called_alone(callback):
            raise CapabilityError(_no_weights_alone(type(callback).__name__, need))
        if missing:
            asked = " and ".join(_ASKS[need.protocol])
            raise CapabilityError(
                f"{type(callback).__name__}({need.because}) needs {asked} of the model; "
                f"{type(model).__name__} lacks {' and '.join(missing)}. "
                f"{_how_to_provide(need.protocol, model)} {need.instead}".rstrip()
            )


def _no_weights_alone(owner: str, need: Need) -> str:
    return (
        f"{owner}({need.because}) is called in the main process alone and reads weights, of which "
        "each process has a piece, as fully_shard leaves it. Leave that argument out, or write a "
        "callback that is called in every process."
    )


def _lacks(model: Any, path: str) -> bool:
    for name in path.split("."):
        try:
            model = getattr(model, name, getattr(model, _OLDER.get(name, name), None))
        except NotReadyError:  # an optimizer that is made when training begins
            return False
        if model is None:
            return True
    return False


def _how_to_provide(protocol: type, model: Any) -> str:
    hints = {
        CanResume: "Give it the two methods, or leave the callback out.",
        HasLearningRate: "Compile the model with an optimizer, or pass optimizer= to Run; a torch "
        "module given to set_model carries it as module.optimizer.",
        **getattr(model, "hints_for_callbacks", {}),  # of a face that knows why it lacks something
    }
    general = hint_for(model) or "Give it what is missing, or leave out what asks for it."
    return str(hints.get(protocol, general))


def model_of(callback: "Callback") -> Any:
    """The model of a callback.

    Raises:
        NotReadyError: if it has none, because a loop calls its hooks and did not call `set_model`.
    """
    if callback.model is None:
        raise NotReadyError(
            f"{type(callback).__name__} acts on a model, and has none. Call "
            "set_model(model) before its hooks, or write your loop as: "
            "with Run(model, callbacks, optimizer=optimizer) as run:"
        )
    return callback.model


def as_trainable(model: Any, optimizer: Any = None) -> Any:
    """Give any model the face that callbacks see as `self.model`.

    Args:
        model: an object that is Trainable already, a torch module, or anything with
            attributes that can be set.
        optimizer: the optimizer of a model that does not hold its own.

    Raises:
        ArgumentTypeError: if the object has no adapter, and attributes cannot be set on it.
    """
    package = package_of(model)
    if optimizer is None:
        if package and getattr(model, "optimizer", None) is not None:
            return face_of(model)
        # A torch module may have the flag alone, since a loop reads it there.
        if isinstance(model, Trainable) and (not package or isinstance(model, HasWeights)):
            return model
    if package:
        return adapt(package, model, optimizer)
    return with_stop_flag(model, optimizer)


def face_of(model: Any) -> Any:
    """What a callback sees as `self.model` if the loop holds `model` itself, and looks for a stop
    on it. For a torch module it is a face, with the module's own optimizer; also for an object of
    another package that has faces. Else it is the model.
    """
    package = None if isinstance(model, HasWeights) else package_of(model)
    return model if package is None else face(package, model)


def with_stop_flag(model: Any, optimizer: Any = None) -> Any:
    """The model itself, with the flag by which callbacks ask for a stop, and with `optimizer`.

    Raises:
        ArgumentTypeError: if attributes cannot be set on it.
    """
    try:
        model.stop_training = False
        if optimizer is not None:
            model.optimizer = optimizer
    except AttributeError as error:
        raise ArgumentTypeError(
            f"A run needs a model on which `stop_training` can be set; {type(model).__name__} "
            "takes no attributes. Pass a torch module, or a small object of your own around it. "
            f"{hint_for(model)}".rstrip()
        ) from error
    return model
