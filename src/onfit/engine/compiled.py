"""What `compile` receives, in one plain object beside the model."""

from collections.abc import Sequence
from typing import Any

from onfit import losses, metrics, optimizers
from onfit._types import Mode
from onfit.core.aliases import find
from onfit.errors import ArgumentTypeError
from onfit.losses import Loss
from onfit.metrics import Metric
from onfit.optimizers import Optimizer


class Compiled:
    """Optimizer, loss and metrics of a model.

    Not a torch module, so that none of it shows in the model's `state_dict`.

    Args:
        optimizer: anything `optimizers.get` takes.
        loss: anything `losses.get` takes; None for a model whose loss is computed elsewhere.
        metrics: a metric, or a list of them: anything `metrics.get` takes.
    """

    def __init__(self, optimizer: Any = "rmsprop", loss: Any = None, metrics: Any = None) -> None:
        self.optimizer: Optimizer = optimizers.get(optimizer)
        self.loss: Loss | None = None if loss is None else losses.get(loss)
        self.metrics: list[Metric] = _metrics_of(metrics)

    @property
    def names(self) -> list[str]:
        """What is logged: `loss`, and the metrics as the user wrote them."""
        return ["loss", *(metric.name for metric in self.metrics)]

    def direction(self, monitor: str) -> Mode | None:
        """Whether the metric behind a log name should grow or shrink, if it knows."""
        directions: dict[str, Mode | None] = {
            metric.name: metric.direction for metric in self.metrics
        }
        directions.setdefault("loss", "min")
        found = find(monitor.removeprefix("val_"), directions)
        return None if found is None else directions[found]


def _metrics_of(given: Any) -> list[Metric]:
    if given is None:
        return []
    if isinstance(given, str) or callable(given):
        given = [given]
    if not isinstance(given, Sequence):
        raise ArgumentTypeError(
            f"metrics is a list of names or functions, such as ['accuracy']; got {given!r}."
        )
    return [metrics.get(item) for item in given]
