"""What layers draw where several processes train together."""

from collections.abc import Iterator
from contextlib import contextmanager
from zlib import crc32

import torch

from onfit.core.processes import Processes
from onfit.optimizers import Optimizer


class Drawing:
    """Lets layers draw other numbers in each process.

    Args:
        processes: those that train together.
        optimizer: counts the batches.
    """

    def __init__(self, processes: Processes, optimizer: Optimizer) -> None:
        self._processes, self._optimizer = processes, optimizer

    @contextmanager
    def of_its_own(self) -> Iterator[None]:
        """Let what layers draw be another in each process, while the generators stay as they were:
        loaders draw from them, alike in all. The seed follows from what a checkpoint holds.
        """
        before = torch.get_rng_state()
        seed = crc32(before.numpy().tobytes()) << 31
        seed ^= self._optimizer.batches * self._processes.world + self._processes.rank
        on_device = torch.cuda.is_initialized()  # type: ignore[no-untyped-call]
        device = torch.cuda.get_rng_state() if on_device else None
        torch.default_generator.manual_seed(seed)
        if device is not None:
            torch.cuda.manual_seed(seed)
        try:
            yield
        finally:
            torch.set_rng_state(before)
            if device is not None:
                torch.cuda.set_rng_state(device)
