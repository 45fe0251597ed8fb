"""The same model in onfit and in real Keras 3, for files to go between them."""

import h5py
import keras
import numpy as np
import pytest
from keras.src.legacy.saving import legacy_h5_format

from onfit import layers
from onfit.models import Sequential

# numpy 2 deprecates how Keras' variables turn into arrays: Keras' affair.
tolerant_of_keras = pytest.mark.filterwarnings(
    "ignore:__array__ implementation doesn't accept a copy keyword:DeprecationWarning"
)

OPTIMIZERS = {
    "sgd": ("SGD", {}),
    "sgd with momentum": ("SGD", {"learning_rate": 0.1, "momentum": 0.9}),
    "sgd with nesterov": ("SGD", {"momentum": 0.9, "nesterov": True}),
    "rmsprop": ("RMSprop", {}),
    "rmsprop with momentum": ("RMSprop", {"momentum": 0.5}),
    "rmsprop, centered": ("RMSprop", {"momentum": 0.5, "centered": True}),
    "adam": ("Adam", {"learning_rate": 0.01}),
    "adam with amsgrad": ("Adam", {"amsgrad": True}),
    "adamw": ("AdamW", {"clipnorm": 0.5}),
    "adamax": ("Adamax", {}),
    "nadam": ("Nadam", {"weight_decay": 0.01}),
    "adagrad": ("Adagrad", {}),
    "adadelta": ("Adadelta", {"learning_rate": 0.5}),
}
each_optimizer = pytest.mark.parametrize(
    ("kind", "options"), OPTIMIZERS.values(), ids=OPTIMIZERS.keys()
)

_draw = np.random.default_rng(0)
X = _draw.normal(size=(40, 4)).astype("float32")
Y = _draw.integers(0, 3, 40)
FIT = {"batch_size": 16, "shuffle": False, "verbose": 0}


def ours(optimizer="sgd", **compiled):
    model = Sequential(
        [
            layers.Dense(8, activation="relu", input_dim=4, kernel_initializer="he_normal"),
            layers.Activation("tanh"),
            layers.Dropout(0.0),
            layers.Flatten(),
            layers.Dense(6, use_bias=False, name="hidden", kernel_regularizer="l2"),
            layers.Dense(3, activation="softmax"),
        ]
    )
    model.compile(optimizer, "sparse_categorical_crossentropy", **({"metrics": ["acc"]} | compiled))
    return model


def theirs(optimizer="sgd", **compiled):
    model = keras.Sequential(
        [
            keras.layers.Input((4,)),
            keras.layers.Dense(8, activation="relu", kernel_initializer="he_normal"),
            keras.layers.Activation("tanh"),
            keras.layers.Dropout(0.0),
            keras.layers.Flatten(),
            keras.layers.Dense(6, use_bias=False, name="hidden", kernel_regularizer="l2"),
            keras.layers.Dense(3, activation="softmax"),
        ]
    )
    model.compile(optimizer, "sparse_categorical_crossentropy", **({"metrics": ["acc"]} | compiled))
    return model


def predictions(model, x=X):
    return model.predict(x, verbose=0)


def assert_same(these, those):
    assert len(these) == len(those)
    for this, that in zip(these, those, strict=True):
        np.testing.assert_allclose(this, that, rtol=2e-5, atol=1e-6)


def opened_by_keras(path):
    """A Keras model that can go on training.

    load_model alone builds the optimizer of a Sequential for no weights at all (as of Keras
    3.15), so that a fit fails even on Keras' own files; here it is built for all of them and
    given what Keras' own reader finds in the file.
    """
    model = keras.models.load_model(path)
    optimizer = type(model.optimizer).from_config(model.optimizer.get_config())
    optimizer.build(model.trainable_variables)
    with h5py.File(path) as file:
        values = legacy_h5_format.load_optimizer_weights_from_hdf5_group(file)
        names = list(file["optimizer_weights"].attrs["weight_names"])
        assert len(values) == len(optimizer.variables)
        for name, variable in zip(names, optimizer.variables, strict=True):
            # One that Keras gave no name is numbered, by how many there were before.
            assert name.decode() == variable.path or variable.path.startswith("variable")
        optimizer.set_weights([np.asarray(value) for value in values])
    model.compile(optimizer, model.loss, metrics=["acc"])
    return model
