"""The loss of an output that has a mask: only the steps that count are in it, as in Keras."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from onfit.layers.masking.masks import mask_of
from onfit.losses.loss import MEAN

# Of targets, outputs, and weights of samples (or None): the loss.
_LossOf = Callable[[Any, Any, Any], Tensor]


def masked_loss(loss: _LossOf, reduction: str) -> _LossOf:
    """A loss of `(y, output, weight)` that heeds the mask of the output.

    Args:
        loss: computes it without one.
        reduction: how its values become one.
    """

    def compute(y: Any, output: Any, weight: Any) -> Tensor:
        mask = mask_of(output)
        if isinstance(mask, Tensor):
            weight = weights_of(mask, weight, output, spread=reduction in (MEAN, "mean"))
        return loss(y, output, weight)

    return compute


def weights_of(mask: Tensor, weight: Any, output: Tensor, *, spread: bool = False) -> Tensor:
    """The weights of all values, given which of them count.

    Args:
        mask: True for each that counts.
        weight: the weights of the samples, or of their steps; None for none.
        output: what the mask is of.
        spread: whether those that count are to weigh as much together as all would.
    """
    counts: Tensor = mask.to(output.dtype)
    if spread:
        total = counts.sum()
        counts = counts * (counts.numel() / torch.where(total == 0, 1, total))
    if weight is None:
        return counts
    while weight.ndim > counts.ndim and weight.shape[-1] == 1:
        weight = weight.squeeze(-1)
    of_samples: Tensor = weight.reshape(*weight.shape, *[1] * (counts.ndim - weight.ndim))
    return counts * of_samples
