"""Losses by Keras' names, in Keras' argument order, and torch's losses in theirs.

A loss gives one value per sample; what training minimises is their mean, weighted by
`sample_weight` and divided by the number of samples. Behind a softmax or a sigmoid the
crossentropies are computed from the logits, where nothing overflows.
"""

from typing import Any

from torch import nn

from onfit.errors import ArgumentError, ArgumentTypeError, did_you_mean
from onfit.losses.crossentropy import (
    BinaryCrossentropy,
    CategoricalCrossentropy,
    SparseCategoricalCrossentropy,
    binary_crossentropy,
    categorical_crossentropy,
    sparse_categorical_crossentropy,
)
from onfit.losses.foreign import FunctionLoss, TorchLoss, is_of_torch_functional
from onfit.losses.loss import Loss, reduced
from onfit.losses.regression import (
    MeanAbsoluteError,
    MeanSquaredError,
    mean_absolute_error,
    mean_squared_error,
)

__all__ = [
    "BinaryCrossentropy",
    "CategoricalCrossentropy",
    "FunctionLoss",
    "Loss",
    "MeanAbsoluteError",
    "MeanSquaredError",
    "SparseCategoricalCrossentropy",
    "TorchLoss",
    "binary_crossentropy",
    "categorical_crossentropy",
    "get",
    "mean_absolute_error",
    "mean_squared_error",
    "reduced",
    "sparse_categorical_crossentropy",
]

_LOSSES: dict[str, type[Loss]] = {
    "mse": MeanSquaredError, "mean_squared_error": MeanSquaredError,
    "mae": MeanAbsoluteError, "mean_absolute_error": MeanAbsoluteError,
    "bce": BinaryCrossentropy, "binary_crossentropy": BinaryCrossentropy,
    "categorical_crossentropy": CategoricalCrossentropy,
    "sparse_categorical_crossentropy": SparseCategoricalCrossentropy,
}  # fmt: skip
_NAMED: dict[str, type[Loss]] = {
    **_LOSSES,
    **{cls.__name__: cls for cls in _LOSSES.values()},
    "MSE": MeanSquaredError,
    "MAE": MeanAbsoluteError,
}
_FUNCTIONS: dict[Any, type[Loss]] = {
    mean_squared_error: MeanSquaredError,
    mean_absolute_error: MeanAbsoluteError,
    binary_crossentropy: BinaryCrossentropy,
    categorical_crossentropy: CategoricalCrossentropy,
    sparse_categorical_crossentropy: SparseCategoricalCrossentropy,
}


def get(identifier: Any) -> Loss:
    """The loss of that name, or the one that an object or function stands for.

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
    if isinstance(identifier, nn.Module) or is_of_torch_functional(identifier):
        return TorchLoss(identifier)
    if callable(identifier):
        return _FUNCTIONS[identifier]() if identifier in _FUNCTIONS else FunctionLoss(identifier)
    raise ArgumentTypeError(
        f"loss is a name, a loss object or a function; got {identifier!r} of type "
        f"{type(identifier).__name__}."
    )
