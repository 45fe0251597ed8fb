"""Layers of a user's class whose `__init__` does not take what every layer has."""

import numpy as np
import pytest

from onfit import Input, Model, Sequential
from onfit.layers import Dense, Layer
from onfit.models import load_model

X = np.random.default_rng(0).normal(size=(4, 3)).astype("float32")


class Bare(Layer):
    """As in Keras' guide on saving: neither the constructor nor get_config has a name."""

    def __init__(self, factor):
        super().__init__()
        self.factor = factor

    def call(self, x):
        return x * self.factor

    def get_config(self):
        return {"factor": self.factor}


class Half(Bare):
    """get_config says the name, and the constructor does not take it."""

    def get_config(self):
        return {"name": self.name, "trainable": self.trainable, "factor": self.factor}


def stack(layer):
    return Sequential([Input((3,)), layer, Dense(2)])


def graph(layer):
    x = Input((3,))
    return Model(x, Dense(2)(layer(x)))


@pytest.mark.parametrize("name", ["model.keras", "model.h5"])
@pytest.mark.parametrize("makes", [stack, graph])
@pytest.mark.parametrize("kind", [Bare, Half])
def test_they_come_back_from_files(tmp_path, kind, makes, name):
    model = makes(kind(0.5))
    model.save(tmp_path / name)
    loaded = load_model(tmp_path / name, custom_objects={kind.__name__: kind})
    assert [layer.name for layer in loaded.layers] == [layer.name for layer in model.layers]
    assert np.allclose(loaded.predict(X, verbose=0), model.predict(X, verbose=0))
