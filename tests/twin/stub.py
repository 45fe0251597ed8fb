"""A model for callbacks, Keras' and ours: nothing is trained, everything is written down."""

import math
import os
from collections.abc import Callable, Sequence
from types import SimpleNamespace
from typing import Any

Logs = dict[str, Any]


def _relative(filepath: Any) -> str:
    """Ours saves to an absolute path: the program may go elsewhere meanwhile."""
    return os.path.relpath(filepath)


def run_at(epoch: int, batch: int, step: int) -> Any:
    """What callbacks ask of a run: where it is. Of tokens it says nothing."""
    progress = SimpleNamespace(epoch=epoch, batch=batch, step=step)
    return SimpleNamespace(progress=progress, outcome=None, pace=SimpleNamespace(of_batch=None))


class Stub:
    """What callbacks of both kinds ask of a model.

    Attributes:
        weight: its only weight.
        saved: what was saved, in which epoch, to which name.
    """

    def __init__(self, rate: float = 1.0) -> None:
        self.stop_training = False
        self.optimizer = SimpleNamespace(learning_rate=rate)
        self.weight = -1
        self.saved: list[tuple[str, int, str]] = []

    def get_weights(self) -> list[int]:
        return [self.weight]

    def set_weights(self, weights: list[int]) -> None:
        (self.weight,) = weights

    def save(self, filepath: Any, overwrite: bool = True) -> None:
        self.saved.append(("model", self.weight, _relative(filepath)))

    def save_weights(self, filepath: Any, overwrite: bool = True) -> None:
        self.saved.append(("weights", self.weight, _relative(filepath)))


def walk(
    callback: Any,
    stub: Stub,
    epochs: Sequence[Logs],
    observe: Callable[[Any, Stub], Any],
    first: int = 0,
) -> list[Any]:
    """Walk one fit of scripted epochs; what `observe` sees after each, and after the end."""
    callback.set_model(stub)
    callback.set_params({"epochs": first + len(epochs), "verbose": 0})
    stub.stop_training = False
    callback.on_train_begin({})
    seen = []
    logs: Logs = {}
    for epoch, logged in enumerate(epochs, first):
        stub.weight = epoch  # what this epoch "learned"
        callback.on_epoch_begin(epoch, {})
        logs = dict(logged)
        callback.on_epoch_end(epoch, logs)
        seen.append((observe(callback, stub), comparable(logs.get("learning_rate"))))
        if stub.stop_training:
            break
    callback.on_train_end(logs)
    seen.append((observe(callback, stub), None))
    return seen


def comparable(value: Any) -> Any:
    """NaN equals itself here."""
    return "nan" if isinstance(value, float) and math.isnan(value) else value
