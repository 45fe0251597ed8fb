"""Texts of 80 words, classified by an LSTM."""

import numpy as np

from bench.workloads.layers import LSTM, Dense, Embedding
from bench.workloads.workload import Workload


def lstm() -> Workload:
    random = np.random.default_rng(3)
    words = 5000
    x = random.integers(0, words, (60 * 32, 80))
    # The class: the half of the vocabulary from which most of the text comes.
    y = (x < words // 2).mean(axis=1, keepdims=True) > 0.5
    net = (Embedding(words, 32), LSTM(64), Dense(1, "sigmoid"))
    return Workload(net=net, x=x, y=y.astype("float32"), batch=32, epochs=4)
