"""Losses that layers add, beside Keras'."""

from typing import Any

import keras
import numpy as np
import pytest
from tests.twin.keras_twin import tolerant_of_keras

import onfit

pytestmark = tolerant_of_keras

X = np.random.RandomState(0).randn(8, 4).astype("float32")
Y = (X[:, :1] > 0).astype("float32")


def small(room: Any) -> Any:
    """A layer of either library that asks for small outputs."""

    class Small(room.layers.Layer):  # type: ignore[misc]
        def call(self, x: Any, training: Any = None) -> Any:
            self.add_loss(0.01 * (x * x).sum())
            if training:
                self.add_loss((x * x).mean())
            return x

    return Small()


def made(room: Any, end: str) -> Any:
    l2, dense = room.regularizers.L2(0.1), room.layers.Dense
    return room.Sequential(
        [
            room.layers.Input((4,)),
            dense(3, activity_regularizer=l2, kernel_regularizer="l2"),
            small(room),
            dense(1, activation=end, activity_regularizer="l1"),
        ]
    )


@pytest.mark.parametrize(("end", "loss"), [("linear", "mse"), ("sigmoid", "binary_crossentropy")])
def test_losses_that_layers_add_are_keras(end: str, loss: str) -> None:
    theirs, ours = made(keras, end), made(onfit, end)
    ours.set_weights(theirs.get_weights())
    for model in (theirs, ours):
        model.compile("sgd", loss)
    expected = theirs.evaluate(X, Y, verbose=0)
    assert ours.evaluate(X, Y, verbose=0) == pytest.approx(expected, rel=1e-5)
    assert len(ours.losses) == len(theirs.losses) == 4
    fits = [model.fit(X, Y, 4, 3, verbose=0, shuffle=False).history for model in (theirs, ours)]
    assert fits[1]["loss"] == pytest.approx(fits[0]["loss"], rel=1e-5)
    for one, other in zip(theirs.get_weights(), ours.get_weights(), strict=True):
        assert np.allclose(one, other, atol=1e-5)
