"""A small model and data for it, and what tests ask of a model that came back."""

import numpy as np

from onfit import layers
from onfit.models import Sequential, load_model

_draw = np.random.default_rng(0)
X = _draw.normal(size=(40, 4)).astype("float32")
Y = _draw.integers(0, 3, 40)
ONE_HOT = np.eye(3, dtype="float32")[Y]
FIT = {"batch_size": 16, "shuffle": False, "verbose": 0}


def small(**dense):
    return Sequential([layers.Dense(8, activation="relu", input_dim=4), layers.Dense(3, **dense)])


def predictions(model):
    return model.predict(X, verbose=0)


def assert_identical(these, those):
    assert len(these) == len(those)
    for this, that in zip(these, those, strict=True):
        np.testing.assert_array_equal(this, that)


def saved_and_loaded(model, tmp_path, **load):
    model.save(tmp_path / "model.h5")
    return load_model(tmp_path / "model.h5", **load)
