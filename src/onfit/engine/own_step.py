"""Steps that a model's author wrote: `train_step` and `test_step` of a subclass."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from torch import Tensor

from onfit.core.meter import RunningMeans
from onfit.engine.arrays import Samples
from onfit.engine.batches import size_of
from onfit.errors import ArgumentTypeError

if TYPE_CHECKING:
    from onfit.engine.trainer import Trainer


class OwnStep:
    """Hands a batch to the author's step, and measures what it returns.

    Args:
        model: the model, for errors.
        step: its `train_step` or `test_step`.

    Attributes:
        totals: sample-weighted means of the values that the step returned.
    """

    def __init__(self, model: "Trainer", step: Callable[[Any], Any]) -> None:
        self._model = model
        self._step = step
        self.totals = RunningMeans()

    def prepare(self) -> None:
        """Build the optimizer, if there is one, for what trains now."""
        if self._model.optimizer is not None:
            self._model.optimizer.build(self._model.trainable_weights)

    def __call__(self, batch: Samples) -> None:
        values = self._step(as_data(batch))
        if not isinstance(values, dict):
            raise ArgumentTypeError(
                f"{self._model.described}.{getattr(self._step, '__name__', 'step')} returned "
                f"{type(values).__name__}. Return a dict of this batch's values, such as "
                "{'loss': loss}."
            )
        self.totals.add({name: _detached(value) for name, value in values.items()}, size_of(batch))


def as_data(batch: Samples) -> tuple[Any, ...]:
    """A batch in the form that Keras' steps unpack: (x,), (x, y) or (x, y, sample_weight)."""
    while batch and batch[-1] is None:
        batch = batch[:-1]  # type: ignore[assignment]
    return tuple(batch)


def _detached(value: Any) -> Any:
    return value.detach() if isinstance(value, Tensor) else value
