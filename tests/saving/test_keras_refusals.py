"""What files of Keras hold and onfit does not have is refused by name."""

import h5py
import keras
import numpy as np
import pytest
import torch
from tests.saving.keras_models import (
    FIT,
    X,
    Y,
    assert_same,
    predictions,
    theirs,
    tolerant_of_keras,
)

from onfit import layers
from onfit.errors import FileFormatError, OnfitWarning
from onfit.models import Model, Sequential, load_model

pytestmark = tolerant_of_keras


def test_numbered_weights_of_other_layers_are_refused(tmp_path):
    theirs().save_weights(tmp_path / "w.weights.h5")
    model = Sequential([layers.Dense(8, input_dim=4)])
    before = model.get_weights()
    with pytest.raises(FileFormatError, match=r"weights of dense, dense_1, dense_2; .* dense\."):
        model.load_weights(tmp_path / "w.weights.h5")
    np.testing.assert_array_equal(model.get_weights()[0], before[0])


def test_numbered_weights_are_not_for_a_torch_module(tmp_path):
    theirs().save_weights(tmp_path / "w.weights.h5")
    with pytest.raises(FileFormatError, match="weights of dense"):
        Model(torch.nn.Linear(4, 3)).load_weights(tmp_path / "w.weights.h5")


def own_loss(y_true, y_pred):
    return keras.losses.mean_squared_error(y_true, y_pred)


class OwnMetric(keras.metrics.MeanSquaredError):
    pass


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"optimizer": keras.optimizers.Muon()}, "'Muon'"),
        ({"loss": own_loss}, "'own_loss'"),
        ({"metrics": [OwnMetric()]}, "'.*OwnMetric'"),
    ],
    ids=["optimizer", "loss", "metric"],
)
def test_training_that_onfit_cannot_do_is_refused_by_name_and_can_be_left_out(
    tmp_path, change, named
):
    other = theirs()
    other.compile(**({"optimizer": "sgd", "loss": "mse"} | change))
    other.save(tmp_path / "theirs.h5")
    with pytest.raises(FileFormatError, match=named) as caught:
        load_model(tmp_path / "theirs.h5")
    assert "theirs.h5" in str(caught.value)
    assert "compile=False" in str(caught.value)
    model = load_model(tmp_path / "theirs.h5", compile=False)
    assert_same([predictions(model)], [predictions(other)])
    assert model.optimizer is None


@pytest.mark.parametrize(
    ("layer", "named"),
    [
        (keras.layers.BatchNormalization(renorm=True), "renorm"),
        (keras.layers.RandomFlip(), "RandomFlip"),
    ],
    ids=["option", "kind"],
)
def test_layers_that_onfit_does_not_have_are_refused_by_name(tmp_path, layer, named):
    keras.Sequential([keras.layers.Input((4, 1)), layer]).save(tmp_path / "theirs.h5")
    with pytest.raises(FileFormatError, match=named) as caught:
        load_model(tmp_path / "theirs.h5")
    assert repr(layer.name) in str(caught.value)


def test_a_model_of_a_class_of_the_users_is_told_as_such(tmp_path):
    theirs().save(tmp_path / "theirs.h5")
    with h5py.File(tmp_path / "theirs.h5", "a") as file:
        config = file.attrs["model_config"]
        file.attrs["model_config"] = config.replace('"Sequential"', '"MyModel"', 1)
    with pytest.raises(FileFormatError, match=r"theirs\.h5.*MyModel.*load_weights"):
        load_model(tmp_path / "theirs.h5")


def test_an_optimizer_state_of_another_form_is_left_out_and_said(tmp_path):
    other = theirs("adam")
    other.fit(X, Y, **FIT)
    other.save(tmp_path / "theirs.h5")
    with h5py.File(tmp_path / "theirs.h5", "a") as file:
        group = file["optimizer_weights"]
        group.attrs["weight_names"] = list(group.attrs["weight_names"])[:-1]
    with pytest.warns(OnfitWarning, match=r"theirs\.h5.*starts afresh"):
        model = load_model(tmp_path / "theirs.h5")
    assert model.optimizer.iterations == 0
    model.fit(X, Y, **FIT)
