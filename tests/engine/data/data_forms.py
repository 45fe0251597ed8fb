"""Models and data that the tests about forms of data share."""

import threading
from collections.abc import Iterator
from typing import Any

import numpy as np
from torch.utils.data import Dataset, IterableDataset

from onfit.engine.data.batching import Batching
from onfit.engine.data.given import source_of
from onfit.engine.data.source import Source
from onfit.layers import Concatenate, Dense, Input
from onfit.models import Model, Sequential
from onfit.utils import Sequence

X, Y = np.arange(10.0)[:, None], np.arange(10.0)[:, None]


def linear() -> Sequential:
    model = Sequential([Dense(1, input_dim=1)])
    model.compile("sgd", "mse")
    model.optimizer.learning_rate = 1e-3
    return model


def identity() -> Sequential:
    model = Sequential([Dense(1, input_dim=1, kernel_initializer="ones")])
    model.compile("sgd", "mse")
    return model


def two_in_two_out() -> Model:
    a, b = Input((1,), name="a"), Input((1,), name="b")
    both = Concatenate()([a, b])
    model = Model([a, b], [Dense(1, name="sum")(both), Dense(1, name="product")(both)])
    model.compile("sgd", "mse")
    model.optimizer.learning_rate = 1e-4
    return model


def batches_of(x: Any, y: Any = None, **wishes: Any) -> Source:
    """The batches that a model gets of what a caller passes."""
    return source_of(x, y, batching=Batching(**wishes))


def epochs_of(batches: Any, count: int = 1) -> list[list[list[float]]]:
    """The values of x in each batch of each epoch."""
    return [[b.x.flatten().tolist() for b in batches.epoch(index)] for index in range(count)]


class Rows(Dataset[Any]):
    """A map-style Dataset that notes which samples were asked for."""

    def __init__(self, count: int = 10) -> None:
        self.count = count
        self.asked: list[int] = []

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, index: int) -> Any:
        self.asked.append(index)
        return np.array([float(index)]), np.array([float(index)])


class Stream(IterableDataset[Any]):
    def __iter__(self) -> Iterator[Any]:
        return ((np.array([float(i)]), np.array([float(i)])) for i in range(10))


class Pairs(Sequence):
    """Five batches of two; counts its `on_epoch_end` and notes which threads made batches."""

    def __init__(self, count: int = 5) -> None:
        self.count = count
        self.ends = 0
        self.threads: set[str] = set()

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, index: int) -> Any:
        if not 0 <= index < self.count:
            raise IndexError(index)
        self.threads.add(threading.current_thread().name)
        x = np.array([[2.0 * index], [2.0 * index + 1]])
        return x, x

    def on_epoch_end(self) -> None:
        self.ends += 1


def endless() -> Iterator[Any]:
    while True:
        yield np.ones((2, 1)), np.ones((2, 1))
