"""Small batches wait to be measured until there are some hundred of them: all together take little
longer than one, and one takes as long as a small layer.
"""

from collections.abc import Iterable, Sequence
from itertools import groupby
from typing import NamedTuple

import torch
from torch import Tensor

from onfit.metrics import Metric

# So many outputs of a batch are kept at most. More of them are measured at once: that costs little
# beside what made them, and the memory is needed elsewhere.
_MOST = 2048


class Waiting(NamedTuple):
    """A batch that a metric has not looked at yet.

    Args:
        metric: what measures it.
        y: its targets.
        output: what the model said of it.
    """

    metric: Metric
    y: Tensor
    output: Tensor

    def measured(self) -> Tensor:
        """A bool for each sample."""
        return self.metric.of_batch(self.y, self.output)


Value = Tensor | Waiting  # what a batch came to, or will


def may_wait(metric: Metric, output: Tensor) -> bool:
    """Whether `metric` says the same of these outputs later, among those of other batches."""
    return output.is_cpu and output.numel() <= _MOST and metric.can_wait(output)


def measured(values: Iterable[Value]) -> list[Tensor]:
    """What batches came to: for each a scalar, or a bool for each sample."""
    return [value.measured() if isinstance(value, Waiting) else value for value in values]


def joined(batches: Sequence[Value]) -> Tensor:
    """The bools of all samples of some batches, whether they were looked at or not."""
    return torch.cat([part for kind, run in groupby(batches, _kind) for part in _parts(kind, run)])


def _kind(batch: Value) -> int:
    """Batches of one kind can be measured together: those that wait, by how their targets look."""
    return batch.y.ndim if isinstance(batch, Waiting) else 0


def _parts(kind: int, batches: Iterable[Value]) -> list[Tensor]:
    if not kind:
        return list(batches)  # type: ignore[arg-type]
    metrics, ys, outputs = zip(*batches, strict=True)
    return [metrics[0].of_batch(torch.cat(ys), torch.cat(outputs))]
