"""A model of several outputs comes back with all that it was compiled with."""

import numpy as np
import pytest

from onfit.layers import Dense, Input
from onfit.models import Model, load_model

X = np.random.default_rng(0).random((20, 3))
Y = [np.arange(20) % 2, np.arange(20) % 3]


def compiled(**arguments):
    begin = Input((3,))
    ends = [
        Dense(1, activation="sigmoid", name="a")(begin),
        Dense(3, activation="softmax", name="b")(begin),
    ]
    model = Model(begin, ends)
    model.compile("adam", **arguments)
    model.fit(X, Y, epochs=2, verbose=0)
    return model


@pytest.mark.parametrize(
    "arguments",
    [
        {"loss": ["binary_crossentropy", "sparse_categorical_crossentropy"]},
        {
            "loss": {"a": "mse", "b": "sparse_categorical_crossentropy"},
            "loss_weights": [0.5, 0.25],
            "metrics": {"a": ["mae"]},
        },
        {
            "loss": ["mse", "sparse_categorical_crossentropy"],
            "metrics": [["acc", "mse"], "acc"],
        },
    ],
)
def test_losses_weights_and_metrics_of_each_output_come_back(tmp_path, arguments):
    model = compiled(**arguments)
    model.save(tmp_path / "model.h5")
    again = load_model(tmp_path / "model.h5")
    assert again.metrics_names == model.metrics_names
    assert again.evaluate(X, Y, verbose=0) == model.evaluate(X, Y, verbose=0)
    again.fit(X, Y, shuffle=False, verbose=0)
    model.fit(X, Y, shuffle=False, verbose=0)
    for left, right in zip(again.get_weights(), model.get_weights(), strict=True):
        np.testing.assert_array_equal(left, right)
