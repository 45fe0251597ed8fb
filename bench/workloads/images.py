"""Images of 28 x 28: a softmax regression, a small net, and convolutions."""

import numpy as np

from bench.workloads.layers import Array, Conv, Dense, Flatten, MaxPool
from bench.workloads.workload import Workload, learnable_classes


def softmax() -> Workload:
    x, y = images(60_000)
    return Workload(net=(Dense(10, "softmax"),), x=x, y=y, batch=128, epochs=5)


def mlp() -> Workload:
    x, y = images(400 * 32)
    net = (Dense(128, "relu"), Dense(10, "softmax"))
    return Workload(net=net, x=x, y=y, batch=32, epochs=5)


def conv() -> Workload:
    x, y = images(60 * 64)
    net = (Conv(32, 3), MaxPool(2), Conv(64, 3), MaxPool(2), Flatten(), Dense(10, "softmax"))
    return Workload(net=net, x=x.reshape(-1, 28, 28, 1), y=y, batch=64, epochs=4)


def images(count: int) -> tuple[Array, Array]:
    random = np.random.default_rng(2)
    x = random.random((count, 784), "float32")
    return x, learnable_classes(random, x, classes=10)
