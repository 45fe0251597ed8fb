"""Functional models whose layers are called with several inputs, constants, or in a mode."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from tests.saving.keras_models import tolerant_of_keras
from torch import Tensor

from onfit import Input, Model, load_model
from onfit.layers import BatchNormalization, Dense, Dropout, Layer

X = np.random.RandomState(0).randn(8, 4).astype("float32")


class Gate(Layer):
    """Several inputs, some in a dict or a list."""

    def call(self, a: Tensor, b: Tensor, scale: float = 1.0, more: Any = None) -> Tensor:
        out = a * b * scale
        return out if more is None else out + more["x"] + more["y"][0]


class Both(Layer):
    """A weight for each of its inputs, and outputs of several kinds."""

    def build(self, query_shape: Any, value_shape: Any) -> None:
        self.q = self.add_weight(shape=(query_shape[-1],))
        self.v = self.add_weight(shape=(value_shape[-1],))

    def call(self, query: Tensor, value: Tensor) -> Any:
        return query * self.q, {"v": value * self.v}


def both(x: Any) -> Any:
    first, others = Both()(x, Dense(2)(x))
    return [first, others["v"]]


CALLS: dict[str, Callable[[Any], Any]] = {
    "by place": lambda x: Gate()(Dense(3)(x), Dense(3)(x)),
    "by name": lambda x: Gate()(x, b=Dense(4)(x), scale=0.5),
    "all by name": lambda x: Gate()(a=x, b=Dense(4)(x)),
    "in a dict and a list": lambda x: Gate()(x, x, more={"x": Dense(4)(x), "y": [x]}),
    "a tensor first": lambda x: Gate()(torch.full((1, 4), 1 / 3), x),
    "an array last": lambda x: Gate()(x, np.full((1, 4), 3.0)),
    "weights by input": both,
}


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("end", ["keras", "h5"])
def test_a_call_of_many_arguments_is_saved_and_made_again(
    call: str, end: str, tmp_path: Path
) -> None:
    x = Input((4,))
    model = Model(x, CALLS[call](x))
    model.save(tmp_path / f"model.{end}")
    loaded = load_model(tmp_path / f"model.{end}", custom_objects={"Gate": Gate, "Both": Both})
    expected, found = (m.predict(X, verbose=0) for m in (model, loaded))
    assert np.array_equal(np.hstack(expected), np.hstack(found))


def test_each_weight_is_built_for_the_input_of_its_name() -> None:
    layer = Both()
    layer(torch.ones(1, 3), torch.ones(1, 2))
    assert [tuple(weight.shape) for weight in layer.weights] == [(3,), (2,)]
    layer = Both()
    layer(value=torch.ones(1, 2), query=torch.ones(1, 3))
    assert [tuple(weight.shape) for weight in layer.weights] == [(3,), (2,)]


@pytest.mark.parametrize("end", ["keras", "h5"])
def test_the_mode_of_a_call_is_saved(end: str, tmp_path: Path) -> None:
    x = Input((4,))
    drops = Dropout(0.5)(x, training=True)
    model = Model(x, BatchNormalization()(drops, training=False))
    model.save(tmp_path / f"model.{end}")
    loaded = load_model(tmp_path / f"model.{end}")
    ones = np.ones((500, 4), "float32")
    assert (loaded.predict(ones, verbose=0) == 0).any()
    loaded(ones, training=True)
    assert loaded.layers[-1].moving_mean.tolist() == [0, 0, 0, 0]
    assert (Model(x, Dropout(0.5)(x)).predict(ones, verbose=0) == 1).all()


def test_keras_opens_a_file_that_holds_the_mode_of_a_call(tmp_path: Path) -> None:
    import keras

    x = Input((4,))
    Model(x, Dropout(0.5)(x, training=True)).save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    assert loaded.layers[-1].rate == 0.5


@tolerant_of_keras
@pytest.mark.parametrize("end", ["keras", "h5"])
@pytest.mark.parametrize("name", ["output", "train"])
def test_layers_of_any_name_go_to_keras_and_come_from_there(
    name: str, end: str, tmp_path: Path
) -> None:
    import keras

    theirs = keras.Sequential([keras.Input((4,)), keras.layers.Dense(2, name=name)])
    theirs.save(tmp_path / f"theirs.{end}")
    ours = load_model(tmp_path / f"theirs.{end}")
    assert ours.get_layer(name).name == name
    expected = theirs.predict(X, verbose=0)
    assert np.allclose(ours.predict(X, verbose=0), expected, atol=1e-6)
    ours.save(tmp_path / f"ours.{end}")
    again = keras.models.load_model(tmp_path / f"ours.{end}")
    assert again.get_layer(name).name == name
    assert np.allclose(again.predict(X, verbose=0), expected, atol=1e-6)
