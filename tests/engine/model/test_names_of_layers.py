"""Names of layers are free: none of them means something else in a model."""

import pickle
from collections.abc import Callable
from copy import deepcopy
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from onfit import Input, Model, Sequential, load_model
from onfit.errors import ArgumentError
from onfit.layers import Add, BatchNormalization, Dense, Dropout, Layer

X = np.random.RandomState(0).randn(8, 4).astype("float32")
Y = X.sum(1, keepdims=True)

# Names of attributes of torch modules, of models, of names that hold a dot or a slash.
NAMES = [
    "output",
    "input",
    "logits",
    "train",
    "training",
    "type",
    "forward",
    "call",
    "name",
    "layers",
    "losses",
    "optimizer",
    "history",
    "stop_training",
    "_modules",
    "a.b",
    "conv1/bn",
    "output_",
]


def stack(name: str) -> Model:
    return Sequential([Dense(3, input_shape=(4,), name=name), BatchNormalization(), Dense(1)])


def added(name: str) -> Model:
    model = Sequential()
    model.add(Dense(3, input_shape=(4,)))
    model.add(Dense(1, name=name))
    return model


def graph(name: str) -> Model:
    x = Input((4,))
    return Model(x, Dense(1, name="end")(Dense(3, name=name)(x)))


FORMS: dict[str, Callable[[str], Model]] = {"stack": stack, "added": added, "graph": graph}


@pytest.fixture(params=FORMS)
def made(request: pytest.FixtureRequest) -> Callable[[str], Model]:
    form: Callable[[str], Model] = FORMS[request.param]
    return form


@pytest.mark.parametrize("name", NAMES)
def test_a_layer_of_any_name_trains_and_is_found(made: Callable[[str], Model], name: str) -> None:
    model = made(name)
    model.compile("sgd", "mse")
    model.fit(X, Y, verbose=0)
    layer = model.get_layer(name)
    assert layer.name == name
    assert layer in model.layers
    twin = pickle.loads(pickle.dumps(deepcopy(model)))
    assert twin.get_layer(name).name == name
    assert np.array_equal(twin.predict(X, verbose=0), model.predict(X, verbose=0))
    twin.load_state_dict(model.state_dict())


@pytest.mark.parametrize("name", ["output", "a.b", "conv1/bn", "training", "output_"])
@pytest.mark.parametrize("end", ["keras", "h5"])
def test_a_file_of_a_whole_model_keeps_the_name(
    made: Callable[[str], Model], name: str, end: str, tmp_path: Path
) -> None:
    model = made(name)
    model.save(tmp_path / f"model.{end}")
    loaded = load_model(tmp_path / f"model.{end}")
    assert loaded.get_layer(name).name == name
    assert np.array_equal(loaded.predict(X, verbose=0), model.predict(X, verbose=0))


@pytest.mark.parametrize("name", ["output", "a.b", "conv1/bn"])
@pytest.mark.parametrize("end", ["weights.h5", "h5", "safetensors", "pt"])
def test_a_file_of_weights_fits_a_model_of_the_same_names(
    made: Callable[[str], Model], name: str, end: str, tmp_path: Path
) -> None:
    model, other = made(name), made(name)
    model.save_weights(tmp_path / f"of.{end}")
    other.load_weights(tmp_path / f"of.{end}")
    assert np.array_equal(other.predict(X, verbose=0), model.predict(X, verbose=0))


def test_weights_by_layer_stand_under_the_name_of_the_layer(tmp_path: Path) -> None:
    import h5py

    stack("output").save_weights(tmp_path / "of.h5")
    with h5py.File(tmp_path / "of.h5") as file:
        assert set(file) == {"output", "batch_normalization", "dense"}


def test_a_second_layer_of_a_name_is_an_error() -> None:
    with pytest.raises(ArgumentError, match="cannot have a second layer called 'output'"):
        Sequential([Dense(1, name="output"), Dropout(0.5, name="output")])


def test_names_that_share_a_key_stay_apart() -> None:
    model = Sequential([Dense(2, name=name) for name in ("output", "output_", "a.b", "a_b")])
    model.build((None, 4))
    assert [model.get_layer(layer.name) for layer in model.layers] == model.layers


def test_a_layer_without_a_name_has_that_of_its_class_though_a_model_has_such_a_method() -> None:
    class Output(Layer):
        def call(self, x: torch.Tensor) -> torch.Tensor:
            return x

    x = Input((4,))
    model = Model(x, Output()(Add()([x, x])))
    assert [layer.name for layer in model.layers][-2:] == ["add", "output"]
    assert [layer.name for layer in Sequential([Output(), Output()]).layers] == [
        "output",
        "output_1",
    ]


def test_a_layer_is_taken_off_whatever_its_name() -> None:
    model = added("output")
    model.pop()
    assert len(model.layers) == len(list(model.children())) == 1


def test_a_model_of_any_name_is_a_layer_of_another() -> None:
    inner = Sequential([Dense(2, input_shape=(4,), name="output")], name="output")
    model = Sequential([inner, nn.Linear(2, 1)])
    model.compile("sgd", "mse")
    model.fit(X, Y, verbose=0)
    assert model.get_layer("output").get_layer("output").units == 2


def test_names_in_what_looks_inside_are_those_of_the_layers() -> None:
    model = stack("output")
    assert next(name for name, _ in model.named_activations(X)) == "output"
