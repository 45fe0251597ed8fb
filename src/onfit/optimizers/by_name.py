"""The optimizers by Keras' names, and each as its class and arguments.

What wraps another optimizer is not among them: it is made around one of these.
"""

from typing import Any

from onfit.errors import ArgumentError
from onfit.optimizers.adadelta import Adadelta
from onfit.optimizers.adafactor import Adafactor
from onfit.optimizers.adagrad import Adagrad
from onfit.optimizers.adam import Adam
from onfit.optimizers.adamax import Adamax
from onfit.optimizers.adamw import AdamW
from onfit.optimizers.ftrl import Ftrl
from onfit.optimizers.lamb import Lamb
from onfit.optimizers.lion import Lion
from onfit.optimizers.nadam import Nadam
from onfit.optimizers.optimizer import Optimizer
from onfit.optimizers.rmsprop import RMSprop
from onfit.optimizers.sgd import SGD
from onfit.registered import with_registered

CLASSES: dict[str, type[Optimizer]] = {
    cls.__name__.lower(): cls
    for cls in (
        SGD,
        RMSprop,
        Adagrad,
        Adadelta,
        Adam,
        AdamW,
        Adamax,
        Nadam,
        Adafactor,
        Ftrl,
        Lamb,
        Lion,
    )
}


def described(optimizer: Optimizer) -> dict[str, Any]:
    """An optimizer's class and arguments, in the form in which Keras 3 writes them."""
    kind = type(optimizer).__name__
    ours = type(optimizer) in CLASSES.values()
    return {
        "module": "keras.optimizers" if ours else None,
        "class_name": kind,
        "config": optimizer.get_config(),
        "registered_name": None if ours else kind,
    }


def made(config: dict[str, Any], custom_objects: Any = None) -> Optimizer:
    """The optimizer that `described`, or Keras, wrote.

    Raises:
        ArgumentError: for an unknown class.
    """
    if "class_name" not in config:
        raise ArgumentError(
            f"optimizer={config!r}: a dict that describes an optimizer has 'class_name' and "
            "'config', as optimizers.serialize returns it."
        )
    kind, custom = config["class_name"], with_registered(custom_objects)
    if kind in custom:
        own: Optimizer = custom[kind].from_config(config["config"])
        return own
    return of_class(kind, config["config"])


def of_class(name: str, config: dict[str, Any]) -> Optimizer:
    """The optimizer of a class, with these arguments.

    Raises:
        ArgumentError: for an unknown class.
    """
    if name.lower() not in CLASSES:
        raise ArgumentError(f"a saved model names the optimizer {name!r}, unknown here.")
    return CLASSES[name.lower()].from_config(config)
