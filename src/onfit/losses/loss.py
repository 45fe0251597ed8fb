"""What a loss is: one value per sample, and what they come to."""

from collections.abc import Callable
from typing import Any, ClassVar

import torch
from torch import Tensor

from onfit.activations import Activation
from onfit.errors import ArgumentError, ArgumentTypeError, ShapeError, did_you_mean

EPSILON = 1e-7  # Keras' fuzz factor: keeps logarithms and quotients finite

MEAN = "sum_over_batch_size"
_MEANS = (MEAN, "mean", "mean_with_sample_weight")
_REDUCTIONS = (*_MEANS, "sum", "none")


# What each shorter way takes the place of.
_STANDS_FOR = {
    "call_on_logits": ("call", "__call__"),
    "call_mean": ("call", "function", "__call__"),
    "call_mean_on_logits": ("call", "call_on_logits", "function", "__call__"),
}


class Loss:
    """A loss with its options. Subclass it and write `call`, or pass any function to `compile`.

    Args:
        name: how it is written in files and errors; that of its kind if None.
        reduction: what the values of a batch come to. `"sum_over_batch_size"`, or `"mean"`:
            their weighted sum over their number; `"sum"`; `"mean_with_sample_weight"`: their
            weighted sum over the sum of the weights; `"none"`, which cannot be trained on:
            a value per sample.

    Attributes:
        logits_of: the activation that `call_on_logits` takes the place of; None for none.
        output_activation: what a metric should apply to the output to see probabilities.

    Raises:
        ArgumentError: for an unknown reduction.
    """

    name: str = "loss"
    reduction: str = MEAN
    logits_of: Activation | None = None
    output_activation: Activation | None = None

    def __init__(self, *, name: str | None = None, reduction: str | None = MEAN) -> None:
        reduction = "none" if reduction is None else reduction
        if reduction not in _REDUCTIONS:
            raise ArgumentError(
                f"{type(self).__name__}(reduction={reduction!r}): reduction is one of "
                f"{', '.join(map(repr, _REDUCTIONS))}.{did_you_mean(reduction, _REDUCTIONS)}"
            )
        self.name = name or type(self).name
        self.reduction = reduction

    def call(self, y_true: Any, y_pred: Any) -> Tensor:
        """One value per sample, or one for all."""
        raise NotImplementedError

    def call_on_logits(self, y_true: Any, logits: Any) -> Tensor:
        """The same, from the output before the activation `logits_of`."""
        raise NotImplementedError

    @property
    def takes_mean(self) -> bool:
        """Whether samples without weights come to their mean."""
        return self.reduction in _MEANS

    def call_mean(self, y_true: Any, y_pred: Any) -> Tensor:
        """The mean of `call`. A subclass may know a kernel that gives it at once."""
        return reduced(self.call(y_true, y_pred), None)

    def call_mean_on_logits(self, y_true: Any, logits: Any) -> Tensor:
        """The mean of `call_on_logits`."""
        return reduced(self.call_on_logits(y_true, logits), None)

    def may_go(self, way: str) -> bool:
        """Whether a shorter way still leads where this loss does: nothing that it stands for was
        written anew by a subclass, which the shorter way knows nothing of.

        Args:
            way: `"call_on_logits"`, `"call_mean"` or `"call_mean_on_logits"`.
        """
        return all(self._depth(way) <= self._depth(name) for name in _STANDS_FOR[way])

    @property
    def is_called_whole(self) -> bool:
        """Whether a subclass wrote `__call__` itself: then nothing else says what it computes."""
        return type(self).__call__ is not Loss.__call__

    def _depth(self, name: str) -> int:
        """How far down the line of base classes an attribute comes from."""
        if name in vars(self):
            return -1
        line = type(self).__mro__
        return next((depth for depth, cls in enumerate(line) if name in vars(cls)), len(line))

    def __call__(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> Tensor:
        """What the samples, each with its weight, come to: a scalar."""
        values = self.call(torch.as_tensor(y_true), torch.as_tensor(y_pred))
        weight = None if sample_weight is None else torch.as_tensor(sample_weight)
        return reduced(values, weight, self.reduction)

    def weightable(self) -> "Loss":
        """A form of this loss that gives a value per sample."""
        return self

    def get_config(self) -> dict[str, Any]:
        """The arguments that would make it again."""
        shared = {"name": self.name, "reduction": self.reduction}
        return {key: value for key, value in shared.items() if value != getattr(type(self), key)}


class NamedLoss(Loss):
    """A loss that Keras has a name for: a function of `(y_true, y_pred)` and its options."""

    function: ClassVar[Callable[..., Tensor]]

    def options(self) -> dict[str, Any]:
        """The arguments of the function besides the data."""
        return {}

    def call(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        return type(self).function(y_true, y_pred, **self.options())

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), **self.options()}


def reduced(values: Tensor, sample_weight: Tensor | None, reduction: str = MEAN) -> Tensor:
    """What `values`, each times its sample's weight, come to: by default the mean over their
    number.

    Raises:
        ShapeError: if there is not one weight for each sample, or for each value.
    """
    if not isinstance(values, Tensor):
        raise ArgumentTypeError(
            f"a loss returned {values!r} of type {type(values).__name__}. Return a tensor that "
            "comes from the output: a value for each sample, or one for all."
        )
    if sample_weight is not None:
        weight = _fitting(sample_weight, values)
        values = values * weight
        if reduction == "mean_with_sample_weight" and values.ndim:
            total = weight.sum()
            return values.sum() / torch.where(total == 0, 1, total)
    if reduction == "none" or not values.ndim:
        return values
    return values.sum() if reduction == "sum" else values.mean()


def _fitting(weight: Tensor, values: Tensor) -> Tensor:
    """`weight` with the axes of `values`, for a loss that gives several values per sample."""
    if not values.ndim:  # a loss of a user's, which took the mean itself
        return weight
    while weight.ndim > 1 and weight.shape[-1] == 1:
        weight = weight.squeeze(-1)
    if weight.shape != values.shape[: weight.ndim]:
        raise ShapeError(
            f"sample_weight has shape {tuple(weight.shape)}, and the loss gives values of shape "
            f"{tuple(values.shape)}. Pass one weight per sample: shape ({len(values)},)."
        )
    return weight.reshape(*weight.shape, *[1] * (values.ndim - weight.ndim))


def aligned(y_true: Tensor, y_pred: Tensor) -> tuple[Tensor, Tensor]:
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
