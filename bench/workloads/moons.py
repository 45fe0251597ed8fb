"""A large net for thirty points: nearly all time goes to the framework and the callbacks."""

from dataclasses import replace

import numpy as np

from bench.workloads.layers import Array, Dense
from bench.workloads.workload import Pair, Workload


def moons() -> Workload:
    """The checkpoint watches the accuracy, which is compared in each epoch and seldom better."""
    x, y = two_moons(np.random.default_rng(1), 100)
    return Workload(
        net=(Dense(500, "relu"), Dense(1, "sigmoid")),
        x=x[:30],
        y=y[:30],
        batch=32,
        epochs=200,
        turn=20,
        validation=(x[30:], y[30:]),
    )


def moons_saving() -> Workload:
    """The checkpoint watches the loss, which is better, and so saved, in nearly every epoch."""
    return replace(moons(), saves_best="loss")


def two_moons(random: np.random.Generator, count: int) -> Pair:
    """Points on two half circles that reach into each other."""
    upper = np.arange(count) % 2 == 0
    angle = random.uniform(0, np.pi, count)
    circle = np.stack([np.cos(angle), np.sin(angle)], axis=1)
    x = np.where(upper[:, None], circle, [1, 0.5] - circle)
    x = x + random.normal(0, 0.2, x.shape)
    return x.astype("float32"), as_column(~upper)


def as_column(y: Array) -> Array:
    return y[:, None].astype("float32")
