"""Optimizers by Keras' names, on torch's kernels."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from onfit import _doors
from onfit._types import Identifier
from onfit.errors import ArgumentError, ArgumentTypeError, did_you_mean, refusal_of_names
from onfit.optimizers import by_name, schedules
from onfit.optimizers.adadelta import Adadelta
from onfit.optimizers.adafactor import Adafactor
from onfit.optimizers.adagrad import Adagrad
from onfit.optimizers.adam import Adam
from onfit.optimizers.adamax import Adamax
from onfit.optimizers.adamw import AdamW
from onfit.optimizers.by_name import CLASSES
from onfit.optimizers.ftrl import Ftrl
from onfit.optimizers.lamb import Lamb
from onfit.optimizers.learning_rate import LearningRate
from onfit.optimizers.lion import Lion
from onfit.optimizers.nadam import Nadam
from onfit.optimizers.optimizer import Optimizer
from onfit.optimizers.rmsprop import RMSprop
from onfit.optimizers.sgd import SGD
from onfit.optimizers.wrapping.loss_scale import LossScaleOptimizer
from onfit.optimizers.wrapping.several import SeveralOptimizers
from onfit.optimizers.wrapping.torch_optimizer import TorchOptimizer
from onfit.registered import named

if TYPE_CHECKING:
    from torch.optim import Optimizer as _OfTorch

    # What names an optimizer: also one of torch, or a list of several.
    OptimizerLike = Identifier | Optimizer | _OfTorch | Sequence[_OfTorch]

__all__ = [
    "SGD",
    "Adadelta",
    "Adafactor",
    "Adagrad",
    "Adam",
    "AdamW",
    "Adamax",
    "Ftrl",
    "Lamb",
    "LearningRate",
    "Lion",
    "LossScaleOptimizer",
    "Nadam",
    "Optimizer",
    "RMSprop",
    "TorchOptimizer",
    "adadelta",
    "adagrad",
    "adam",
    "adamax",
    "adamw",
    "deserialize",
    "get",
    "nadam",
    "rmsprop",
    "schedules",
    "serialize",
    "sgd",
]

# The classes' names in Keras 2, in lower case.
sgd, rmsprop, adagrad, adadelta = SGD, RMSprop, Adagrad, Adadelta
adam, adamw, adamax, nadam = Adam, AdamW, Adamax, Nadam


def get(identifier: "OptimizerLike") -> Optimizer:
    """The optimizer of that name, or the one that an object stands for.

    Args:
        identifier: a Keras name in any case, what `serialize` returned, an `Optimizer`, a torch
            optimizer over the model's parameters, a list of several, or a torch optimizer class or
            other factory that takes parameters.

    Raises:
        ArgumentError: for an unknown name.
        ArgumentTypeError: for anything else that is no optimizer.

    >>> get("adam").learning_rate
    0.001
    """
    identifier = named(identifier)
    if isinstance(identifier, Optimizer):
        return identifier
    if isinstance(identifier, dict):
        return deserialize(identifier)
    if isinstance(identifier, str):
        if identifier.lower() not in CLASSES:
            raise ArgumentError(
                f"optimizer={identifier!r} is not known. Known are {', '.join(CLASSES)}; or "
                f"pass a torch optimizer.{did_you_mean(identifier.lower(), CLASSES)}"
            )
        return CLASSES[identifier.lower()]()
    if isinstance(identifier, type) and issubclass(identifier, Optimizer):
        return identifier()
    # Recognized by an attribute, not by its class: importing torch.optim takes time, also for
    # users of the optimizers here.
    if hasattr(identifier, "param_groups"):
        return TorchOptimizer(identifier)
    if isinstance(identifier, (list, tuple)):
        return TorchOptimizer(SeveralOptimizers(identifier))
    if callable(identifier):
        return TorchOptimizer(factory=identifier)
    raise ArgumentTypeError(
        f"optimizer is a name, an optimizer, or a factory of one; got {identifier!r} of type "
        f"{type(identifier).__name__}."
    )


def keeps_no_gradient(optimizer: Optimizer) -> bool:
    """Whether the optimizer needs no gradient after its step, so that the next gradient may
    overwrite it. True for the classes here. A subclass may keep a gradient, and so may a function
    that replaces a method.
    """
    replaced = {"apply", "_update", "_move"} & vars(optimizer).keys()
    return type(optimizer) in CLASSES.values() and not replaced


def with_loss_scale(identifier: Any) -> LossScaleOptimizer:
    """An optimizer that scales the loss for anything that `get` takes; one that does so already is
    left as it is.
    """
    optimizer = get(identifier)
    if isinstance(optimizer, LossScaleOptimizer):
        return optimizer
    return LossScaleOptimizer(optimizer)


def serialize(optimizer: Optimizer) -> dict[str, Any]:
    """An optimizer's class and arguments, from which `deserialize` makes an equal one.

    >>> deserialize(serialize(SGD(0.1, momentum=0.9))).momentum
    0.9
    """
    return {"class_name": type(optimizer).__name__, "config": optimizer.get_config()}


def deserialize(
    config: dict[str, Any], custom_objects: Mapping[str, Any] | None = None
) -> Optimizer:
    """The optimizer that `serialize`, or Keras, described.

    Args:
        config: a dict of `class_name` and `config`.
        custom_objects: your own classes by name.

    Raises:
        ArgumentError: for an unknown class.
    """
    if config.get("class_name") == LossScaleOptimizer.__name__:
        return LossScaleOptimizer.from_config(config["config"], custom_objects)
    return by_name.made(config, custom_objects)


def from_config(class_name: str, config: dict[str, Any]) -> Optimizer:
    """The optimizer that a saved model names."""
    return deserialize({"class_name": class_name, "config": config})


if not TYPE_CHECKING:  # whose reader knows the names from above, and should miss all others
    __getattr__ = refusal_of_names(__name__, __all__)

_doors.open_old_modules(__name__, ["legacy"])
