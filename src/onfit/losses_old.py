"""Losses by Keras' names, in Keras' argument order, and torch's losses in theirs.

A loss gives one value per sample; what training minimises is their mean, weighted by
`sample_weight` and divided by the number of samples. Behind a softmax or a sigmoid the
crossentropies are computed from the logits, where nothing overflows.
"""

import copy
from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from onfit import activations
from onfit.errors import ArgumentError, ArgumentTypeError, ShapeError, did_you_mean

EPSILON = 1e-7  # Keras' fuzz factor: keeps the logarithm of a probability finite


def mean_squared_error(y_true: Tensor, y_pred: Tensor) -> Tensor:
    """The mean over the last axis of (y_true - y_pred) squared."""
    y_true, y_pred = _aligned(y_true, y_pred)
    return torch.square(y_pred - y_true).mean(-1)


def mean_absolute_error(y_true: Tensor, y_pred: Tensor) -> Tensor:
    """The mean over the last axis of |y_true - y_pred|."""
    y_true, y_pred = _aligned(y_true, y_pred)
    return torch.abs(y_pred - y_true).mean(-1)


def binary_crossentropy(
    y_true: Tensor, y_pred: Tensor, from_logits: bool = False, label_smoothing: float = 0.0
) -> Tensor:
    """The mean over the last axis of -log of the probability given to the right answer.

    Args:
        y_true: 0 or 1, of the shape of `y_pred`.
        y_pred: probabilities, or logits with `from_logits=True`.
        from_logits: whether a sigmoid is still to come.
        label_smoothing: how far to move the labels towards 0.5, from 0 to 1.
    """
    y_true, y_pred = _aligned(y_true, y_pred)
    if label_smoothing:
        y_true = y_true * (1.0 - label_smoothing) + 0.5 * label_smoothing
    if from_logits:
        return F.binary_cross_entropy_with_logits(y_pred, y_true, reduction="none").mean(-1)
    y_pred = y_pred.clamp(EPSILON, 1.0 - EPSILON)
    return F.binary_cross_entropy(y_pred, y_true, reduction="none").mean(-1)


def categorical_crossentropy(
    y_true: Tensor, y_pred: Tensor, from_logits: bool = False, label_smoothing: float = 0.0
) -> Tensor:
    """-log of the probability given to the right class, whose label is one-hot.

    Args:
        y_true: one-hot labels or class probabilities, of the shape of `y_pred`.
        y_pred: class probabilities, or logits with `from_logits=True`.
        from_logits: whether a softmax is still to come.
        label_smoothing: how far to move the labels towards uniform, from 0 to 1.
    """
    y_true, y_pred = _aligned(y_true, y_pred)
    if label_smoothing:
        y_true = y_true * (1.0 - label_smoothing) + label_smoothing / y_true.shape[-1]
    return -(y_true * _log_probabilities(y_pred, from_logits)).sum(-1)


def sparse_categorical_crossentropy(
    y_true: Tensor, y_pred: Tensor, from_logits: bool = False
) -> Tensor:
    """-log of the probability given to the right class, whose label is its index.

    Args:
        y_true: class indices, of the shape of `y_pred` without its last axis (or with 1 there).
        y_pred: class probabilities, or logits with `from_logits=True`.
        from_logits: whether a softmax is still to come.
    """
    labels = _class_indices(y_true, y_pred)
    if from_logits and y_pred.ndim == 2:
        return F.cross_entropy(y_pred, labels, reduction="none")
    log_probabilities = _log_probabilities(y_pred, from_logits)
    return -log_probabilities.gather(-1, labels[..., None]).squeeze(-1)


def _log_probabilities(y_pred: Tensor, from_logits: bool) -> Tensor:
    if from_logits:
        return torch.log_softmax(y_pred, -1)
    y_pred = y_pred / y_pred.sum(-1, keepdim=True)
    return torch.log(y_pred.clamp(EPSILON, 1.0 - EPSILON))


def _class_indices(y_true: Tensor, y_pred: Tensor) -> Tensor:
    if y_true.ndim == y_pred.ndim and y_true.shape[-1] == 1:
        y_true = y_true.squeeze(-1)
    if y_true.shape != y_pred.shape[:-1]:
        raise ShapeError(
            f"sparse_categorical_crossentropy takes one class index per sample: y of shape "
            f"{tuple(y_pred.shape[:-1])} for outputs of shape {tuple(y_pred.shape)}; got "
            f"{tuple(y_true.shape)}. For one-hot y use categorical_crossentropy."
        )
    return y_true.long()


def _aligned(y_true: Tensor, y_pred: Tensor) -> tuple[Tensor, Tensor]:
    """Both with the same axes and type: y of shape (n,) meets outputs of shape (n, 1)."""
    if y_true.ndim == y_pred.ndim - 1 and y_pred.shape[-1] == 1:
        y_true = y_true[..., None]
    elif y_true.ndim == y_pred.ndim + 1 and y_true.shape[-1] == 1:
        y_true = y_true.squeeze(-1)
    if y_true.shape != y_pred.shape:
        raise ShapeError(
            f"y has shape {tuple(y_true.shape)} and the model's output has shape "
            f"{tuple(y_pred.shape)}; this loss or metric compares them element by element. "
            "For class indices with one output per class use sparse_categorical_crossentropy."
        )
    if y_pred.ndim == 1:
        y_true, y_pred = y_true[:, None], y_pred[:, None]
    return y_true.to(y_pred.dtype), y_pred


class Loss:
    """A loss with its options. Subclass it and write `call`, or pass any function to `compile`.

    Attributes:
        name: how it is written in logs and files.
        logits_of: the activation that `call_on_logits` takes the place of; None for none.
        output_activation: what a metric should apply to the output to see probabilities.
    """

    name = "loss"
    logits_of: activations.Activation | None = None
    output_activation: activations.Activation | None = None

    def call(self, y_true: Any, y_pred: Any) -> Tensor:
        """One value per sample, or one for all."""
        raise NotImplementedError

    def call_on_logits(self, y_true: Any, logits: Any) -> Tensor:
        """The same, from the output before the activation `logits_of`."""
        raise NotImplementedError

    def __call__(self, y_true: Any, y_pred: Any, sample_weight: Tensor | None = None) -> Tensor:
        """The weighted mean over all samples: a scalar."""
        return reduced(self.call(torch.as_tensor(y_true), torch.as_tensor(y_pred)), sample_weight)

    def weightable(self) -> "Loss":
        """A form of this loss that gives a value per sample."""
        return self

    def get_config(self) -> dict[str, Any]:
        """The arguments that would make it again."""
        return {}


def reduced(values: Tensor, sample_weight: Tensor | None) -> Tensor:
    """The mean of `values`, each times its sample's weight, over the number of values."""
    if sample_weight is not None:
        extra = values.ndim - sample_weight.ndim
        values = values * sample_weight.reshape(*sample_weight.shape, *[1] * extra)
    return values.mean() if values.ndim else values


class MeanSquaredError(Loss):
    """`mean_squared_error` as an object."""

    name = "mean_squared_error"

    def call(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        return mean_squared_error(y_true, y_pred)


class MeanAbsoluteError(Loss):
    """`mean_absolute_error` as an object."""

    name = "mean_absolute_error"

    def call(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        return mean_absolute_error(y_true, y_pred)


class _Crossentropy(Loss):
    """What the crossentropies share: `from_logits`, and the activation they can look behind."""

    _activation: activations.Activation
    _function: Callable[..., Tensor]

    def __init__(self, from_logits: bool = False) -> None:
        self.from_logits = from_logits
        if from_logits:
            self.output_activation = self._activation
        else:
            self.logits_of = self._activation

    def _options(self) -> dict[str, Any]:
        return {}

    def call(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        return type(self)._function(
            y_true, y_pred, from_logits=self.from_logits, **self._options()
        )

    def call_on_logits(self, y_true: Tensor, logits: Tensor) -> Tensor:
        return type(self)._function(y_true, logits, from_logits=True, **self._options())

    def get_config(self) -> dict[str, Any]:
        return {"from_logits": self.from_logits, **self._options()}


class _SmoothedCrossentropy(_Crossentropy):
    """A crossentropy whose labels can be smoothed."""

    def __init__(self, from_logits: bool = False, label_smoothing: float = 0.0) -> None:
        if not 0 <= label_smoothing <= 1:
            raise ArgumentError(
                f"{type(self).__name__}(label_smoothing={label_smoothing!r}): from 0 to 1."
            )
        super().__init__(from_logits)
        self.label_smoothing = label_smoothing

    def _options(self) -> dict[str, Any]:
        return {"label_smoothing": self.label_smoothing}


class BinaryCrossentropy(_SmoothedCrossentropy):
    """`binary_crossentropy` with its options."""

    name = "binary_crossentropy"
    _activation = staticmethod(activations.sigmoid)
    _function = staticmethod(binary_crossentropy)


class CategoricalCrossentropy(_SmoothedCrossentropy):
    """`categorical_crossentropy` with its options."""

    name = "categorical_crossentropy"
    _activation = staticmethod(activations.softmax)
    _function = staticmethod(categorical_crossentropy)


class SparseCategoricalCrossentropy(_Crossentropy):
    """`sparse_categorical_crossentropy` with its options."""

    name = "sparse_categorical_crossentropy"
    _activation = staticmethod(activations.softmax)
    _function = staticmethod(sparse_categorical_crossentropy)


class FunctionLoss(Loss):
    """A user's function of `(y_true, y_pred)`, Keras' order."""

    def __init__(self, function: Callable[..., Tensor]) -> None:
        self.function = function
        self.name = getattr(function, "__name__", type(function).__name__)

    def call(self, y_true: Any, y_pred: Any) -> Tensor:
        return self.function(y_true, y_pred)


class TorchLoss(Loss):
    """A torch loss: a module or function of `(input, target)`, torch's order."""

    def __init__(self, criterion: Callable[..., Tensor]) -> None:
        self.criterion = criterion
        self.name = getattr(criterion, "__name__", type(criterion).__name__)
        if isinstance(criterion, nn.CrossEntropyLoss) or criterion is F.cross_entropy:
            self.output_activation = activations.softmax
        elif (
            isinstance(criterion, nn.BCEWithLogitsLoss)
            or criterion is F.binary_cross_entropy_with_logits
        ):
            self.output_activation = activations.sigmoid

    def call(self, y_true: Any, y_pred: Any) -> Tensor:
        if isinstance(y_true, Tensor) and isinstance(y_pred, Tensor):
            y_true = _as_torch_target(y_true, y_pred)
        return self.criterion(y_pred, y_true)

    def weightable(self) -> Loss:
        if getattr(self.criterion, "reduction", "none") == "none":
            return self
        criterion = copy.copy(self.criterion)
        criterion.reduction = "none"  # type: ignore[attr-defined]
        return TorchLoss(criterion)


def _as_torch_target(y_true: Tensor, y_pred: Tensor) -> Tensor:
    """Class indices lose an axis of length 1; other targets take the output's shape and type."""
    if y_true.ndim == y_pred.ndim and y_true.shape[-1] == 1 != y_pred.shape[-1]:
        return y_true.squeeze(-1)
    if y_true.ndim == y_pred.ndim - 1 and y_pred.shape[-1] == 1:
        y_true = y_true[..., None]
    return y_true.to(y_pred.dtype) if y_true.shape == y_pred.shape else y_true


_LOSSES: dict[str, type[Loss]] = {
    "mse": MeanSquaredError, "mean_squared_error": MeanSquaredError,
    "mae": MeanAbsoluteError, "mean_absolute_error": MeanAbsoluteError,
    "bce": BinaryCrossentropy, "binary_crossentropy": BinaryCrossentropy,
    "categorical_crossentropy": CategoricalCrossentropy,
    "sparse_categorical_crossentropy": SparseCategoricalCrossentropy,
}  # fmt: skip
_NAMED = {
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
    if isinstance(identifier, nn.Module) or _is_of_torch_functional(identifier):
        return TorchLoss(identifier)
    if identifier in _FUNCTIONS:
        return _FUNCTIONS[identifier]()
    if callable(identifier):
        return FunctionLoss(identifier)
    raise ArgumentTypeError(
        f"loss is a name, a loss object or a function; got {identifier!r} of type "
        f"{type(identifier).__name__}."
    )


def _is_of_torch_functional(identifier: Any) -> bool:
    return getattr(F, getattr(identifier, "__name__", ""), None) is identifier
