"""Losses between distributions, and of counts."""

import torch
from torch import Tensor

from onfit.losses.loss import EPSILON, NamedLoss, aligned


def kl_divergence(y_true: Tensor, y_pred: Tensor) -> Tensor:
    """The sum over the last axis of y_true * log(y_true / y_pred) (Kullback and Leibler).

    Args:
        y_true: probabilities, of the shape of `y_pred`.
        y_pred: probabilities.
    """
    y_true, y_pred = (y.clamp(EPSILON, 1.0) for y in aligned(y_true, y_pred))
    return (y_true * torch.log(y_true / y_pred)).sum(-1)


def poisson(y_true: Tensor, y_pred: Tensor) -> Tensor:
    """The mean over the last axis of y_pred - y_true * log(y_pred).

    Args:
        y_true: counts, of the shape of `y_pred`.
        y_pred: the counts to be expected, positive.
    """
    y_true, y_pred = aligned(y_true, y_pred)
    return (y_pred - y_true * torch.log(y_pred + EPSILON)).mean(-1)


class KLDivergence(NamedLoss):
    """`kl_divergence` as an object."""

    name = "kl_divergence"
    function = staticmethod(kl_divergence)


class Poisson(NamedLoss):
    """`poisson` as an object."""

    name = "poisson"
    function = staticmethod(poisson)
