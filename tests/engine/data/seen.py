"""Which samples a fit trains on, batch by batch."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from torch.utils.data import IterableDataset

from onfit.core import Callback
from onfit.layers import Dense
from onfit.models import Sequential


class Seen(Callback):
    """Which samples each batch of each epoch had, by the values of x."""

    def __init__(self) -> None:
        self.epochs: list[list[list[float]]] = []

    def watch(self, model: Sequential) -> None:
        def note(module: Any, args: Any) -> None:
            if module.training:
                self.epochs[-1].append(args[0][:, 0].tolist())

        model.layers[0].register_forward_pre_hook(note)

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        self.epochs.append([])


def batches_seen(x: Any, y: Any = None, *, activation: str | None = None, **fit: Any) -> Any:
    """The samples of each batch of each epoch of a fit."""
    model, seen = Sequential([Dense(1, "relu", input_dim=1)]), Seen()
    model.compile("sgd", lambda y_true, y_pred: y_pred.mean())
    seen.watch(model)
    model.fit(x, y, verbose=0, callbacks=[seen], **fit)
    return seen.epochs


class WithoutLength(IterableDataset[Any]):
    """A Dataset that does not say how many samples it has."""

    def __iter__(self) -> Iterator[Any]:
        return iter([(torch.tensor([float(i)]), torch.tensor([0.0])) for i in range(10)])


def generator(batches: int = 3) -> Iterator[Any]:
    for index in range(batches):
        yield np.full((2, 1), float(index)), np.zeros((2, 1))
