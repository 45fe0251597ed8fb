"""Learning rates that depend on the step: `Adam(learning_rate=ExponentialDecay(...))`.

The arithmetic is Keras', in Python's double precision.
"""

from typing import TYPE_CHECKING, Any

from onfit.errors import ArgumentError, did_you_mean, refusal_of_names
from onfit.optimizers.schedules.cosine import CosineDecay, CosineDecayRestarts
from onfit.optimizers.schedules.decay import (
    ExponentialDecay,
    InverseTimeDecay,
    PiecewiseConstantDecay,
    PolynomialDecay,
)
from onfit.optimizers.schedules.schedule import LearningRateSchedule

__all__ = [
    "CosineDecay",
    "CosineDecayRestarts",
    "ExponentialDecay",
    "InverseTimeDecay",
    "LearningRateSchedule",
    "PiecewiseConstantDecay",
    "PolynomialDecay",
    "from_config",
]

_CLASSES: dict[str, type[LearningRateSchedule]] = {
    cls.__name__: cls
    for cls in (
        CosineDecay,
        CosineDecayRestarts,
        ExponentialDecay,
        InverseTimeDecay,
        PiecewiseConstantDecay,
        PolynomialDecay,
    )
}


def from_config(class_name: str, config: dict[str, Any]) -> LearningRateSchedule:
    """The schedule of that class.

    Raises:
        ArgumentError: for an unknown class.
    """
    if class_name not in _CLASSES:
        raise ArgumentError(
            f"a saved model names the learning rate schedule {class_name!r}, unknown here."
            f"{did_you_mean(class_name, _CLASSES)}"
        )
    return _CLASSES[class_name].from_config(config)


if not TYPE_CHECKING:  # whose reader knows the names from above, and should miss all others
    __getattr__ = refusal_of_names(__name__, __all__)
