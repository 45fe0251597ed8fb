"""A workload's net with Keras' names: for Keras, and for onfit, which has the same names."""

from types import ModuleType
from typing import Any

from bench.workloads import layers as plain
from bench.workloads.workload import EPSILON, Workload


def build(workload: Workload, library: ModuleType) -> Any:
    """A compiled `Sequential` of `library` with the workload's first weights."""
    model = library.Sequential([layer_of(layer, library.layers) for layer in workload.net])
    model.build((None, *workload.x.shape[1:]))
    model.set_weights([array for arrays in workload.first_weights for array in arrays])
    adam = library.optimizers.Adam(learning_rate=workload.rate, epsilon=EPSILON)
    model.compile(optimizer=adam, loss=workload.loss, metrics=["acc"])
    return model


def layer_of(layer: plain.Layer, layers: ModuleType) -> Any:
    match layer:
        case plain.Dense(units, activation):
            return layers.Dense(units, activation=activation)
        case plain.Conv(filters, size):
            return layers.Conv2D(filters, size, activation="relu")
        case plain.MaxPool(size):
            return layers.MaxPooling2D(size)
        case plain.Flatten():
            return layers.Flatten()
        case plain.Embedding(words, width):
            return layers.Embedding(words, width)
        case plain.LSTM(units):
            return layers.LSTM(units)
