"""What `fit` was given to validate on, and when."""

from collections.abc import Container, Iterable, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

import torch
from torch import Tensor

from onfit.core.packages.randomness import random_state, set_random_state
from onfit.core.validation import ValidationArrays
from onfit.engine.data.arrays import Data, Samples
from onfit.engine.data.batching import Batching
from onfit.engine.data.source import Source
from onfit.errors import ArgumentError, DataError


@dataclass
class ValidationData:
    """What `fit` was given to validate on, and when.

    Args:
        data: `validation_data`, in any form that `fit` takes.
        split: the share of the training data to cut off, if `data` is None.
        batch_size: samples in a batch; None for that of the training.
        steps: batches to validate on; None for all.
        freq: validate every so many epochs, or in these epochs (from 1).
    """

    data: Any
    split: float
    batch_size: int | None
    steps: float | None
    freq: int | Iterable[int]

    def __post_init__(self) -> None:
        if isinstance(self.freq, int) and self.freq < 1:
            raise ArgumentError(f"validation_freq={self.freq!r}: every so many epochs, from 1.")
        if not isinstance(self.freq, (int, Iterable)):
            raise ArgumentError(
                f"validation_freq={self.freq!r}: a whole number, or a list of epochs from 1."
            )

        self._chosen: Container[int] = [] if isinstance(self.freq, int) else set(self.freq)

    def due(self, epoch: int) -> bool:
        """Whether epoch `epoch`, counted from 0, is one to validate after."""
        if isinstance(self.freq, int):
            return (epoch + 1) % self.freq == 0
        return epoch + 1 in self._chosen

    def batching(self, training: Batching) -> Batching:
        """How batches to validate on are made, beside those of the training."""
        return Batching(
            default_size=self.batch_size or training.batch_size,
            steps=self.steps,
            names=training.names,
            device=training.device,
        )

    def require_enough(self, source: Source | None, epochs: Iterable[int]) -> None:
        """Find out before training whether a generator would end with its first validation.

        Raises:
            DataError: if so.
        """
        if source is None or not source.facts.once or self.steps is not None:
            return
        if sum(map(self.due, epochs)) > 1:
            raise DataError(
                "validation_data is a generator, which does not say how many of its batches one "
                "validation takes. Pass validation_steps=, or something that can be walked "
                "through again: arrays, a Dataset, a Sequence or a DataLoader."
            )


def collected(source: Source) -> ValidationArrays:
    """All samples of a source as numpy arrays, as callbacks see them. The random generators are
    left as they were.
    """
    before = random_state()
    try:
        # Not one step more: at its end a Sequence would hear that an epoch is over.
        batches: list[Samples] = list(islice(source.epoch(0), source.facts.steps))
    finally:
        set_random_state(before)
    return ValidationArrays(*(_joined(parts) for parts in zip(*batches, strict=True)))


def _joined(parts: Sequence[Data]) -> Any:
    """The inputs, targets or weights of several batches as one."""
    first = parts[0]
    if first is None:
        return None
    if isinstance(first, Tensor):
        return torch.cat(list(parts)).cpu().numpy()
    if isinstance(first, dict):
        return {name: _joined([part[name] for part in parts]) for name in first}
    return tuple(map(_joined, zip(*parts, strict=True)))
