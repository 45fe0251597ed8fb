"""Running blocks of code out of documents, and the models and data that the blocks leave out.

Only the import lines of a block are changed: they name onfit. Where a document leaves something
out (`model.fit(..., `, `processes = ...`), the test says what is put there.
"""

import re
import textwrap
from types import SimpleNamespace

import numpy as np

import onfit as keras
from onfit.layers import Activation, Dense
from onfit.models import Sequential


def run(code, **names):
    """Run a quoted block with `names` around it; what it leaves defined."""
    code = re.sub(r"^from keras\b", "from onfit", code, flags=re.MULTILINE)
    code = re.sub(r"^import keras$", "import onfit as keras", code, flags=re.MULTILINE)
    namespace = {"keras": keras, "__name__": "__main__", **names}
    exec(compile(textwrap.dedent(code), "<document>", "exec"), namespace)
    return SimpleNamespace(**namespace)


def images(samples, features=784):
    return np.random.default_rng(samples).random((samples, features), dtype=np.float32)


def one_hot(samples, classes=10):
    return np.eye(classes)[np.random.default_rng(samples).integers(classes, size=samples)]


LAYERS = {"Sequential": Sequential, "Dense": Dense, "Activation": Activation}


def small_model(metrics=("acc",)):
    model = Sequential([Dense(1, activation="sigmoid", input_dim=4)])
    model.compile(optimizer="rmsprop", loss="binary_crossentropy", metrics=list(metrics))
    return model


def small_data(samples=40):
    x = np.random.default_rng(samples).normal(size=(samples, 4))
    return x, (x[:, 0] > 0).astype(int)


def steady_model():
    """A model whose accuracy never changes."""
    model = small_model(metrics=[constant_acc])
    model.optimizer.learning_rate = 0.002
    return model


def constant_acc(y_true, y_pred):
    return 0.5


constant_acc.__name__ = "accuracy"
