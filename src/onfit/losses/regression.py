"""Losses that measure a distance between numbers."""

import torch
from torch import Tensor

from onfit.losses.loss import Loss, aligned


def mean_squared_error(y_true: Tensor, y_pred: Tensor) -> Tensor:
    """The mean over the last axis of (y_true - y_pred) squared."""
    y_true, y_pred = aligned(y_true, y_pred)
    return torch.square(y_pred - y_true).mean(-1)


def mean_absolute_error(y_true: Tensor, y_pred: Tensor) -> Tensor:
    """The mean over the last axis of |y_true - y_pred|."""
    y_true, y_pred = aligned(y_true, y_pred)
    return torch.abs(y_pred - y_true).mean(-1)


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
