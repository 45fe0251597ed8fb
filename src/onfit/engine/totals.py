"""What a step measures: kept on the device, brought to Python once, when somebody reads."""

from collections.abc import Sequence

import torch
from torch import Tensor

from onfit.core.logs import Logs

# So many batches are kept before they are folded into sums: rarely enough to cost nothing,
# often enough that a long epoch takes no memory.
_FOLD_EVERY = 512


class Totals:
    """Sample-weighted means of loss and metrics over batches. A `Meter`.

    Args:
        names: what is measured, in the order of `add`'s values.
    """

    def __init__(self, names: Sequence[str]) -> None:
        self.names = list(names)
        self.reset()

    def reset(self) -> None:
        self._values: list[Sequence[Tensor]] = []
        self._sizes: list[int] = []
        self._sums: Tensor | None = None
        self._count = 0

    def add(self, values: Sequence[Tensor], size: int) -> None:
        """Count a batch: one detached scalar per name, and how many samples it had."""
        self._values.append(values)
        self._sizes.append(size)
        if len(self._sizes) >= _FOLD_EVERY:
            self._fold()

    def report_batch(self, logs: Logs) -> None:
        if self._values or self._sums is not None:
            values = self._last
            logs.defer(self.names, lambda: torch.stack(list(values)).tolist())

    def report_epoch(self, logs: Logs, prefix: str = "") -> None:
        self._fold()
        if self._sums is None:
            return
        # A snapshot: `_sums` is replaced, never changed, so later batches do not show in it.
        sums, count = self._sums, self._count
        logs.defer([prefix + name for name in self.names], lambda: (sums / count).tolist())

    @property
    def _last(self) -> Sequence[Tensor]:
        return self._values[-1] if self._values else self._folded_last

    def _fold(self) -> None:
        if not self._values:
            return
        values = torch.stack([torch.stack(list(batch)) for batch in self._values])
        sizes = torch.tensor(self._sizes, device=values.device, dtype=_wide(values.device))
        sums = (values.to(sizes.dtype) * sizes[:, None]).sum(0)
        self._sums = sums if self._sums is None else self._sums + sums
        self._count += sum(self._sizes)
        self._folded_last = self._values[-1]
        self._values, self._sizes = [], []


def _wide(device: torch.device) -> torch.dtype:
    """Doubles, where the device has them."""
    return torch.float32 if device.type == "mps" else torch.float64
