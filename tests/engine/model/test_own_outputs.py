"""Subclasses with several outputs: what `compile` says of them, and what comes of it."""

from typing import Any

import keras
import numpy as np
import pytest
from tests.twin.keras_twin import tolerant_of_keras

import onfit
from onfit import Model
from onfit.errors import ArgumentError
from onfit.layers import Dense

pytestmark = tolerant_of_keras

X = np.random.default_rng(0).normal(size=(24, 4)).astype("float32")
Y, Z = X.sum(1, keepdims=True), X[:, :2]


def two(lib: Any, form: Any) -> Any:
    """A model of `lib` that puts out two things as a list, a tuple or a dict."""

    class Two(lib.Model):
        def __init__(self) -> None:
            super().__init__()
            self.y, self.z = lib.layers.Dense(1), lib.layers.Dense(2)

        def call(self, x: Any) -> Any:
            out = [self.y(x), self.z(x)]
            return dict(zip(("y", "z"), out, strict=True)) if form is dict else form(out)

    model = Two()
    model(np.zeros((1, 4), "float32"))
    return model


def trained(lib: Any, form: Any) -> tuple[list[float], Any]:
    model = two(lib, form)
    model.set_weights([np.full(weight.shape, 0.1, "float32") for weight in model.get_weights()])
    losses, targets = {"y": "mse", "z": "mae"}, {"y": Y, "z": Z}
    weights = {"y": 2.0, "z": 0.5}
    if form is not dict:
        losses, targets, weights = (list(each.values()) for each in (losses, targets, weights))
    model.compile("sgd", losses, loss_weights=weights)
    history = model.fit(X, targets, epochs=3, shuffle=False, verbose=0)
    return history.history["loss"], model.predict(X, verbose=0)


@pytest.mark.parametrize("form", [list, tuple, dict])
def test_several_outputs_train_as_in_keras(form: Any) -> None:
    losses, outputs = trained(onfit, form)
    expected, theirs = trained(keras, form)
    assert losses == pytest.approx(expected)
    if form is dict:
        assert sorted(outputs) == sorted(theirs) == ["y", "z"]
        outputs, theirs = outputs.values(), theirs.values()
    for mine, its in zip(outputs, theirs, strict=True):
        assert np.allclose(mine, its, atol=1e-6)


def test_logs_have_the_names_of_a_dict_and_numbers_for_a_list() -> None:
    model = two(onfit, dict)
    model.compile("sgd", {"y": "mse", "z": "mae"}, metrics={"y": ["mae"]})
    history = model.fit(X, {"z": Z, "y": Y}, validation_data=(X, {"y": Y, "z": Z}), verbose=0)
    assert set(history.history) > {"loss", "y_loss", "z_loss", "y_mae", "val_y_mae"}
    model = two(onfit, list)
    model.compile("sgd", ["mse", "mae"], metrics=[["mae"], None])
    history = model.fit(X, [Y, Z], verbose=0)
    assert list(history.history) == ["loss", "output_1_loss", "output_2_loss", "output_1_mae"]


def test_a_step_of_ones_own_may_use_the_compiled_losses_of_a_dict() -> None:
    class Own(Model):
        def __init__(self) -> None:
            super().__init__()
            self.y, self.z = Dense(1), Dense(2)

        def call(self, x: Any) -> Any:
            return {"z": self.z(x), "y": self.y(x)}

        def test_step(self, data: Any) -> Any:
            x, y = data
            return {"loss": self.compute_loss(y=y, y_pred=self(x))}

    model, plain = Own(), two(onfit, dict)
    for each in (model, plain):
        each(X)
        each.compile("sgd", {"y": "mse", "z": "mae"})
    model.y.set_weights(plain.y.get_weights())
    model.z.set_weights(plain.z.get_weights())
    expected = plain.evaluate(X, {"y": Y, "z": Z}, verbose=0)[0]
    assert model.evaluate(X, {"y": Y, "z": Z}, verbose=0) == pytest.approx(expected)


def test_a_dict_of_one_output_is_that_output() -> None:
    class One(Model):
        def __init__(self) -> None:
            super().__init__()
            self.y = Dense(1)

        def call(self, x: Any) -> Any:
            return {"y": self.y(x)}

    model = One()
    model.compile("sgd", {"y": "mse"})
    losses = model.fit(X, {"y": Y}, epochs=2, verbose=0).history["loss"]
    assert losses[1] < losses[0]


def test_losses_for_other_outputs_are_an_error() -> None:
    model = two(onfit, dict)
    model.compile("sgd", {"y": "mse", "zz": "mae"})
    with pytest.raises(ArgumentError, match=r"'zz'.* puts out y, z\..*Did you mean 'z'"):
        model.fit(X, {"y": Y, "zz": Z}, verbose=0)
    model = two(onfit, list)
    model.compile("sgd", ["mse", "mae", "mae"])
    with pytest.raises(ArgumentError, match=r"losses for 3 outputs.*puts out 2"):
        model.fit(X, [Y, Z, Z], verbose=0)
