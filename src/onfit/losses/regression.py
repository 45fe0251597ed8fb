"""Losses that measure a distance between numbers, or an angle between vectors."""

import math
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from onfit.dtypes import DtypeLike
from onfit.losses.loss import EPSILON, MEAN, NamedLoss, aligned


def mean_squared_error(y_true: Tensor, y_pred: Tensor) -> Tensor:
    """The mean over the last axis of (y_true - y_pred) squared."""
    y_true, y_pred = aligned(y_true, y_pred)
    return torch.square(y_pred - y_true).mean(-1)


def mean_absolute_error(y_true: Tensor, y_pred: Tensor) -> Tensor:
    """The mean over the last axis of |y_true - y_pred|."""
    y_true, y_pred = aligned(y_true, y_pred)
    return torch.abs(y_pred - y_true).mean(-1)


def mean_absolute_percentage_error(y_true: Tensor, y_pred: Tensor) -> Tensor:
    """The mean over the last axis of |y_true - y_pred| in percent of |y_true|."""
    y_true, y_pred = aligned(y_true, y_pred)
    return 100.0 * torch.abs((y_true - y_pred) / y_true.abs().clamp(min=EPSILON)).mean(-1)


def mean_squared_logarithmic_error(y_true: Tensor, y_pred: Tensor) -> Tensor:
    """The mean over the last axis of (log(y_true + 1) - log(y_pred + 1)) squared.

    Numbers below 0 count as 0.
    """
    y_true, y_pred = aligned(y_true, y_pred)
    logs = [torch.log(y.clamp(min=EPSILON) + 1.0) for y in (y_pred, y_true)]
    return torch.square(logs[0] - logs[1]).mean(-1)


def huber(y_true: Tensor, y_pred: Tensor, delta: float = 1.0) -> Tensor:
    """The mean over the last axis of half the squared error, grown on as a line from `delta` on.

    Args:
        y_true: numbers, of the shape of `y_pred`.
        y_pred: numbers.
        delta: the size of an error from which on its loss is linear.
    """
    y_true, y_pred = aligned(y_true, y_pred)
    return F.huber_loss(y_pred, y_true, reduction="none", delta=delta).mean(-1)


def log_cosh(y_true: Tensor, y_pred: Tensor) -> Tensor:
    """The mean over the last axis of log(cosh(y_pred - y_true)).

    Half the squared error where that is small, the absolute error less log(2) where it is large.
    """
    y_true, y_pred = aligned(y_true, y_pred)
    error = y_pred - y_true
    return (error + F.softplus(-2.0 * error) - math.log(2.0)).mean(-1)


def cosine_similarity(y_true: Tensor, y_pred: Tensor, axis: int = -1) -> Tensor:
    """The negative cosine of the angle between two vectors: -1 where they point the same way.

    (The metric of this name is its opposite, and grows.)

    Args:
        y_true: vectors, of the shape of `y_pred`.
        y_pred: vectors.
        axis: the axis along which the numbers of one vector lie.
    """
    y_true, y_pred = aligned(y_true, y_pred)
    return -(_normalized(y_true, axis) * _normalized(y_pred, axis)).sum(axis)


def _normalized(vectors: Tensor, axis: int) -> Tensor:
    # The square is cut off, not the root: the gradient at a vector of zeros is 0 then, not NaN.
    square = torch.square(vectors).sum(axis, keepdim=True).clamp(min=EPSILON**2)
    return vectors * torch.rsqrt(square)


class MeanSquaredError(NamedLoss):
    """`mean_squared_error` as an object."""

    name = "mean_squared_error"
    function = staticmethod(mean_squared_error)


class MeanAbsoluteError(NamedLoss):
    """`mean_absolute_error` as an object."""

    name = "mean_absolute_error"
    function = staticmethod(mean_absolute_error)


class MeanAbsolutePercentageError(NamedLoss):
    """`mean_absolute_percentage_error` as an object."""

    name = "mean_absolute_percentage_error"
    function = staticmethod(mean_absolute_percentage_error)


class MeanSquaredLogarithmicError(NamedLoss):
    """`mean_squared_logarithmic_error` as an object."""

    name = "mean_squared_logarithmic_error"
    function = staticmethod(mean_squared_logarithmic_error)


class Huber(NamedLoss):
    """`huber` with its option.

    Example:
        >>> float(Huber(delta=1.0)([[0.0]], [[3.0]]))
        2.5
    """

    name = "huber_loss"
    function = staticmethod(huber)

    def __init__(
        self,
        delta: float = 1.0,
        reduction: str | None = MEAN,
        name: str | None = None,
        dtype: DtypeLike = None,
    ) -> None:
        super().__init__(reduction, name, dtype)
        self.delta = delta

    def options(self) -> dict[str, Any]:
        return {"delta": self.delta}


class LogCosh(NamedLoss):
    """`log_cosh` as an object."""

    name = "log_cosh"
    function = staticmethod(log_cosh)


class CosineSimilarity(NamedLoss):
    """`cosine_similarity` with its option."""

    name = "cosine_similarity"
    function = staticmethod(cosine_similarity)

    def __init__(
        self,
        axis: int = -1,
        reduction: str | None = MEAN,
        name: str | None = None,
        dtype: DtypeLike = None,
    ) -> None:
        super().__init__(reduction, name, dtype)
        self.axis = axis

    def options(self) -> dict[str, Any]:
        return {"axis": self.axis}
