"""Objects of the user's own that are found by their names."""

import keras
import numpy as np
import pytest
import torch
from onfit.utils.generic_utils import get_custom_objects as as_in_keras_2

import onfit
from onfit import Sequential, layers, losses, metrics, models, optimizers
from onfit.errors import ArgumentError, FileFormatError
from onfit.utils import (
    custom_object_scope,
    get_custom_objects,
    normalize,
    register_keras_serializable,
)


@pytest.fixture(autouse=True)
def nothing_registered():
    with custom_object_scope():
        yield


def halved(x):
    return x / 2


class Doubled(layers.Layer):
    def call(self, x):
        return 2 * x


X = np.ones((4, 3), "float32")


def test_one_dict_is_found_under_all_its_names():
    assert get_custom_objects() is as_in_keras_2()
    assert get_custom_objects() is onfit.keras.saving.get_custom_objects()


def test_a_registered_function_is_an_activation_a_loss_and_a_metric_by_name():
    get_custom_objects().update(halved=halved, off=lambda y, p: abs(y - p))
    model = Sequential([layers.Dense(1, activation="halved", input_dim=3)])
    model.compile("sgd", loss="off", metrics=["off"])
    model.set_weights([np.ones((3, 1)), np.ones(1)])
    assert model.predict(X, verbose=0)[0] == 2
    assert model.evaluate(X, np.ones((4, 1)), verbose=0) == [1, 1]


@pytest.mark.parametrize(
    ("get", "kind", "base"),
    [
        (losses.get, "MeanSquaredError", losses),
        (metrics.get, "MeanSquaredError", metrics),
        (optimizers.get, "SGD", optimizers),
        (onfit.regularizers.get, "L2", onfit.regularizers),
        (onfit.initializers.get, "Ones", onfit.initializers),
        (onfit.constraints.get, "NonNeg", onfit.constraints),
    ],
)
def test_a_registered_class_is_made_by_name(get, kind, base):
    mine = type("Mine", (getattr(base, kind),), {})
    with custom_object_scope({"mine": mine}):
        assert type(get("mine")) is mine
    with pytest.raises(ArgumentError, match="mine"):
        get("mine")


def test_a_scope_ends_where_its_block_ends_also_by_an_error():
    get_custom_objects()["kept"] = halved
    with pytest.raises(ZeroDivisionError), custom_object_scope({"a": 1}, {"b": 2, "kept": 3}):
        1 / 0  # noqa: B018
    assert get_custom_objects() == {"kept": halved}


@pytest.mark.parametrize("suffix", ["keras", "h5"])
def test_files_find_what_is_registered(tmp_path, suffix):
    register_keras_serializable()(Doubled)
    register_keras_serializable("mine")(halved)
    model = Sequential([layers.Dense(2, halved, input_dim=3), Doubled()])
    model.save(tmp_path / f"a.{suffix}")
    loaded = models.load_model(tmp_path / f"a.{suffix}")
    np.testing.assert_array_equal(loaded.predict(X, verbose=0), model.predict(X, verbose=0))
    again = models.model_from_json(model.to_json())
    assert type(again.layers[1]) is Doubled
    get_custom_objects().clear()
    with pytest.raises(FileFormatError, match=r"halved|Doubled"):
        models.load_model(tmp_path / f"a.{suffix}")


def test_what_a_call_is_given_comes_first(tmp_path):
    get_custom_objects()["halved"] = torch.relu
    model = Sequential([layers.Dense(2, halved, input_dim=3)])
    model.save(tmp_path / "a.keras")
    loaded = models.load_model(tmp_path / "a.keras", custom_objects={"halved": halved})
    assert loaded.layers[0].activation is halved


@pytest.mark.parametrize("axis", [1, -1])
@pytest.mark.parametrize("order", [1, 2])
def test_rows_are_normalized_as_in_keras(axis, order):
    x = np.random.default_rng(0).normal(size=(3, 4))
    x[0] = 0
    expected = keras.utils.normalize(x, axis, order)
    np.testing.assert_allclose(normalize(x, axis, order), expected, rtol=1e-6)
    np.testing.assert_allclose(normalize(x.T, 0, order), expected.T, rtol=1e-6)


@pytest.mark.parametrize("name", ["get_file", "plot_model", "Progbar", "multi_gpu_model"])
def test_what_is_not_here_says_what_to_write(name):
    with pytest.raises(AttributeError, match=rf"'{name}'\. Write \w"):
        getattr(onfit.utils, name)
