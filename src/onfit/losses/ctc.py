"""A loss of sequences whose labels have no times: connectionist temporal classification."""

import torch
from torch import Tensor
from torch.nn import functional as F

from onfit.errors import ShapeError
from onfit.losses.loss import NamedLoss

_BLANK = 0


def ctc(y_true: Tensor, y_pred: Tensor) -> Tensor:
    """The negative log likelihood of each sample's labels (Graves et al. 2006).

    Args:
        y_true: labels of shape (samples, most labels): numbers of classes from 1 on, and 0 after
            the last.
        y_pred: logits of shape (samples, steps, classes), without a softmax; class 0 is blank.

    Raises:
        ShapeError: for other shapes.
    """
    if y_true.ndim != 2 or y_pred.ndim != 3:
        raise ShapeError(
            f"ctc takes labels of shape (samples, most labels) and logits of shape (samples, "
            f"steps, classes); got {tuple(y_true.shape)} and {tuple(y_pred.shape)}."
        )
    labels = y_true.long()
    steps = torch.full((len(y_pred),), y_pred.shape[1], device=y_pred.device)
    lengths = (labels != _BLANK).sum(-1)
    shares = y_pred.float().transpose(0, 1).log_softmax(-1)
    return F.ctc_loss(shares, labels, steps, lengths, blank=_BLANK, reduction="none")


class CTC(NamedLoss):
    """`ctc` as an object."""

    name = "ctc"
    function = staticmethod(ctc)
