"""Small batches wait until some hundred of them are there, and are then measured together: that
takes little longer than to measure one, and to measure one takes as long as a small layer.
"""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor

# A bool for each sample, of targets and outputs; the same whatever other samples are there.
Measure = Callable[[Tensor, Tensor], Tensor]

# At most this many outputs of a batch are kept. A batch with more is measured at once: that costs
# little beside the layers that made the outputs, and the memory is needed elsewhere.
_MOST = 2048


class Waiting(NamedTuple):
    """A batch that was not measured yet.

    Args:
        measure: what measures it.
        y: its targets.
        output: its outputs.
    """

    measure: Measure
    y: Tensor
    output: Tensor

    def measured(self) -> Tensor:
        """A bool for each sample."""
        return self.measure(self.y, self.output)

    def joined(self, batches: Sequence[Any]) -> Tensor:
        """The bools of all samples of `batches`, of which this is one."""
        return joined(batches)


def may_wait(output: Tensor) -> bool:
    """Whether a batch with these outputs may wait: they are few, and have one column for each of
    several classes.
    """
    is_small = output.is_cpu and output.numel() <= _MOST
    return is_small and output.ndim == 2 and output.shape[1] > 1


def joined(batches: Sequence[Any]) -> Tensor:
    """The bools of all samples of some batches, those that wait and those that were measured."""
    waiting = [batch for batch in batches if isinstance(batch, Waiting)]
    if len(waiting) < len(batches) or len({batch.y.ndim for batch in waiting}) > 1:
        # Some are of a resumed run, or the labels are of several kinds.
        return torch.cat([b.measured() if isinstance(b, Waiting) else b for b in batches])
    measures, ys, outputs = zip(*waiting, strict=True)
    measure: Measure = measures[0]
    return measure(torch.cat(ys), torch.cat(outputs))
