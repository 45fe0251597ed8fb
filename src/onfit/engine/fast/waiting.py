"""Small batches wait to be measured until there are some hundred of them: all together take little
longer than one, and one takes as long as a small layer.
"""

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

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


# What a batch came to: a number, a scalar on its device, or a bool for each sample; or will.
Value = float | Tensor | Waiting


def may_wait(metric: Metric, output: Tensor) -> bool:
    """Whether `metric` says the same of these outputs later, among those of other batches."""
    return output.is_cpu and output.numel() <= _MOST and metric.can_wait(output)


def measured(values: Iterable[Value]) -> list[Any]:
    """What batches came to, none of them waiting any more."""
    return [value.measured() if isinstance(value, Waiting) else value for value in values]


def joined(batches: Sequence[Any]) -> Tensor:
    """The bools of all samples of some batches, whether they were looked at or not."""
    waiting = [batch for batch in batches if isinstance(batch, Waiting)]
    if len(waiting) < len(batches) or len({batch.y.ndim for batch in waiting}) > 1:
        return torch.cat(measured(batches))  # of a resumed run, or with labels of several kinds
    metrics, ys, outputs = zip(*waiting, strict=True)
    metric: Metric = metrics[0]
    return metric.of_batch(torch.cat(ys), torch.cat(outputs))
