"""Files of onfit, opened by real Keras 3."""

import keras
import numpy as np
import pytest
import torch
from tests.saving.keras_models import (
    FIT,
    X,
    Y,
    assert_same,
    each_optimizer,
    opened_by_keras,
    ours,
    predictions,
    theirs,
    tolerant_of_keras,
)

from onfit import layers, losses, metrics, optimizers
from onfit.models import Sequential

pytestmark = tolerant_of_keras


def test_keras_opens_our_file_and_predicts_the_same(tmp_path):
    model = ours("adam")
    model.fit(X, Y, **FIT)
    model.save(tmp_path / "ours.h5")
    opened = keras.models.load_model(tmp_path / "ours.h5")
    assert_same([predictions(opened)], [predictions(model)])
    assert [layer.name for layer in opened.layers] == [layer.name for layer in model.layers]
    assert opened.name == model.name
    assert opened.layers[0].kernel_initializer.get_config() == {
        "seed": None, "input_axes": None, "output_axes": None,
    }  # fmt: skip
    assert isinstance(opened.layers[0].kernel_initializer, keras.initializers.HeNormal)
    assert opened.get_layer("hidden").kernel_regularizer.get_config()["l2"] == pytest.approx(0.01)
    assert int(opened.optimizer.iterations) == 3
    assert float(opened.optimizer.learning_rate) == pytest.approx(0.001)


@each_optimizer
def test_keras_goes_on_from_our_file_as_onfit_does(tmp_path, kind, options):
    model = ours(getattr(optimizers, kind)(**options))
    model.fit(X, Y, epochs=2, **FIT)
    model.save(tmp_path / "ours.h5")
    opened = opened_by_keras(tmp_path / "ours.h5")
    mine = model.fit(X, Y, epochs=2, **FIT).history
    other = opened.fit(X, Y, epochs=2, **FIT).history
    assert_same(opened.get_weights(), model.get_weights())
    assert_same(other["loss"], mine["loss"])
    assert_same(other["acc"], mine["acc"])


@pytest.mark.parametrize("name", ["w.h5", "w.hdf5", "w.weights.h5"])
def test_keras_reads_our_files_of_weights(tmp_path, name):
    # Uncompiled: into a compiled model, Keras loads no numbered weights without an optimizer's.
    model, other = ours(), keras.Sequential([keras.Input((4,)), *theirs().layers])
    model.save_weights(tmp_path / name)
    other.load_weights(tmp_path / name)
    assert_same(other.get_weights(), model.get_weights())


def test_weights_are_kept_once_even_where_two_layouts_are(tmp_path):
    model = Sequential([layers.Dense(200, input_dim=500)])
    model.save_weights(tmp_path / "one.h5")
    model.save_weights(tmp_path / "two.weights.h5")
    assert (tmp_path / "two.weights.h5").stat().st_size < 1.1 * (tmp_path / "one.h5").stat().st_size


def test_keras_finds_a_users_functions_by_the_names_in_our_file(tmp_path):
    model = Sequential([layers.Dense(3, activation=doubled, input_dim=4)])
    model.compile("sgd", squared, metrics=[furthest])
    model.save(tmp_path / "ours.h5")
    mine = {"doubled": doubled, "squared": squared, "furthest": furthest}
    opened = keras.models.load_model(tmp_path / "ours.h5", custom_objects=mine)
    assert_same([predictions(opened)], [predictions(model)])
    assert opened.loss is squared


def doubled(x):
    return 2 * x


def squared(y_true, y_pred):
    return (y_true - y_pred) ** 2


def furthest(y_true, y_pred):
    return abs(y_true - y_pred)


@pytest.mark.parametrize(
    ("loss", "y"),
    [
        ("mse", np.eye(3)[Y]),
        ("mae", np.eye(3)[Y]),
        (losses.BinaryCrossentropy(label_smoothing=0.2), np.eye(3)[Y]),
        (losses.CategoricalCrossentropy(from_logits=True, label_smoothing=0.1), np.eye(3)[Y]),
        (losses.SparseCategoricalCrossentropy(from_logits=True), Y),
    ],
    ids=["mse", "mae", "binary", "categorical", "sparse"],
)
def test_keras_measures_the_same_loss_and_metrics(tmp_path, loss, y):
    model = ours()
    measured = ["acc", metrics.MeanMetricWrapper(metrics.mean_absolute_error, "far")]
    # Behind from_logits=True, onfit's metrics see probabilities and Keras' do not.
    model.compile("sgd", loss, metrics=measured[: 1 if getattr(loss, "from_logits", 0) else 2])
    model.save(tmp_path / "ours.h5")
    opened = keras.models.load_model(tmp_path / "ours.h5")
    mine = model.evaluate(X, y, verbose=0, return_dict=True)
    other = opened.evaluate(X, y, verbose=0, return_dict=True)
    assert other.keys() == mine.keys()
    assert_same([other[name] for name in mine], list(mine.values()))


def test_keras_opens_a_file_whose_loss_is_torchs_uncompiled(tmp_path):
    model = ours()
    model.compile("adam", torch.nn.CrossEntropyLoss())
    model.save(tmp_path / "ours.h5")
    opened = keras.models.load_model(tmp_path / "ours.h5", compile=False)
    assert_same([predictions(opened)], [predictions(model)])


def test_keras_opens_a_model_inside_a_model(tmp_path):
    inner = Sequential([layers.Dense(5, input_dim=8), layers.Dense(3)], name="inner")
    model = Sequential([layers.Dense(8, input_dim=4), inner])
    model.save(tmp_path / "ours.h5")
    opened = keras.models.load_model(tmp_path / "ours.h5")
    assert_same([predictions(opened)], [predictions(model)])


def test_keras_opens_a_model_of_float16(tmp_path):
    model = Sequential([layers.Dense(5, input_dim=4), layers.Activation("relu")]).half()
    model.save(tmp_path / "ours.h5")
    opened = keras.models.load_model(tmp_path / "ours.h5")
    assert opened.layers[0].kernel.dtype == "float16"
    np.testing.assert_array_equal(opened.get_weights()[0], model.get_weights()[0])
