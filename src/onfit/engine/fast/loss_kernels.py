"""Losses whose mean over a batch is one kernel, alone and with its gradient.

The tables name exact types: a subclass may compute something else, and takes the plain way.
"""

import functools
from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from onfit.engine.fast.conditions import is_unpatched
from onfit.losses import (
    BinaryCrossentropy,
    CategoricalCrossentropy,
    Loss,
    MeanAbsoluteError,
    MeanSquaredError,
    SparseCategoricalCrossentropy,
    reduced,
)
from onfit.losses.crossentropy import NO_CLASS, class_indices
from onfit.losses.loss import MEANS, aligned

# Of a loss, targets and outputs: the mean over samples without weights.
Mean = Callable[[Any, Tensor, Tensor], Tensor]
# Of targets and outputs: the mean loss, and its gradient by the outputs.
Slope = Callable[[Tensor, Tensor], tuple[Tensor, Tensor]]

_kernels = torch.ops.aten
_of_log_softmax = torch._log_softmax_backward_data
_nll = _kernels.nll_loss_forward.default
_of_nll = _kernels.nll_loss_backward.default
_of_mse = _kernels.mse_loss_backward.default

_MEAN = 1  # the kernels' number for this reduction


def mean_of(loss: Loss, on_logits: bool) -> Mean | None:
    """What computes the mean of a loss at once; None if there is no kernel for it.

    Args:
        loss: the loss of an output.
        on_logits: whether the loss is given the numbers before the output's activation.
    """
    return _MEANS.get(_key(loss, on_logits)) if _has_plain_mean(loss) else None


def slope_of(loss: Loss, on_logits: bool) -> Slope | None:
    """What computes the mean of a loss and its gradient; None if this is not written out here.

    Args:
        loss: the loss of an output.
        on_logits: whether the loss is given the numbers before the output's activation.
    """
    if getattr(loss, "label_smoothing", 0.0) or not _has_plain_mean(loss):
        return None
    return _SLOPES.get(_key(loss, on_logits))


def _key(loss: Loss, on_logits: bool) -> tuple[type[Loss], bool]:
    return type(loss), on_logits or getattr(loss, "from_logits", False)


def _has_plain_mean(loss: Loss) -> bool:
    return (
        loss.reduction in MEANS
        and loss.dtype is None
        and getattr(loss, "ignore_class", None) is None
        and getattr(loss, "axis", -1) == -1
        and is_unpatched(loss)
    )


# --- means -------------------------------------------------------------------------------


def _mean_squared_error(loss: MeanSquaredError, y: Tensor, outputs: Tensor) -> Tensor:
    y, outputs = aligned(y, outputs)
    return F.mse_loss(outputs, y)


def _mean_absolute_error(loss: MeanAbsoluteError, y: Tensor, outputs: Tensor) -> Tensor:
    y, outputs = aligned(y, outputs)
    return F.l1_loss(outputs, y)


def _mean_binary_crossentropy(loss: BinaryCrossentropy, y: Tensor, logits: Tensor) -> Tensor:
    if loss.label_smoothing:
        return reduced(loss.call_on_logits(y, logits), None)
    y, logits = aligned(y, logits)
    return F.binary_cross_entropy_with_logits(logits, y)


def _mean_sparse_crossentropy(
    loss: SparseCategoricalCrossentropy, y: Tensor, logits: Tensor
) -> Tensor:
    if logits.ndim == 2:
        labels = class_indices(y, logits)
        try:
            return F.cross_entropy(logits, labels, ignore_index=NO_CLASS)
        except (IndexError, RuntimeError):
            pass  # the plain way says what is wrong
    return reduced(loss.call_on_logits(y, logits), None)


# By the type of a loss, and whether it is given logits.
_MEANS: dict[tuple[type[Loss], bool], Mean] = {
    (BinaryCrossentropy, True): _mean_binary_crossentropy,
    (MeanAbsoluteError, False): _mean_absolute_error,
    (MeanSquaredError, False): _mean_squared_error,
    (SparseCategoricalCrossentropy, True): _mean_sparse_crossentropy,
}


# --- means with their gradients ----------------------------------------------------------


def _squared_error(y: Tensor, outputs: Tensor) -> tuple[Tensor, Tensor]:
    y, outputs = aligned(y, outputs)
    mean = F.mse_loss(outputs, y)
    return mean, _of_mse(_one(mean.dtype), outputs, y, _MEAN)


def _binary_crossentropy(y: Tensor, logits: Tensor) -> tuple[Tensor, Tensor]:
    y, logits = aligned(y, logits)
    mean = F.binary_cross_entropy_with_logits(logits, y)
    return mean, torch.sigmoid(logits).sub_(y).div_(logits.numel())


def _crossentropy(y: Tensor, logits: Tensor) -> tuple[Tensor, Tensor]:
    y, logits = aligned(y, logits)
    logs = torch.log_softmax(logits, 1)
    mean = (-(y * logs).sum(1)).mean()
    by_logs = y * (_one(mean.dtype) / -len(y))
    return mean, _of_log_softmax(by_logs, logs, 1, logs.dtype)


def _sparse_crossentropy(y: Tensor, logits: Tensor) -> tuple[Tensor, Tensor]:
    labels, logs = class_indices(y, logits), torch.log_softmax(logits, 1)
    mean, count = _nll(logs, labels, None, _MEAN, NO_CLASS)
    by_logs = _of_nll(_one(mean.dtype), logs, labels, None, _MEAN, NO_CLASS, count)
    return mean, _of_log_softmax(by_logs, logs, 1, logs.dtype)


@functools.cache
def _one(dtype: torch.dtype) -> Tensor:
    """The gradient of a loss by itself."""
    return torch.ones((), dtype=dtype)


_SLOPES: dict[tuple[type[Loss], bool], Slope] = {
    (BinaryCrossentropy, True): _binary_crossentropy,
    (CategoricalCrossentropy, True): _crossentropy,
    (MeanSquaredError, False): _squared_error,
    (SparseCategoricalCrossentropy, True): _sparse_crossentropy,
}
