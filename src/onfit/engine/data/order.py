"""The order in which an epoch takes its samples, or its batches."""

from typing import Any

import torch
from torch import Tensor

from onfit.engine.data.epoch import require_same


class Order:
    """An order for each epoch. That of epoch e depends on the seed and e alone.

    Args:
        shuffle: whether each epoch has an order of its own; else all have the order of the data.
        facts: what must be the same in a resumed run, such as how many samples there are.
    """

    def __init__(self, shuffle: bool, **facts: Any) -> None:
        # One draw from the global generator: runs differ unless the user seeds it.
        self._seed = int(torch.randint(2**62, ())) if shuffle else None
        self._facts = {**facts, "shuffle": bool(shuffle)}

    @property
    def shuffles(self) -> bool:
        """Whether each epoch has an order of its own."""
        return self._seed is not None

    def of(self, epoch: int, count: int) -> Tensor:
        """The numbers from 0 to `count` in the order of epoch `epoch`."""
        if self._seed is None:
            return torch.arange(count)
        # A large odd factor, so that two neighbouring seeds never give two epochs the same order.
        seed = self._seed + epoch * 0x9E3779B97F4A7C15
        return torch.randperm(count, generator=torch.Generator().manual_seed(seed % 2**63))

    def state_dict(self) -> dict[str, Any]:
        """What the orders depend on."""
        return {"seed": self._seed, **self._facts}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on in the same orders.

        Raises:
            FileFormatError: if these are other data.
        """
        require_same("data", {name: state[name] for name in self._facts}, self._facts)
        self._seed = state["seed"]
