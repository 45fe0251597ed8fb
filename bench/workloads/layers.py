"""Nets as plain descriptions, so that every library builds the same one from the same weights."""

from dataclasses import dataclass

import numpy as np

Array = np.ndarray
Shape = tuple[int, ...]


@dataclass(frozen=True)
class Dense:
    units: int
    activation: str | None = None

    def first_weights(self, random: np.random.Generator, shape: Shape) -> list[Array]:
        kernel = glorot(random, (shape[-1], self.units), shape[-1], self.units)
        return [kernel, zeros(self.units)]

    def output_shape(self, shape: Shape) -> Shape:
        return (*shape[:-1], self.units)


@dataclass(frozen=True)
class Conv:
    """A two-dimensional convolution without padding, followed by ReLU."""

    filters: int
    size: int

    def first_weights(self, random: np.random.Generator, shape: Shape) -> list[Array]:
        field = self.size * self.size
        kernel = (self.size, self.size, shape[-1], self.filters)
        return [
            glorot(random, kernel, field * shape[-1], field * self.filters),
            zeros(self.filters),
        ]

    def output_shape(self, shape: Shape) -> Shape:
        height, width, _ = shape
        return (height - self.size + 1, width - self.size + 1, self.filters)


@dataclass(frozen=True)
class MaxPool:
    size: int

    def first_weights(self, random: np.random.Generator, shape: Shape) -> list[Array]:
        return []

    def output_shape(self, shape: Shape) -> Shape:
        height, width, channels = shape
        return (height // self.size, width // self.size, channels)


@dataclass(frozen=True)
class Flatten:
    def first_weights(self, random: np.random.Generator, shape: Shape) -> list[Array]:
        return []

    def output_shape(self, shape: Shape) -> Shape:
        return (int(np.prod(shape)),)


@dataclass(frozen=True)
class Embedding:
    words: int
    width: int

    def first_weights(self, random: np.random.Generator, shape: Shape) -> list[Array]:
        return [random.uniform(-0.05, 0.05, (self.words, self.width)).astype("float32")]

    def output_shape(self, shape: Shape) -> Shape:
        return (*shape, self.width)


@dataclass(frozen=True)
class LSTM:
    """Returns the last step's output. One bias, as in Keras; torch's second bias stays at zero."""

    units: int

    def first_weights(self, random: np.random.Generator, shape: Shape) -> list[Array]:
        gates = 4 * self.units
        kernel = glorot(random, (shape[-1], gates), shape[-1], gates)
        recurrent = glorot(random, (self.units, gates), self.units, gates)
        bias = zeros(gates)
        bias[self.units : 2 * self.units] = 1  # the forget gate begins open
        return [kernel, recurrent, bias]

    def output_shape(self, shape: Shape) -> Shape:
        return (self.units,)


Layer = Dense | Conv | MaxPool | Flatten | Embedding | LSTM


def first_weights(net: tuple[Layer, ...], shape: Shape, seed: int = 0) -> list[list[Array]]:
    """For each layer its first weights, in Keras' order and layout."""
    random = np.random.default_rng(seed)
    weights = []
    for layer in net:
        weights.append(layer.first_weights(random, shape))
        shape = layer.output_shape(shape)
    return weights


def shapes(net: tuple[Layer, ...], shape: Shape) -> list[Shape]:
    """The shape of each layer's input, without the batch."""
    found = [shape]
    for layer in net[:-1]:
        found.append(layer.output_shape(found[-1]))
    return found


def glorot(random: np.random.Generator, shape: Shape, fan_in: int, fan_out: int) -> Array:
    limit = np.sqrt(6 / (fan_in + fan_out))
    return random.uniform(-limit, limit, shape).astype("float32")


def zeros(size: int) -> Array:
    return np.zeros(size, "float32")
