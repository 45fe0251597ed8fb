"""25 million weights: the kernels should take all the time, and the framework none."""

import numpy as np

from bench.workloads.layers import Dense
from bench.workloads.workload import Workload, learnable_classes


def large() -> Workload:
    random = np.random.default_rng(4)
    x = random.random((15 * 64, 1024), "float32")
    y = learnable_classes(random, x, classes=10)
    net = (Dense(4096, "relu"), Dense(4096, "relu"), Dense(1024, "relu"), Dense(10, "softmax"))
    # At the usual rate, a net this wide turns differences in the last bit into large ones.
    return Workload(net=net, x=x, y=y, batch=64, epochs=6, rate=1e-5)
