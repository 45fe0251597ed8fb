"""What `fit` was given to train and to validate on, made into batches."""

from collections.abc import Container, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from torch import Tensor
from torch.utils.data import Dataset, IterableDataset, TensorDataset

from onfit.core.validation import ValidationArrays
from onfit.engine.data.arrays import Names, Samples, each, samples_of, split
from onfit.engine.data.dataset_source import split_dataset
from onfit.engine.data.source import (
    Batches,
    batches_of,
    is_loader,
    opened,
    refuse_beside_loader,
    takes_batch_size,
)
from onfit.errors import ArgumentError, DataError
from onfit.layers.shapes import mapped

if TYPE_CHECKING:
    from onfit.engine.model.compilable import Compilable


@dataclass
class TrainingData:
    """What `fit` was given to train on."""

    x: Any
    y: Any
    sample_weight: Any
    batch_size: int | None
    shuffle: bool
    class_weight: dict[int, float] | None
    steps: int | None


@dataclass
class ValidationData:
    """What `fit` was given to validate on, and when."""

    data: Any
    split: float
    batch_size: int | None
    steps: int | None
    freq: int | Iterable[int]

    def due(self, epoch: int) -> bool:
        """Whether epoch `epoch`, counted from 0, is one to validate after."""
        if isinstance(self.freq, int):
            return (epoch + 1) % self.freq == 0
        return epoch + 1 in self._chosen

    def require_enough(self, batches: Batches | None, epochs: Iterable[int]) -> None:
        """Find out before training whether a generator would end with its first validation.

        Raises:
            DataError: if so.
        """
        if batches is None or not batches.once or self.steps is not None:
            return
        if sum(map(self.due, epochs)) > 1:
            raise DataError(
                "validation_data is a generator, which does not say how many of its batches one "
                "validation takes. Pass validation_steps=, or something that can be walked "
                "through again: arrays, a Dataset, a Sequence or a DataLoader."
            )

    def __post_init__(self) -> None:
        if isinstance(self.freq, int) and self.freq < 1:
            raise ArgumentError(f"validation_freq={self.freq!r}: every so many epochs, from 1.")
        if not isinstance(self.freq, (int, Iterable)):
            raise ArgumentError(
                f"validation_freq={self.freq!r}: a whole number, or a list of epochs from 1."
            )
        self._chosen: Container[int] = [] if isinstance(self.freq, int) else set(self.freq)


def prepared(
    model: "Compilable", training: TrainingData, validation: ValidationData
) -> tuple[Batches, Batches | None, ValidationArrays | None]:
    """Batches to train on, batches to validate on, and what callbacks see of the latter."""
    x, y, weight = opened(training.x, training.y, training.sample_weight)
    if x is None:
        raise DataError("fit(x=None): there is nothing to train on. Pass arrays or a DataLoader.")
    if not is_loader(x):
        x, y, weight = samples_of(x, y, weight, model.names), None, None
    held_out = validation.data
    if validation.split and held_out is None:
        x, held_out = _cut(x, validation.split)
    train = batches_of(
        x,
        y,
        weight,
        batch_size=training.batch_size,
        shuffle=training.shuffle,
        class_weight=training.class_weight,
        steps=training.steps,
        go_on=True,
        device=model.device,
        names=model.names,
    )
    if held_out is None:
        return train, None, None
    held_out, shown = _held_out(held_out, model.names, as_numpy=not isinstance(training.x, Tensor))
    size = validation.batch_size or training.batch_size if takes_batch_size(held_out) else None
    validate = batches_of(
        held_out, batch_size=size, steps=validation.steps, device=model.device, names=model.names
    )
    return train, validate, shown


def _cut(x: Any, fraction: float) -> tuple[Any, Any]:
    """What to train on, and what to validate on."""
    if isinstance(x, Samples):
        return split(x, fraction)
    if not isinstance(x, Dataset) or isinstance(x, IterableDataset):
        refuse_beside_loader(x, validation_split=fraction)
    return split_dataset(x, fraction)


def _held_out(data: Any, names: Names, as_numpy: bool) -> tuple[Any, ValidationArrays | None]:
    """Validation data as samples or a loader, and the arrays of it that callbacks see."""
    if type(data) is TensorDataset:
        data = data.tensors
    if is_loader(data) and not isinstance(data, Samples):
        return data, None
    if not isinstance(data, Samples):
        if not isinstance(data, (tuple, list)) or len(data) not in (2, 3):
            raise DataError(
                "validation_data is (x, y), (x, y, sample_weight), a Dataset, a Sequence, a "
                "generator or a DataLoader; got "
                f"{type(data).__name__}{f' of {len(data)}' if hasattr(data, '__len__') else ''}."
            )
        as_numpy = not isinstance(data[0], Tensor)
        x, y, weight = [*data, None][:3]
        data = samples_of(x, y, weight, names)
    shown = (mapped(Tensor.numpy, Tensor, part) for part in each(Tensor.cpu, data))
    return data, ValidationArrays(*(shown if as_numpy else data))
