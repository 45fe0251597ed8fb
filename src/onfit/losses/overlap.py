"""Losses that measure how far two areas overlap, as of segmentations."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from onfit.dtypes import DtypeLike
from onfit.losses.loss import EPSILON, MEAN, NamedLoss, aligned

Axes = int | Sequence[int] | None


def dice(y_true: Tensor, y_pred: Tensor, axis: Axes = None) -> Tensor:
    """1 - twice the overlap over the sum of both areas.

    Args:
        y_true: 0 or 1, of the shape of `y_pred`.
        y_pred: probabilities.
        axis: the axes of one area; all if None, which gives one value for the batch.
    """
    y_true, y_pred = aligned(y_true, y_pred)
    both = _sum(y_true, axis) + _sum(y_pred, axis)
    return 1 - 2.0 * _sum(y_true * y_pred, axis) / (both + EPSILON)


def tversky(
    y_true: Tensor, y_pred: Tensor, alpha: float = 0.5, beta: float = 0.5, axis: Axes = None
) -> Tensor:
    """1 - the overlap over itself and both errors, each with a weight (Salehi et al. 2017).

    Args:
        y_true: 0 or 1, of the shape of `y_pred`.
        y_pred: probabilities.
        alpha: the weight of what is in `y_true` alone.
        beta: the weight of what is in `y_pred` alone.
        axis: the axes of one area; all if None, which gives one value for the batch.
    """
    y_true, y_pred = aligned(y_true, y_pred)
    overlap = _sum(y_true * y_pred, axis)
    missed, wrong = _sum((1 - y_pred) * y_true, axis), _sum(y_pred * (1 - y_true), axis)
    return 1 - overlap / (overlap + missed * alpha + wrong * beta + EPSILON)


def _sum(values: Tensor, axis: Axes) -> Tensor:
    if axis is None:
        return values.sum()
    return torch.sum(values, axis if isinstance(axis, int) else tuple(axis))


class Dice(NamedLoss):
    """`dice` with its option."""

    name = "dice"
    function = staticmethod(dice)

    def __init__(
        self,
        reduction: str | None = MEAN,
        name: str | None = None,
        axis: Axes = None,
        dtype: DtypeLike = None,
    ) -> None:
        super().__init__(reduction, name, dtype)
        self.axis = axis

    def options(self) -> dict[str, Any]:
        return {"axis": self.axis}


class Tversky(NamedLoss):
    """`tversky` with its options."""

    name = "tversky"
    function = staticmethod(tversky)

    def __init__(
        self,
        alpha: float = 0.5,
        beta: float = 0.5,
        reduction: str | None = MEAN,
        name: str | None = None,
        axis: Axes = None,
        dtype: DtypeLike = None,
    ) -> None:
        super().__init__(reduction, name, dtype)
        self.alpha = alpha
        self.beta = beta
        self.axis = axis

    def options(self) -> dict[str, Any]:
        return {"alpha": self.alpha, "beta": self.beta, "axis": self.axis}
