"""One script, run by Keras and by onfit: what the twin tests compare.

A script is written once against a namespace with Keras' names; `KERAS` and `ONFIT` are the two
namespaces. Both models start from the same weights and see the same data in the same order.
"""

from collections.abc import Callable
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import keras
import numpy as np
import pytest

from onfit import constraints, layers, losses, optimizers, regularizers
from onfit.core import Callback
from onfit.engine.model.sequential import Sequential

ONFIT = SimpleNamespace(
    Sequential=Sequential,
    constraints=constraints,
    Input=layers.Input,
    layers=layers,
    losses=losses,
    regularizers=regularizers,
    optimizers=optimizers,
    Callback=Callback,
)
KERAS = SimpleNamespace(
    Sequential=keras.Sequential,
    constraints=keras.constraints,
    Input=keras.Input,
    layers=keras.layers,
    losses=keras.losses,
    regularizers=keras.regularizers,
    optimizers=keras.optimizers,
    Callback=keras.callbacks.Callback,
)

# numpy 2 deprecates how Keras' variables turn into arrays: Keras' affair.
tolerant_of_keras = pytest.mark.filterwarnings(
    "ignore:__array__ implementation doesn't accept a copy keyword:DeprecationWarning"
)

Array = np.ndarray[Any, Any]
Script = Callable[[Any], Any]  # takes a namespace

FEATURES, SAMPLES, CLASSES = 6, 50, 3


@dataclass
class Data:
    """Samples that every task can be trained on; 50, so that batches of 16 leave a ragged one."""

    x: Array
    real: Array  # (n, 1)
    binary: Array  # (n, 1) of 0 and 1
    classes: Array  # (n,) of 0, 1, 2
    onehot: Array  # (n, 3)
    weight: Array  # (n,)


def make_data(seed: int = 0, samples: int = SAMPLES) -> Data:
    draw = np.random.default_rng(seed)
    x = draw.normal(size=(samples, FEATURES)).astype("float32")
    classes = draw.integers(0, CLASSES, samples)
    return Data(
        x=x,
        real=(x @ draw.normal(size=(FEATURES, 1))).astype("float32"),
        binary=(classes > 0).astype("float32")[:, None],
        classes=classes,
        onehot=np.eye(CLASSES, dtype="float32")[classes],
        weight=draw.uniform(0.0, 3.0, samples).astype("float32"),
    )


@dataclass
class Outcome:
    """What a training leaves behind."""

    weights: list[Array]
    history: dict[str, list[float]]
    epochs: list[int]
    evaluated: dict[str, float]
    predicted: Array


def hidden(lib: Any, outputs: int, activation: str | None = None) -> Any:
    """The small net of most twins."""
    return lib.Sequential(
        [
            lib.Input(shape=(FEATURES,)),
            lib.layers.Dense(5, activation="tanh"),
            lib.layers.Dense(outputs, activation=activation),
        ]
    )


def same_start(build: Script, seed: int = 0) -> tuple[Any, Any]:
    """Keras' model and ours, with the same weights."""
    reference, model = build(KERAS), build(ONFIT)
    draw = np.random.default_rng(seed)
    weights = [draw.normal(size=w.shape, scale=0.4) for w in reference.get_weights()]
    reference.set_weights(weights)
    model.set_weights(weights)
    return reference, model


def outcome(model: Any, x: Any, y: Any, **fit: Any) -> Outcome:
    fit = {"batch_size": 16, "epochs": 3, "shuffle": False, "verbose": 0, **fit}
    history = model.fit(x, y, **fit)
    return Outcome(
        weights=model.get_weights(),
        history=dict(history.history),
        epochs=history.epoch,
        evaluated=model.evaluate(x, y, batch_size=16, verbose=0, return_dict=True),
        predicted=model.predict(x, batch_size=16, verbose=0),
    )


def assert_twins(
    build: Script, compiled: Script, x: Any, y: Any, *, callbacks: Script | None = None, **fit: Any
) -> Outcome:
    """Train with both; assert that all they leave behind agrees; return what ours left.

    Args:
        build: makes the model of a namespace.
        compiled: makes the arguments of `compile`, a dict, of a namespace.
        x: inputs.
        y: targets.
        callbacks: makes the list of callbacks of a namespace.
        **fit: further arguments of `fit`, the same for both.
    """
    outcomes = []
    for lib, model in zip((KERAS, ONFIT), same_start(build), strict=True):
        model.compile(**compiled(lib))
        told = {} if callbacks is None else {"callbacks": callbacks(lib)}
        outcomes.append(outcome(model, x, y, **told, **fit))
    assert_same(*outcomes)
    return outcomes[1]


def assert_same(reference: Outcome, ours: Outcome) -> None:
    assert ours.epochs == reference.epochs
    assert set(ours.history) == set(reference.history)
    for name, values in reference.history.items():
        close(ours.history[name], values)
    assert set(ours.evaluated) == set(reference.evaluated)
    for name, value in reference.evaluated.items():
        close(ours.evaluated[name], value)
    close(ours.predicted, reference.predicted)
    assert len(ours.weights) == len(reference.weights)
    for mine, theirs in zip(ours.weights, reference.weights, strict=True):
        close(mine, theirs)


def close(mine: Any, theirs: Any) -> None:
    np.testing.assert_allclose(mine, theirs, rtol=1e-5, atol=1e-5)
