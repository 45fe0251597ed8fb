"""Numbers of steps that come from a division."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import torch

from onfit.callbacks import LambdaCallback
from onfit.errors import ArgumentError
from onfit.layers import Dense
from onfit.models import Sequential

X = np.random.default_rng(0).normal(size=(24, 3)).astype("float32")
Y = X.sum(1, keepdims=True)


def endless() -> Iterator[Any]:
    while True:
        yield X[:8], Y[:8]


def model() -> Sequential:
    made = Sequential([Dense(1, input_dim=3)])
    made.compile("sgd", "mse")
    return made


@pytest.mark.parametrize(
    "steps", [3, 3.0, 2.5, np.ceil(2.5), np.float32(3), np.int64(3), torch.tensor(3)], ids=repr
)
@pytest.mark.parametrize("data", [lambda: (endless(), None), lambda: (X, Y)], ids=["gen", "arrays"])
def test_a_part_of_a_step_counts_as_one(steps, data):
    seen: dict[str, list[int]] = {"train": [], "test": []}
    count = LambdaCallback(
        on_train_batch_end=lambda batch, logs: seen["train"].append(batch),
        on_test_batch_end=lambda batch, logs: seen["test"].append(batch),
    )
    x, y = data()
    held_out = endless() if y is None else (X, Y)
    model().fit(
        x,
        y,
        batch_size=None if y is None else 8,
        steps_per_epoch=steps,
        validation_data=held_out,
        validation_steps=steps,
        epochs=2,
        verbose=0,
        callbacks=[count],
    )
    assert seen == {"train": [0, 1, 2] * 2, "test": [0, 1, 2] * 2}


def test_evaluate_and_predict_take_them_too():
    assert model().predict(endless(), steps=1.5, verbose=0).shape == (16, 1)
    assert model().evaluate(endless(), steps=np.ceil(0.5), verbose=0) > 0
    assert model().fit_generator(endless(), 24 / 10, verbose=0).params["steps"] == 3


@pytest.mark.parametrize("steps", [0, 0.0, -2.5, float("nan"), float("inf"), "3", True])
def test_what_is_no_number_of_steps_is_an_error(steps):
    with pytest.raises(ArgumentError, match=r"steps=.*the number of batches is at least 1"):
        model().fit(endless(), steps_per_epoch=steps, verbose=0)
