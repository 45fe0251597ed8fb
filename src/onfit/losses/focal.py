"""Crossentropies that give less weight to what the model knows already, or to wrong labels."""

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from onfit.dtypes import DtypeLike
from onfit.losses.crossentropy import class_indices, smoothed_to_half, smoothed_to_uniform
from onfit.losses.loss import EPSILON, MEAN, NamedLoss, aligned


def binary_focal_crossentropy(
    y_true: Tensor,
    y_pred: Tensor,
    apply_class_balancing: bool = False,
    alpha: float = 0.25,
    gamma: float = 2.0,
    from_logits: bool = False,
    label_smoothing: float = 0.0,
    axis: int = -1,
) -> Tensor:
    """The binary crossentropy, times (1 - the probability of the right answer) to the `gamma`
    (Lin et al. 2018).

    Args:
        y_true: 0 or 1, of the shape of `y_pred`.
        y_pred: probabilities, or logits with `from_logits=True`.
        apply_class_balancing: whether to weight the classes by `alpha`.
        alpha: the weight of class 1; that of class 0 is 1 - `alpha`.
        gamma: how much less an answer counts that the model is sure of.
        from_logits: whether `y_pred` are logits, to which no sigmoid was applied.
        label_smoothing: how far to move the labels towards 0.5, from 0 to 1.
        axis: the axis of the mean.
    """
    y_true, y_pred = aligned(y_true, y_pred)
    y_true = smoothed_to_half(y_true, label_smoothing)
    y_pred = torch.sigmoid(y_pred) if from_logits else y_pred
    clamped = y_pred.clamp(EPSILON, 1.0 - EPSILON)
    values = F.binary_cross_entropy(clamped, y_true, reduction="none")
    right = y_true * y_pred + (1.0 - y_true) * (1.0 - y_pred)
    values = torch.pow(1.0 - right, gamma) * values
    if apply_class_balancing:
        values = values * (y_true * alpha + (1.0 - y_true) * (1.0 - alpha))
    return values.mean(axis)


def categorical_focal_crossentropy(
    y_true: Tensor,
    y_pred: Tensor,
    alpha: float = 0.25,
    gamma: float = 2.0,
    from_logits: bool = False,
    label_smoothing: float = 0.0,
    axis: int = -1,
) -> Tensor:
    """The categorical crossentropy, times `alpha` and (1 - the probability of the class) to the
    `gamma` (Lin et al. 2018).

    Args:
        y_true: one-hot labels, of the shape of `y_pred`.
        y_pred: class probabilities, or logits with `from_logits=True`.
        alpha: a factor of all.
        gamma: how much less a class counts that the model is sure of.
        from_logits: whether `y_pred` are logits, to which no softmax was applied.
        label_smoothing: how far to move the labels towards uniform, from 0 to 1.
        axis: the axis of the classes.
    """
    y_true, y_pred = aligned(y_true, y_pred)
    y_true = smoothed_to_uniform(y_true, label_smoothing)
    y_pred = torch.softmax(y_pred, axis) if from_logits else y_pred
    share = (y_pred / y_pred.sum(axis, keepdim=True)).clamp(EPSILON, 1.0 - EPSILON)
    return (torch.pow(1.0 - share, gamma) * alpha * -y_true * torch.log(share)).sum(axis)


def categorical_generalized_cross_entropy(y_true: Tensor, y_pred: Tensor, q: float) -> Tensor:
    """(1 - p to the `q`) / `q`, for the probability p of the right class (Zhang and Sabuncu 2018).

    Args:
        y_true: class indices.
        y_pred: class probabilities.
        q: near 0 like a crossentropy, near 1 like the absolute error, which minds wrong labels
            less.
    """
    labels = class_indices(y_true, y_pred)
    # The root of 0 has an infinite slope.
    right = y_pred.gather(-1, labels[..., None]).squeeze(-1).clamp(min=1e-30)
    return (1 - torch.pow(right, q)) / q


class BinaryFocalCrossentropy(NamedLoss):
    """`binary_focal_crossentropy` with its options."""

    name = "binary_focal_crossentropy"
    function = staticmethod(binary_focal_crossentropy)

    def __init__(
        self,
        apply_class_balancing: bool = False,
        alpha: float = 0.25,
        gamma: float = 2.0,
        from_logits: bool = False,
        label_smoothing: float = 0.0,
        axis: int = -1,
        reduction: str | None = MEAN,
        name: str | None = None,
        dtype: DtypeLike = None,
    ) -> None:
        super().__init__(reduction, name, dtype)
        self.apply_class_balancing = apply_class_balancing
        self.alpha = alpha
        self.gamma = gamma
        self.from_logits = from_logits
        self.label_smoothing = label_smoothing
        self.axis = axis

    def options(self) -> dict[str, Any]:
        return {
            "apply_class_balancing": self.apply_class_balancing,
            "alpha": self.alpha,
            "gamma": self.gamma,
            "from_logits": self.from_logits,
            "label_smoothing": self.label_smoothing,
            "axis": self.axis,
        }


class CategoricalFocalCrossentropy(NamedLoss):
    """`categorical_focal_crossentropy` with its options."""

    name = "categorical_focal_crossentropy"
    function = staticmethod(categorical_focal_crossentropy)

    def __init__(
        self,
        alpha: float = 0.25,
        gamma: float = 2.0,
        from_logits: bool = False,
        label_smoothing: float = 0.0,
        axis: int = -1,
        reduction: str | None = MEAN,
        name: str | None = None,
        dtype: DtypeLike = None,
    ) -> None:
        super().__init__(reduction, name, dtype)
        self.alpha = alpha
        self.gamma = gamma
        self.from_logits = from_logits
        self.label_smoothing = label_smoothing
        self.axis = axis

    def options(self) -> dict[str, Any]:
        return {
            "alpha": self.alpha,
            "gamma": self.gamma,
            "from_logits": self.from_logits,
            "label_smoothing": self.label_smoothing,
            "axis": self.axis,
        }


class CategoricalGeneralizedCrossEntropy(NamedLoss):
    """`categorical_generalized_cross_entropy` with its option."""

    name = "categorical_generalized_cross_entropy"
    function = staticmethod(categorical_generalized_cross_entropy)

    def __init__(
        self,
        q: float = 0.5,
        reduction: str | None = MEAN,
        name: str | None = None,
        dtype: DtypeLike = None,
    ) -> None:
        super().__init__(reduction, name, dtype)
        self.q = q

    def options(self) -> dict[str, Any]:
        return {"q": self.q}
