"""The description of a training: a net, its data, and their settings."""

from dataclasses import dataclass, replace

import numpy as np

from bench.workloads.layers import Array, Layer, first_weights

Pair = tuple[Array, Array]

# Keras adds epsilon before Adam's bias correction, torch after it. An epsilon that is far smaller
# than every gradient makes no difference, so that all contenders take the same steps.
EPSILON = 1e-10


@dataclass(frozen=True)
class Workload:
    """One training, as every contender gets it.

    Args:
        net: the layers; the activation of the last one decides the loss.
        x: the samples. Whole numbers are words of a text.
        y: class numbers (int64), or (n, 1) zeros and ones (float32) under a sigmoid.
        batch: samples in a batch.
        epochs: how many epochs are timed.
        validation: data to evaluate on after each epoch, in one batch. With it come the
            callbacks: early stopping on val_loss, which never stops, and a checkpoint of the
            best weights.
        saves_best: what that checkpoint watches: "acc" or "loss".
        rate: Adam's learning rate.
        turn: how many epochs are trained before another training has its turn.
    """

    net: tuple[Layer, ...]
    x: Array
    y: Array
    batch: int
    epochs: int
    validation: Pair | None = None
    saves_best: str = "acc"
    rate: float = 1e-3
    turn: int = 1

    @property
    def binary(self) -> bool:
        return self.net[-1].activation == "sigmoid"

    @property
    def loss(self) -> str:
        """The loss, by Keras' name."""
        return "binary_crossentropy" if self.binary else "sparse_categorical_crossentropy"

    @property
    def steps(self) -> int:
        return -(-len(self.x) // self.batch)

    @property
    def first_weights(self) -> list[list[Array]]:
        return first_weights(self.net, self.x.shape[1:])

    def first(self, steps: int) -> "Workload":
        """The same training on its first batches only."""
        rows = steps * self.batch
        return replace(self, x=self.x[:rows], y=self.y[:rows])

    def quick(self) -> "Workload":
        """A short run, which only shows that everything works."""
        return replace(self.first(10), epochs=min(self.epochs, 5))


def learnable_classes(random: np.random.Generator, x: Array, classes: int) -> Array:
    """Classes that depend on x, so that there is something to learn."""
    flat = x.reshape(len(x), -1)
    teacher = random.standard_normal((flat.shape[1], classes), "float32")
    return ((flat - 0.5) @ teacher).argmax(axis=1)
