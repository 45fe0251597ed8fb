"""What `fit` was given to validate on, and when."""

from collections.abc import Container, Iterable, Sequence
from dataclasses import dataclass
from itertools import islice
from numbers import Real
from typing import Any

import torch
from torch import Tensor

from onfit._arguments import is_number, is_whole
from onfit.core.cadence import Cadence, refuse_tokens
from onfit.core.packages.randomness import random_state, set_random_state
from onfit.core.validation import ValidationArrays
from onfit.dtypes import as_numpy
from onfit.engine.data.arrays import Data, Samples
from onfit.engine.data.batching import Batching
from onfit.engine.data.source import Source
from onfit.errors import ArgumentError, DataError

_HOW_TO_SAY = (
    "Say a number of epochs such as 2, or text such as '500 batches', '5 epochs' or '10 minutes'."
)


@dataclass
class ValidationData:
    """What `fit` was given to validate on, and when.

    Args:
        data: `validation_data`, in any form that `fit` takes.
        split: the share of the training data to cut off, if `data` is None.
        batch_size: samples in a batch; None for that of the training.
        steps: batches to validate on; None for all.
        freq: validate every so many epochs, or in these epochs (from 1), or as text says:
            `"2 epochs"`, `"500 batches"`, `"10 minutes"`.

    Attributes:
        within: when validations come within epochs; None if they come only after epochs.
    """

    data: Any
    split: float
    batch_size: int | None
    steps: float | None
    freq: int | str | Iterable[int]

    @property
    def asked(self) -> dict[str, Any]:
        """What a user asks for, by the names of the arguments."""
        return {"validation_split": self.split, "validation_freq": self._chosen or self.freq}

    def __post_init__(self) -> None:
        self._cadence = None
        self._chosen: Container[int] = ()
        if isinstance(self.freq, str):
            self._cadence = Cadence.of(
                self.freq, owner="fit", argument="validation_freq", how_to_say=_HOW_TO_SAY
            )
            refuse_tokens(self._cadence)
        elif isinstance(self.freq, Real) and float(self.freq).is_integer():
            if self.freq < 1:
                raise ArgumentError(f"validation_freq={self.freq!r}: every so many epochs, from 1.")
            self._cadence = Cadence(int(float(self.freq)), "epochs")
        elif isinstance(self.freq, Iterable):
            epochs = list(self.freq)
            self._chosen = epochs
            if not all(is_whole(each, "validation_freq") and each >= 1 for each in epochs):
                raise ArgumentError(
                    f"validation_freq={self.freq!r}: the epochs to validate after count from 1."
                )
        else:
            raise ArgumentError(
                f"validation_freq={self.freq!r}: a whole number, a list of epochs from 1, or text "
                "such as '500 batches' or '10 minutes'."
            )

    @property
    def is_split(self) -> bool:
        """Whether a share of the training data is to be cut off.

        Raises:
            ArgumentError: if `split` is no number.
        """
        if self.split is not None and not is_number(self.split, "validation_split"):
            raise ArgumentError(
                f"validation_split={self.split!r}: the share of the samples to validate on, "
                "between 0 and 1."
            )
        return bool(self.split)

    @property
    def within(self) -> Cadence | None:
        return self._cadence if self._cadence is not None and self._cadence.counts_batches else None

    def due(self, epoch: int, *, is_last: bool = False) -> bool:
        """Whether epoch `epoch`, counted from 0, is one to validate after. A cadence in text
        validates after the last epoch, too.
        """
        if self._cadence is None:
            return epoch + 1 in self._chosen
        if is_last and isinstance(self.freq, str):
            return True
        return not self._cadence.counts_batches and (epoch + 1) % int(self._cadence.amount) == 0

    def batching(self, training: Batching) -> Batching:
        """How batches to validate on are made, beside those of the training."""
        return Batching(
            default_size=self.batch_size or training.batch_size,
            steps=self.steps,
            names=training.names,
            device=training.device,
            together=training.together,
        )

    def require_enough(self, source: Source, epochs: range) -> None:
        """Find out before training whether a generator would end with its first validation.

        Raises:
            DataError: if so.
        """
        if not source.facts.once or self.steps is not None:
            return
        if self.within is not None or sum(self.due(e, is_last=e == epochs[-1]) for e in epochs) > 1:
            raise DataError(
                "validation_data is a generator, which does not say how many of its batches one "
                "validation takes. Pass validation_steps=, or something that can be walked "
                "through again: arrays, a Dataset, a Sequence or a DataLoader."
            )


def of_set(name: str, metric: str) -> str:
    """What a metric is called that is measured on the set of a name; a set alone has none.

    >>> of_set("", "loss"), of_set("clean", "loss")
    ('loss', 'clean_loss')
    """
    return f"{name}_{metric}" if name else metric


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
        return as_numpy(torch.cat(list(parts)))
    if isinstance(first, dict):
        return {name: _joined([part[name] for part in parts]) for name in first}
    return tuple(map(_joined, zip(*parts, strict=True)))
