import random

import numpy as np
import pytest
import torch

from onfit import layers
from onfit.errors import ArgumentError
from onfit.models import Sequential
from onfit.utils import set_random_seed


def test_it_seeds_python_numpy_and_torch():
    draws = []
    for _ in range(2):
        set_random_seed(7)
        draws.append((random.random(), np.random.rand(), float(torch.rand(()))))
    assert draws[0] == draws[1]
    set_random_seed(8)
    assert all(a != b for a, b in zip(
        draws[0], (random.random(), np.random.rand(), float(torch.rand(()))), strict=True
    ))  # fmt: skip


def test_two_trainings_from_the_same_seed_are_bit_identical():
    x = np.random.default_rng(0).normal(size=(40, 4)).astype("float32")
    weights = []
    for _ in range(2):
        set_random_seed(3)
        model = Sequential(
            [layers.Dense(8, activation="relu", input_dim=4), layers.Dropout(0.5), layers.Dense(4)]
        )
        model.compile("adam", "mse")
        model.fit(x, x, epochs=3, batch_size=8, verbose=0)
        weights.append(model.get_weights())
    for this, that in zip(*weights, strict=True):
        np.testing.assert_array_equal(this, that)


def test_the_numbers_of_numpy_are_seeds_too():
    set_random_seed(np.int64(7))
    first = random.random()
    set_random_seed(7)
    assert random.random() == first


@pytest.mark.parametrize("seed", [-1, 2**32, 1.5, "7", None, True])
def test_what_is_no_seed_is_refused_and_touches_nothing(seed):
    state = random.getstate()
    with pytest.raises(ArgumentError, match="from 0 to"):
        set_random_seed(seed)
    assert random.getstate() == state


@pytest.mark.parametrize("seed", [0, 2**32 - 1])
def test_the_ends_of_the_range_are_seeds(seed):
    set_random_seed(seed)
