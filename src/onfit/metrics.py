"""Metrics by Keras' names: functions of `(y_true, y_pred)` that give a value per sample."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from onfit import losses
from onfit._types import Mode
from onfit.core.objective import direction_by_name
from onfit.errors import ArgumentError, ArgumentTypeError, ShapeError, did_you_mean

mean_squared_error = losses.mean_squared_error
mean_absolute_error = losses.mean_absolute_error
binary_crossentropy = losses.binary_crossentropy
categorical_crossentropy = losses.categorical_crossentropy
sparse_categorical_crossentropy = losses.sparse_categorical_crossentropy


def binary_accuracy(y_true: Tensor, y_pred: Tensor, threshold: float = 0.5) -> Tensor:
    """The share, over the last axis, of outputs on the right side of `threshold`."""
    if y_true.ndim == y_pred.ndim - 1 and y_pred.shape[-1] == 1:
        y_true = y_true[..., None]
    _require_same_shape("binary_accuracy", y_true, y_pred)
    right = (y_pred > threshold) == y_true.bool()
    return right.float().mean(-1) if right.ndim > 1 else right.float()


def categorical_accuracy(y_true: Tensor, y_pred: Tensor) -> Tensor:
    """1 where the largest output is that of the one-hot label's class, else 0."""
    _require_same_shape("categorical_accuracy", y_true, y_pred)
    return (y_true.argmax(-1) == y_pred.argmax(-1)).float()


def sparse_categorical_accuracy(y_true: Tensor, y_pred: Tensor) -> Tensor:
    """1 where the largest output is that of the class whose index is the label, else 0."""
    if y_true.ndim == y_pred.ndim and y_true.shape[-1] == 1:
        y_true = y_true.squeeze(-1)
    if y_true.shape != y_pred.shape[:-1]:
        raise ShapeError(
            f"sparse_categorical_accuracy takes one class index per sample; got y of shape "
            f"{tuple(y_true.shape)} for outputs of shape {tuple(y_pred.shape)}."
        )
    return (y_pred.argmax(-1) == y_true).float()


def accuracy(y_true: Tensor, y_pred: Tensor) -> Tensor:
    """The accuracy that the shapes ask for: binary, sparse categorical or categorical.

    One output per sample is binary; class indices are sparse; one-hot labels are categorical.
    """
    if y_pred.ndim == 1 or y_pred.shape[-1] == 1:
        return binary_accuracy(y_true, y_pred)
    if y_true.ndim < y_pred.ndim or y_true.shape[-1] == 1:
        return sparse_categorical_accuracy(y_true, y_pred)
    return categorical_accuracy(y_true, y_pred)


def _require_same_shape(name: str, y_true: Tensor, y_pred: Tensor) -> None:
    if y_true.shape != y_pred.shape:
        raise ShapeError(
            f"{name} compares y with outputs of the same shape; got y of shape "
            f"{tuple(y_true.shape)} and outputs of shape {tuple(y_pred.shape)}."
        )


class AnyMetric:
    """What `compile` takes as a metric: `Metric` and `StatefulMetric`.

    Attributes:
        name: its name in the logs.
        direction: whether it should grow (`"max"`) or shrink; None if nobody knows.
        takes_logits: whether it is the same for outputs before a softmax.
    """

    name: str
    direction: Mode | None = None
    takes_logits = False

    def __call__(self, y_true: Any, y_pred: Any) -> Tensor:
        """The value of one batch alone: a scalar tensor."""
        raise NotImplementedError


class StatefulMetric(AnyMetric):
    """A metric that is no mean over samples: it keeps a state. Subclass it.

    Batch logs hold its value so far, epoch logs that of the whole epoch.
    """

    def __call__(self, y_true: Any, y_pred: Any) -> Tensor:
        """The value of these alone; what was taken in before is forgotten."""
        self.reset()
        self.update(y_true, y_pred)
        return self.result()

    def reset(self) -> None:
        """Forget everything: an epoch starts."""
        raise NotImplementedError

    def update(self, y_true: Any, y_pred: Any) -> None:
        """Take in a batch. Runs without gradients; must not wait for the device."""
        raise NotImplementedError

    def result(self) -> Tensor:
        """The value so far: a new scalar tensor."""
        raise NotImplementedError


class Metric(AnyMetric):
    """A function with the name it has in the logs.

    Args:
        function: of `(y_true, y_pred)`; returns a value per sample, or one for the batch.
        name: its name in the logs.
        direction: `"max"` or `"min"`; None asks the name.

    Its epoch value is the mean over samples. Sample weights do not count.
    """

    def __init__(
        self, function: Callable[..., Any], name: str, direction: Mode | None = None
    ) -> None:
        self.function = function
        self.name = name
        self.direction: Mode | None = direction or direction_by_name(name)
        # The largest output stays the largest through a softmax, so none need be computed.
        self.takes_logits = function in (categorical_accuracy, sparse_categorical_accuracy)

    def __call__(self, y_true: Any, y_pred: Any) -> Tensor:
        """The mean over the batch: a scalar tensor."""
        value = self.function(y_true, y_pred)
        if not isinstance(value, Tensor):
            value = torch.as_tensor(value, dtype=torch.get_default_dtype())
        return value.float().mean() if value.ndim else value

    def get_config(self) -> str:
        """What a saved model calls it."""
        return self.name


_FUNCTIONS: dict[str, Callable[..., Any]] = {
    "acc": accuracy, "accuracy": accuracy,
    "binary_accuracy": binary_accuracy,
    "categorical_accuracy": categorical_accuracy,
    "sparse_categorical_accuracy": sparse_categorical_accuracy,
    "mse": mean_squared_error, "MSE": mean_squared_error,
    "mean_squared_error": mean_squared_error,
    "mae": mean_absolute_error, "MAE": mean_absolute_error,
    "mean_absolute_error": mean_absolute_error,
    "bce": binary_crossentropy, "binary_crossentropy": binary_crossentropy,
    "categorical_crossentropy": categorical_crossentropy,
    "sparse_categorical_crossentropy": sparse_categorical_crossentropy,
}  # fmt: skip


def get(identifier: Any) -> AnyMetric:
    """The metric of that name, or a function of `(y_true, y_pred)` as one.

    Raises:
        ArgumentError: for an unknown name.
        ArgumentTypeError: for anything else that is not a metric.

    >>> get("acc").name, get("acc").direction
    ('acc', 'max')
    """
    if isinstance(identifier, AnyMetric):
        return identifier
    if isinstance(identifier, str):
        if identifier not in _FUNCTIONS:
            raise ArgumentError(
                f"metrics=[{identifier!r}] is not known. Known are "
                f"{', '.join(sorted(_FUNCTIONS))}; or pass a function of (y_true, y_pred)."
                f"{did_you_mean(identifier, _FUNCTIONS)}"
            )
        return Metric(_FUNCTIONS[identifier], identifier)
    if callable(identifier) and not isinstance(identifier, type):
        return Metric(identifier, getattr(identifier, "__name__", type(identifier).__name__))
    raise ArgumentTypeError(
        f"a metric is a name or a function of (y_true, y_pred); got {identifier!r} of type "
        f"{type(identifier).__name__}."
    )
