"""True and false positives and negatives, at one threshold or at hundreds."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from torch import Tensor

from onfit.errors import ArgumentError, ShapeError
from onfit.metrics.arithmetic import wide, without_last_ones


@dataclass(frozen=True)
class ConfusionCounts:
    """How many outputs lie above each threshold, for labels of 0 and of 1.

    Attributes:
        histogram: what `Thresholds.count` returns, or a sum of such histograms.
        apart: whether to give counts for each column; else there is one column only.
    """

    histogram: Tensor
    apart: bool = False

    @property
    def true_positives(self) -> Tensor:
        """Labels of 1 that the model found, at each threshold."""
        return self._shaped(self._above[1])

    @property
    def false_positives(self) -> Tensor:
        """Labels of 0 that the model took for 1, at each threshold."""
        return self._shaped(self._above[0])

    @property
    def false_negatives(self) -> Tensor:
        """Labels of 1 that the model took for 0, at each threshold."""
        return self._shaped(self.histogram[1].sum(0) - self._above[1])

    @property
    def true_negatives(self) -> Tensor:
        """Labels of 0 that the model took for 0, at each threshold."""
        return self._shaped(self.histogram[0].sum(0) - self._above[0])

    @cached_property
    def _above(self) -> Tensor:
        """Outputs above each threshold, for labels of 0 and of 1."""
        buckets = self.histogram[:, 1:]
        count = buckets.shape[1]
        # The sum from each bucket on. `cumsum` is not deterministic on a CUDA device.
        return buckets.new_ones(count, count).triu() @ buckets

    def _shaped(self, counts: Tensor) -> Tensor:
        return counts if self.apart else counts[:, 0]


class Thresholds:
    """Numbers to compare outputs with.

    Args:
        values: in growing order; an output above one is a positive.
    """

    def __init__(self, values: Sequence[float]) -> None:
        self.values = list(values)
        self._evenly = _evenly_spaced(self.values)
        self._edges: Tensor | None = None

    def count(
        self, y_true: Tensor, y_pred: Tensor, weight: Tensor | None = None, apart: bool = False
    ) -> Tensor:
        """Compare a batch with all thresholds. One threshold costs as much as hundreds, and the
        program does not wait for the device.

        Args:
            y_true: 0 or 1, of the shape of `y_pred`.
            y_pred: outputs.
            weight: of the shape of `y_pred`; None for 1 each.
            apart: count each column of `y_pred` on its own.

        Returns:
            A histogram of shape (2, thresholds + 1, columns): for labels of 0 and of 1, how many
            outputs lie above no threshold, above one, above two, and so on.
        """
        shape = (2, len(self.values) + 1, y_pred.shape[1] if apart else 1)
        index = y_true.bool().long() * shape[1] + self._bucket(y_pred.detach().float())
        if apart:
            index = index * shape[2] + torch.arange(shape[2], device=y_pred.device)
        ones = torch.ones((), device=y_pred.device) if weight is None else weight
        empty = torch.zeros(shape, dtype=wide(y_pred.device), device=y_pred.device).flatten()
        filled = empty.index_add(0, index.flatten(), ones.to(empty).expand_as(index).flatten())
        return filled.reshape(shape)

    def _bucket(self, y_pred: Tensor) -> Tensor:
        """How many thresholds each output lies above."""
        if len(self.values) == 1:
            return (y_pred > self.values[0]).long()
        # NaN would get an index outside of the histogram. After that a CUDA device is unusable.
        y_pred = torch.nan_to_num(y_pred)
        if not self._evenly:
            return torch.bucketize(y_pred.contiguous(), self._edges_on(y_pred.device))
        # Keras' arithmetic: it rounds differently from a comparison.
        above = torch.ceil(y_pred.clamp(0.0, 1.0) * (len(self.values) - 1)).long()
        return above.clamp(min=1) if self.values[0] < 0 else above

    def _edges_on(self, device: torch.device) -> Tensor:
        if self._edges is None or self._edges.device != device:
            self._edges = torch.tensor(self.values, device=device)
        return self._edges


def _evenly_spaced(thresholds: Sequence[float]) -> bool:
    """Whether they divide 0 to 1 into equal parts, give or take Keras' fuzz."""
    if len(thresholds) < 3:
        return False
    even = np.arange(len(thresholds), dtype=np.float32) / (len(thresholds) - 1)
    return np.allclose(thresholds, even, atol=1e-7)


def check_thresholds(owner: str, thresholds: Sequence[float]) -> None:
    """Refuse thresholds that no probability can be compared with.

    Raises:
        ArgumentError: if one is not from 0 to 1, or if there is none.
    """
    wrong = [value for value in thresholds if value is None or not 0 <= value <= 1]
    if wrong or not thresholds:
        raise ArgumentError(
            f"{owner}(thresholds={list(thresholds)}): a threshold is a number from 0 to 1; "
            f"{f'{wrong[0]!r} is not' if wrong else 'there is none'}."
        )


def weight_of_each(sample_weight: Tensor | None, y_pred: Tensor) -> Tensor | None:
    """The weight of each output, of samples' weights.

    Raises:
        ShapeError: if there is not one weight for each sample.
    """
    if sample_weight is None:
        return None
    weight = without_last_ones(sample_weight)
    if weight.shape != y_pred.shape[: weight.ndim]:
        raise ShapeError(
            f"sample_weight has shape {tuple(weight.shape)} for outputs of shape "
            f"{tuple(y_pred.shape)}. Pass one weight per sample: shape ({len(y_pred)},)."
        )
    return weight.reshape(*weight.shape, *[1] * (y_pred.ndim - weight.ndim)).expand_as(y_pred)
