"""The hinge losses: an output that is on the right side by a margin of 1 costs nothing."""

import torch
from torch import Tensor

from onfit.losses.loss import NamedLoss, aligned


def hinge(y_true: Tensor, y_pred: Tensor) -> Tensor:
    """The mean over the last axis of max(1 - y_true * y_pred, 0).

    Args:
        y_true: -1 or 1, or 0 or 1, of the shape of `y_pred`.
        y_pred: scores, positive for the class 1.
    """
    return _shortfall(y_true, y_pred).mean(-1)


def squared_hinge(y_true: Tensor, y_pred: Tensor) -> Tensor:
    """The mean over the last axis of max(1 - y_true * y_pred, 0) squared.

    Args:
        y_true: -1 or 1, or 0 or 1, of the shape of `y_pred`.
        y_pred: scores, positive for the class 1.
    """
    return torch.square(_shortfall(y_true, y_pred)).mean(-1)


def categorical_hinge(y_true: Tensor, y_pred: Tensor) -> Tensor:
    """How far the score of the right class is from leading all others by 1.

    Args:
        y_true: one-hot labels, of the shape of `y_pred`.
        y_pred: a score for each class.
    """
    y_true, y_pred = aligned(y_true, y_pred)
    right = (y_true * y_pred).sum(-1)
    wrong = ((1.0 - y_true) * y_pred).amax(-1)
    return torch.relu(wrong - right + 1.0)


def _shortfall(y_true: Tensor, y_pred: Tensor) -> Tensor:
    y_true, y_pred = aligned(y_true, y_pred)
    # Labels of 0 and 1 become -1 and 1. The device decides which labels these are, so that the
    # program does not wait for it.
    binary = ((y_true == 0) | (y_true == 1)).all()
    signs = torch.where(binary, 2.0 * y_true - 1.0, y_true)
    return torch.relu(1.0 - signs * y_pred)


class Hinge(NamedLoss):
    """`hinge` as an object."""

    name = "hinge"
    function = staticmethod(hinge)


class SquaredHinge(NamedLoss):
    """`squared_hinge` as an object."""

    name = "squared_hinge"
    function = staticmethod(squared_hinge)


class CategoricalHinge(NamedLoss):
    """`categorical_hinge` as an object."""

    name = "categorical_hinge"
    function = staticmethod(categorical_hinge)
