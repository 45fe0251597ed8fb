"""What layers draw where several processes train together."""

from collections.abc import Iterator
from contextlib import contextmanager
from zlib import crc32

import torch
from torch import Tensor

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
        self._params: list[Tensor] | None = None
        self._gpus: list[int] = []

    @contextmanager
    def of_its_own(self) -> Iterator[None]:
        """Let what layers draw be another in each process, while the generators stay as they were:
        loaders draw from them, alike in all. The seed follows from what a checkpoint holds.
        """
        before = torch.get_rng_state()
        seed = crc32(before.numpy().tobytes()) << 31
        seed ^= self._optimizer.batches * self._processes.world + self._processes.rank
        on_gpus = [(gpu, torch.cuda.get_rng_state(gpu)) for gpu in self._of_weights()]
        torch.default_generator.manual_seed(seed)
        for gpu, _ in on_gpus:
            torch.cuda.default_generators[gpu].manual_seed(seed)
        try:
            yield
        finally:
            torch.set_rng_state(before)
            for gpu, state in on_gpus:
                torch.cuda.set_rng_state(state, gpu)

    def _of_weights(self) -> list[int]:
        """The numbers of the GPUs that the weights are on: torch may work with others besides."""
        if self._params is not self._optimizer.params:
            self._params = self._optimizer.params
            used = {param.device for param in self._params if param.is_cuda}
            self._gpus = sorted(device.index for device in used)
        return self._gpus
