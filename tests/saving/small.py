"""A small model and data for it, and what tests ask of a model that came back."""

import numpy as np
import pytest

from onfit import layers
from onfit.models import Sequential, load_model

_draw = np.random.default_rng(0)
X = _draw.normal(size=(40, 4)).astype("float32")
Y = _draw.integers(0, 3, 40)
ONE_HOT = np.eye(3, dtype="float32")[Y]
FIT = {"batch_size": 16, "shuffle": False, "verbose": 0}


WHOLE = [".keras", ".h5", ".hdf5"]
WEIGHTS = [".pt", ".safetensors", ".weights.h5", ".h5", ".hdf5"]
# Each format, by the method that writes it.
EVERY = [*(("save", suffix) for suffix in WHOLE), *(("save_weights", suffix) for suffix in WEIGHTS)]
each_format = pytest.mark.parametrize(("method", "suffix"), EVERY)

# The formats of whole models, for the tests of what they must all do.
each_whole = pytest.mark.parametrize("suffix", [".h5", ".keras"])


def small(**dense):
    return Sequential([layers.Dense(8, activation="relu", input_dim=4), layers.Dense(3, **dense)])


def trained():
    model = small(activation="softmax")
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["acc"])
    model.fit(X, Y, **FIT)
    return model


def predictions(model):
    return model.predict(X, verbose=0)


def assert_identical(these, those):
    assert len(these) == len(those)
    for this, that in zip(these, those, strict=True):
        np.testing.assert_array_equal(this, that)


def saved_and_loaded(model, tmp_path, suffix=".h5", **load):
    path = tmp_path / f"model{suffix}"
    model.save(path)
    return load_model(path, **load)
