"""What `fit` was given to train and to validate on, made into batches."""

from collections.abc import Container, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from torch import Tensor

from onfit.core.validation import ValidationArrays
from onfit.engine.arrays import Names, Samples, each, samples_of, split
from onfit.engine.batches import Batches, batches_of, is_loader, refuse_beside_loader
from onfit.errors import ArgumentError, DataError
from onfit.layers.shapes import mapped

if TYPE_CHECKING:
    from onfit.engine.trainer import Trainer


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

    def __post_init__(self) -> None:
        if isinstance(self.freq, int) and self.freq < 1:
            raise ArgumentError(f"validation_freq={self.freq!r}: every so many epochs, from 1.")
        if not isinstance(self.freq, (int, Iterable)):
            raise ArgumentError(
                f"validation_freq={self.freq!r}: a whole number, or a list of epochs from 1."
            )
        self._chosen: Container[int] = [] if isinstance(self.freq, int) else set(self.freq)


def prepared(
    model: "Trainer", training: TrainingData, validation: ValidationData
) -> tuple[Batches, Batches | None, ValidationArrays | None]:
    """Batches to train on, batches to validate on, and what callbacks see of the latter."""
    x, y, weight = training.x, training.y, training.sample_weight
    if x is None:
        raise DataError("fit(x=None): there is nothing to train on. Pass arrays or a DataLoader.")
    if not is_loader(x):
        data = samples_of(x, y, weight, model.names)
        held_out = validation.data
        if validation.split and held_out is None:
            data, held_out = split(data, validation.split)
        x, y, weight = data, None, None
    else:
        if validation.split:
            refuse_beside_loader(x, validation_split=validation.split)
        held_out = validation.data
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
    size = None if is_loader(held_out) else validation.batch_size or training.batch_size
    validate = batches_of(
        held_out, batch_size=size, steps=validation.steps, device=model.device, names=model.names
    )
    return train, validate, shown


def _held_out(data: Any, names: Names, as_numpy: bool) -> tuple[Any, ValidationArrays | None]:
    """Validation data as samples or a loader, and the arrays of it that callbacks see."""
    if is_loader(data) and not isinstance(data, Samples):
        return data, None
    if not isinstance(data, Samples):
        if not isinstance(data, (tuple, list)) or len(data) not in (2, 3):
            raise DataError(
                "validation_data is (x, y), (x, y, sample_weight) or a DataLoader; got "
                f"{type(data).__name__}{f' of {len(data)}' if hasattr(data, '__len__') else ''}."
            )
        as_numpy = not isinstance(data[0], Tensor)
        x, y, weight = [*data, None][:3]
        data = samples_of(x, y, weight, names)
    shown = (mapped(Tensor.numpy, Tensor, part) for part in each(Tensor.cpu, data))
    return data, ValidationArrays(*(shown if as_numpy else data))
