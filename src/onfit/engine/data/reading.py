"""Makes samples, in the form that the model takes, of the batches that a loader yields."""

from dataclasses import dataclass
from typing import Any

import torch

from onfit.engine.data.arrays import (
    Names,
    Samples,
    check_lengths,
    converted,
    each,
    parts,
)
from onfit.engine.data.class_weight import ClassWeights, weighted_by_class
from onfit.engine.placing import sent
from onfit.errors import DataError

_ANY = Names()


@dataclass(frozen=True)
class Reader:
    """Makes samples of a batch: in the model's order, weighted, on its device.

    Args:
        names: what the model calls its inputs and outputs.
        class_weight: multiplies each sample's weight by that of its class.
        device: where samples go; None leaves them where they are.
    """

    names: Names = _ANY
    class_weight: ClassWeights | None = None
    device: torch.device | None = None

    def __call__(self, batch: Any) -> Samples:
        """The samples of `x`, `(x, y)` or `(x, y, sample_weight)`.

        Raises:
            DataError: for a batch of another form, or of several lengths.
        """
        samples = converted(*_unpacked(batch), self.names)
        _check(samples)
        samples = weighted_by_class(samples, self.class_weight)
        return samples if self.device is None else moved(samples, self.device)


def moved(batch: Samples, device: torch.device) -> Samples:
    """The batch on `device`."""
    return each(lambda tensor: sent(tensor, device), batch)


def _unpacked(batch: Any) -> tuple[Any, Any, Any]:
    if not isinstance(batch, (tuple, list)):
        return batch, None, None
    if not 1 <= len(batch) <= 3:
        raise DataError(
            f"a loader yields x, (x, y) or (x, y, sample_weight); got {len(batch)} things."
        )
    x, y, weight = [*batch, None, None][:3]
    return x, y, weight


def _check(samples: Samples) -> None:
    """A quick check of every batch; `check_lengths` finds the words if something is wrong."""
    tensors = [tensor for data in samples for tensor in parts(data)]
    if any(tensor.ndim == 0 for tensor in tensors) or len({len(one) for one in tensors}) > 1:
        check_lengths(samples)
