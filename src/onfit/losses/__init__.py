"""Losses by Keras' names, in Keras' argument order, and torch's losses in theirs.

A loss gives one value per sample. Training minimises their mean: they are weighted by
`sample_weight`, and their sum is divided by the number of samples. If the model ends in a softmax
or a sigmoid, the crossentropies are computed from the logits, where nothing overflows.
"""

from typing import TYPE_CHECKING, Any

from torch import nn

from onfit._types import Identifier
from onfit.errors import ArgumentError, ArgumentTypeError, did_you_mean, refusal_of_names
from onfit.losses.circle import Circle, circle
from onfit.losses.crossentropy import (
    BinaryCrossentropy,
    CategoricalCrossentropy,
    SparseCategoricalCrossentropy,
    binary_crossentropy,
    categorical_crossentropy,
    sparse_categorical_crossentropy,
)
from onfit.losses.ctc import CTC, ctc
from onfit.losses.focal import (
    BinaryFocalCrossentropy,
    CategoricalFocalCrossentropy,
    CategoricalGeneralizedCrossEntropy,
    binary_focal_crossentropy,
    categorical_focal_crossentropy,
    categorical_generalized_cross_entropy,
)
from onfit.losses.foreign import FunctionLoss, TorchLoss, is_of_torch_functional
from onfit.losses.hinge import (
    CategoricalHinge,
    Hinge,
    SquaredHinge,
    categorical_hinge,
    hinge,
    squared_hinge,
)
from onfit.losses.loss import Loss, NamedLoss, reduced
from onfit.losses.overlap import Dice, Tversky, dice, tversky
from onfit.losses.probabilistic import KLDivergence, Poisson, kl_divergence, poisson
from onfit.losses.regression import (
    CosineSimilarity,
    Huber,
    LogCosh,
    MeanAbsoluteError,
    MeanAbsolutePercentageError,
    MeanSquaredError,
    MeanSquaredLogarithmicError,
    cosine_similarity,
    huber,
    log_cosh,
    mean_absolute_error,
    mean_absolute_percentage_error,
    mean_squared_error,
    mean_squared_logarithmic_error,
)
from onfit.registered import named

__all__ = [
    "BCE",
    "CTC",
    "KLD",
    "MAE",
    "MAPE",
    "MSE",
    "MSLE",
    "BinaryCrossentropy",
    "BinaryFocalCrossentropy",
    "CategoricalCrossentropy",
    "CategoricalFocalCrossentropy",
    "CategoricalGeneralizedCrossEntropy",
    "CategoricalHinge",
    "Circle",
    "CosineSimilarity",
    "Dice",
    "FunctionLoss",
    "Hinge",
    "Huber",
    "KLDivergence",
    "LogCosh",
    "Loss",
    "MeanAbsoluteError",
    "MeanAbsolutePercentageError",
    "MeanSquaredError",
    "MeanSquaredLogarithmicError",
    "Poisson",
    "SparseCategoricalCrossentropy",
    "SquaredHinge",
    "TorchLoss",
    "Tversky",
    "bce",
    "binary_crossentropy",
    "binary_focal_crossentropy",
    "categorical_crossentropy",
    "categorical_focal_crossentropy",
    "categorical_generalized_cross_entropy",
    "categorical_hinge",
    "circle",
    "cosine",
    "cosine_proximity",
    "cosine_similarity",
    "ctc",
    "dice",
    "get",
    "hinge",
    "huber",
    "huber_loss",
    "is_loss_function",
    "kl_divergence",
    "kld",
    "kullback_leibler_divergence",
    "log_cosh",
    "logcosh",
    "mae",
    "mape",
    "mean_absolute_error",
    "mean_absolute_percentage_error",
    "mean_squared_error",
    "mean_squared_logarithmic_error",
    "mse",
    "msle",
    "poisson",
    "reduced",
    "sparse_categorical_crossentropy",
    "squared_hinge",
    "tversky",
]

# Shorter and older names, which Keras has had.
BCE = bce = binary_crossentropy
KLD = kld = kullback_leibler_divergence = kl_divergence
MAE = mae = mean_absolute_error
MAPE = mape = mean_absolute_percentage_error
MSE = mse = mean_squared_error
MSLE = msle = mean_squared_logarithmic_error
cosine = cosine_proximity = cosine_similarity
huber_loss, logcosh = huber, log_cosh

_CLASSES: tuple[type[NamedLoss], ...] = (
    BinaryCrossentropy, CategoricalCrossentropy, CategoricalHinge, CosineSimilarity, Hinge,
    Huber, KLDivergence, LogCosh, MeanAbsoluteError, MeanAbsolutePercentageError,
    MeanSquaredError, MeanSquaredLogarithmicError, Poisson, SparseCategoricalCrossentropy,
    SquaredHinge, BinaryFocalCrossentropy, CategoricalFocalCrossentropy,
    CategoricalGeneralizedCrossEntropy, Dice, Tversky, Circle, CTC,
)  # fmt: skip
_FUNCTIONS: dict[Any, type[NamedLoss]] = {cls.function: cls for cls in _CLASSES}
_SHORT: dict[str, type[NamedLoss]] = {
    "bce": BinaryCrossentropy, "kld": KLDivergence, "mae": MeanAbsoluteError,
    "mape": MeanAbsolutePercentageError, "mse": MeanSquaredError,
    "msle": MeanSquaredLogarithmicError,
}  # fmt: skip
_LOSSES = {**{function.__name__: cls for function, cls in _FUNCTIONS.items()}, **_SHORT}
_NAMED: dict[str, type[NamedLoss]] = {
    **_LOSSES,
    **{cls.__name__: cls for cls in _CLASSES},
    **{name.upper(): cls for name, cls in _SHORT.items()},
    # The names of older versions.
    "cosine": CosineSimilarity, "cosine_proximity": CosineSimilarity, "huber_loss": Huber,
    "kullback_leibler_divergence": KLDivergence, "logcosh": LogCosh,
}  # fmt: skip

# What to write for losses of torch.nn that no name here resembles.
_INSTEAD_OF_TORCHS = {
    "BCELoss": "BinaryCrossentropy",
    "BCEWithLogitsLoss": "BinaryCrossentropy(from_logits=True)",
    "CrossEntropyLoss": "SparseCategoricalCrossentropy(from_logits=True)",
    "KLDivLoss": "KLDivergence",
    "L1Loss": "MeanAbsoluteError",
    "MSELoss": "MeanSquaredError",
}


def get(identifier: Identifier) -> Loss:
    """The loss of that name, or the loss that an object or function stands for.

    Args:
        identifier: a Keras name, a `Loss`, a torch loss (module, or function of
            `torch.nn.functional`; called as `(output, target)`), or any other function
            (called as `(y_true, y_pred)`).

    Raises:
        ArgumentError: for an unknown name.
        ArgumentTypeError: for anything else that is not a loss.

    >>> get("mse").name
    'mean_squared_error'
    """
    identifier = named(identifier)
    if isinstance(identifier, str):
        if identifier not in _NAMED:
            raise ArgumentError(
                f"loss={identifier!r} is not known. Known are {', '.join(sorted(_LOSSES))}; or "
                f"pass a function or a torch loss.{did_you_mean(identifier, _NAMED)}"
            )
        return _NAMED[identifier]()
    if isinstance(identifier, Loss):
        return identifier
    if isinstance(identifier, type):
        raise ArgumentTypeError(
            f"loss={identifier.__name__} is a class. Write {identifier.__name__}() with its "
            "arguments."
        )
    if callable(identifier):
        if isinstance(identifier, nn.Module) or is_of_torch_functional(identifier):
            return TorchLoss(identifier)
        return (
            _FUNCTIONS[identifier]() if is_loss_function(identifier) else FunctionLoss(identifier)
        )
    raise ArgumentTypeError(
        f"loss is a name, a loss object or a function; got {identifier!r} of type "
        f"{type(identifier).__name__}."
    )


def is_loss_function(function: object) -> bool:
    """Whether this is one of the functions of this module."""
    try:
        return function in _FUNCTIONS
    except TypeError:  # an object that can be called, but not hashed
        return False


if not TYPE_CHECKING:  # whose reader knows the names from above, and should miss all others
    __getattr__ = refusal_of_names(__name__, __all__, _INSTEAD_OF_TORCHS)
