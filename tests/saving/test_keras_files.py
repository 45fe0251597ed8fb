"""Files of real Keras 3, opened by onfit."""

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
    ours,
    predictions,
    theirs,
    tolerant_of_keras,
)

from onfit import initializers, layers, regularizers
from onfit.models import Sequential, load_model

pytestmark = tolerant_of_keras


@each_optimizer
def test_onfit_goes_on_from_a_file_of_keras_as_keras_does(tmp_path, kind, options):
    other = theirs(getattr(keras.optimizers, kind)(**options))
    other.fit(X, Y, epochs=2, **FIT)
    other.save(tmp_path / "theirs.h5")
    model = load_model(tmp_path / "theirs.h5")
    assert_same([predictions(model)], [predictions(other)])
    assert_same(model.get_weights(), other.get_weights())
    assert model.optimizer.iterations == int(other.optimizer.iterations) == 6
    assert model.optimizer.learning_rate == float(other.optimizer.learning_rate)
    assert model.metrics_names == ["loss", "acc"]
    history = model.fit(X, Y, epochs=2, **FIT).history
    expected = other.fit(X, Y, epochs=2, **FIT).history
    assert_same(history["loss"], expected["loss"])
    assert_same(model.get_weights(), other.get_weights())


def test_layers_of_keras_come_with_their_options(tmp_path):
    theirs().save(tmp_path / "theirs.h5")
    model = load_model(tmp_path / "theirs.h5")
    first, _, dropout, _, hidden, last = model.layers
    assert isinstance(first.kernel_initializer, initializers.HeNormal)
    assert (first.units, first.activation.__name__) == (8, "relu")
    assert dropout.rate == 0
    assert (hidden.name, hidden.bias) == ("hidden", None)
    assert isinstance(hidden.kernel_regularizer, regularizers.L2)
    assert last.activation.__name__ == "softmax"
    assert model.input_shape == (None, 4)


def test_a_model_that_keras_built_from_data_takes_batches_of_any_size(tmp_path):
    other = keras.Sequential([keras.layers.Dense(3)])
    other.compile("sgd", "mse")
    other.fit(X, X[:, :3], batch_size=8, verbose=0)
    other.save(tmp_path / "theirs.h5")
    model = load_model(tmp_path / "theirs.h5")
    assert model.input_shape == other.input_shape == (8, 4)  # as Keras notes it
    assert_same([predictions(model, X[:5])], [predictions(other)[:5]])


@pytest.mark.parametrize("name", ["w.h5", "w.weights.h5"])
def test_onfit_reads_weights_out_of_keras_files(tmp_path, name):
    model, other = ours(), theirs("adam")
    other.fit(X, Y, **FIT)
    getattr(other, "save_weights" if "weights" in name else "save")(tmp_path / name)
    model.load_weights(tmp_path / name)
    assert_same(model.get_weights(), other.get_weights())


def test_numbered_weights_go_to_their_layers_beyond_ten(tmp_path):
    other = keras.Sequential([keras.layers.Input((2,))])
    model = Sequential([layers.Input((2,))])
    for _ in range(12):
        other.add(keras.layers.Dense(2))
        model.add(layers.Dense(2))
    other.save_weights(tmp_path / "w.weights.h5")
    model.load_weights(tmp_path / "w.weights.h5")
    assert_same(model.get_weights(), other.get_weights())


def test_losses_and_metrics_of_keras_are_read_as_objects_and_as_names(tmp_path):
    other = theirs(
        metrics=["accuracy", keras.metrics.SparseCategoricalAccuracy(name="right")],
    )
    other.compile(
        "sgd",
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=["accuracy", keras.metrics.SparseCategoricalAccuracy(name="right")],
    )
    other.save(tmp_path / "theirs.h5")
    model = load_model(tmp_path / "theirs.h5")
    assert model.metrics_names == ["loss", "accuracy", "right"]
    expected = other.evaluate(X, Y, verbose=0)
    assert_same(model.evaluate(X, Y, verbose=0), expected)


def test_a_float16_model_of_keras_stays_one(tmp_path):
    other = keras.Sequential([keras.layers.Input((4,)), keras.layers.Dense(3, dtype="float16")])
    other.save(tmp_path / "theirs.h5")
    model = load_model(tmp_path / "theirs.h5")
    assert model.layers[0].kernel.dtype == torch.float16
    np.testing.assert_array_equal(model.get_weights()[0], other.get_weights()[0])


def test_a_frozen_layer_of_keras_stays_frozen(tmp_path):
    other = theirs()
    other.layers[0].trainable = False
    other.compile("adam", "sparse_categorical_crossentropy", metrics=["acc"])
    other.fit(X, Y, **FIT)
    other.save(tmp_path / "theirs.h5")
    model = load_model(tmp_path / "theirs.h5")
    assert not model.layers[0].kernel.requires_grad
    model.fit(X, Y, **FIT)
    other.fit(X, Y, **FIT)
    assert_same(model.get_weights(), other.get_weights())


def test_the_weights_of_a_functional_model_of_keras_fit_a_stack_of_its_layers(tmp_path):
    x = keras.Input((4,))
    other = keras.Model(x, keras.layers.Dense(3)(x))
    other.save(tmp_path / "theirs.h5")
    model = Sequential([layers.Dense(3, input_dim=4)])
    model.load_weights(tmp_path / "theirs.h5")
    assert_same([predictions(model)], [predictions(other)])
