"""What a loss is: one value per sample, and their weighted mean."""

from typing import Any

import torch
from torch import Tensor

from onfit.activations import Activation
from onfit.errors import ShapeError


class Loss:
    """A loss with its options. Subclass it and write `call`, or pass any function to `compile`.

    Attributes:
        name: how it is written in logs and files.
        logits_of: the activation that `call_on_logits` takes the place of; None for none.
        output_activation: what a metric should apply to the output to see probabilities.
    """

    name = "loss"
    logits_of: Activation | None = None
    output_activation: Activation | None = None

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
    """The mean of `values`, each times its sample's weight, over the number of values.

    Raises:
        ShapeError: if there is not one weight for each sample, or for each value.
    """
    if sample_weight is not None:
        values = values * _fitting(sample_weight, values)
    return values.mean() if values.ndim else values


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
