"""A loss of embeddings: those of one class are to be near each other, those of others far."""

from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from onfit.dtypes import DtypeLike
from onfit.errors import ShapeError
from onfit.losses.loss import MEAN, NamedLoss


def circle(
    y_true: Tensor,
    y_pred: Tensor,
    ref_labels: Tensor | None = None,
    ref_embeddings: Tensor | None = None,
    remove_diagonal: bool = True,
    gamma: float = 80.0,
    margin: float = 0.4,
) -> Tensor:
    """The circle loss of each embedding (Sun et al. 2020).

    Args:
        y_true: the number of each sample's class.
        y_pred: an embedding of length 1 for each sample.
        ref_labels: the classes of the embeddings to compare with; `y_true` if None.
        ref_embeddings: these; `y_pred` if None.
        remove_diagonal: whether a sample is not compared with itself.
        gamma: how much distances count.
        margin: from which distance on pairs count less.

    Raises:
        ShapeError: for other shapes.
    """
    if y_pred.ndim != 2 or y_true.numel() != len(y_pred):
        raise ShapeError(
            f"circle takes a label and an embedding for each sample; got shapes "
            f"{tuple(y_true.shape)} and {tuple(y_pred.shape)}."
        )
    labels = y_true.long().reshape(-1, 1)
    others = labels if ref_labels is None else ref_labels.long().reshape(-1, 1)
    references = y_pred if ref_embeddings is None else ref_embeddings
    distances = (1 - y_pred @ references.T).clamp(min=0.0)
    alike = labels == others.T
    unlike = ~alike
    if remove_diagonal:
        alike = alike & ~torch.eye(len(labels), len(others), dtype=torch.bool, device=alike.device)
    near = -gamma * (margin + distances).clamp(min=0.0) * (margin - distances)
    far = gamma * (1 + margin - distances).clamp(min=0.0) * (1 - margin - distances)
    return F.softplus(_together(near, alike) + _together(far, unlike))


def _together(values: Tensor, which: Tensor) -> Tensor:
    """The log of the sum over a row of the powers of e; minus infinity where there is none."""
    return values.masked_fill(~which, -torch.inf).logsumexp(1)


class Circle(NamedLoss):
    """`circle` with its options. The model ends in embeddings of length 1.

    Args:
        gamma: how much distances count.
        margin: from which distance on pairs count less.
        remove_diagonal: whether a sample is not compared with itself.
        reduction: how the values of the samples become one.
        name: its name.
        dtype: the type in which it is computed.
    """

    name = "circle"
    function = staticmethod(circle)

    def __init__(
        self,
        gamma: float = 80.0,
        margin: float = 0.4,
        remove_diagonal: bool = True,
        reduction: str | None = MEAN,
        name: str | None = None,
        dtype: DtypeLike = None,
    ) -> None:
        super().__init__(reduction, name, dtype)
        self.gamma = gamma
        self.margin = margin
        self.remove_diagonal = remove_diagonal

    def options(self) -> dict[str, Any]:
        names = ("gamma", "margin", "remove_diagonal")
        return {name: getattr(self, name) for name in names}
