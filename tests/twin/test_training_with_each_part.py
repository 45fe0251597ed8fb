"""Training with each optimizer, loss, layer, activation and metric, against Keras itself."""

from typing import Any

import numpy as np
import pytest
from tests.twin.keras_twin import (
    CLASSES,
    FEATURES,
    KERAS,
    ONFIT,
    Script,
    assert_twins,
    close,
    hidden,
    same_start,
    tolerant_of_keras,
)
from tests.twin.small_models import DATA, binary, classifier, regression, with_mse

from onfit import activations

pytestmark = tolerant_of_keras

# --- optimizers ------------------------------------------------------------------------------

OPTIMIZERS: dict[str, Script] = {
    "sgd by name": lambda lib: "sgd",
    "sgd": lambda lib: lib.optimizers.SGD(learning_rate=0.1),
    "momentum": lambda lib: lib.optimizers.SGD(learning_rate=0.05, momentum=0.9),
    "nesterov": lambda lib: lib.optimizers.SGD(learning_rate=0.05, momentum=0.9, nesterov=True),
    "rmsprop by name": lambda lib: "rmsprop",
    "rmsprop": lambda lib: lib.optimizers.RMSprop(learning_rate=0.01, rho=0.8, epsilon=1e-3),
    "rmsprop with momentum": lambda lib: lib.optimizers.RMSprop(learning_rate=0.01, momentum=0.7),
    "centered rmsprop": lambda lib: lib.optimizers.RMSprop(learning_rate=0.01, centered=True),
    "centered rmsprop with momentum": lambda lib: lib.optimizers.RMSprop(
        learning_rate=0.01, momentum=0.7, centered=True
    ),
    "adam by name": lambda lib: "adam",
    "adam": lambda lib: lib.optimizers.Adam(
        learning_rate=0.02, beta_1=0.8, beta_2=0.95, epsilon=1e-3
    ),
    "amsgrad": lambda lib: lib.optimizers.Adam(learning_rate=0.02, beta_2=0.5, amsgrad=True),
}


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_optimizers_step_as_keras_do(name: str) -> None:
    make = OPTIMIZERS[name]
    assert_twins(
        regression,
        lambda lib: {"optimizer": make(lib), "loss": "mse"},
        DATA.x,
        DATA.real,
        epochs=5,
    )


@pytest.mark.parametrize("name", ["sgd", "momentum", "nesterov", "rmsprop with momentum", "adam"])
def test_a_learning_rate_changed_in_mid_training_is_the_next_batches(name: str) -> None:
    make = OPTIMIZERS[name]

    def quarter(lib: Any) -> list[Any]:
        class Quarter(lib.Callback):  # type: ignore[misc]
            def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
                if batch == 1:
                    optimizer = self.model.optimizer
                    optimizer.learning_rate = float(optimizer.learning_rate) / 4

        return [Quarter()]

    compiled = {"loss": "mse"}
    assert_twins(
        regression,
        lambda lib: {"optimizer": make(lib), **compiled},
        DATA.x,
        DATA.real,
        callbacks=quarter,
    )


# --- losses ----------------------------------------------------------------------------------

# The loss, its options, the activation before it, and the targets it takes.
LOSSES: dict[str, tuple[Any, int, str | None, Any]] = {
    "mse": ("mse", 1, None, DATA.real),
    "mean_squared_error": ("mean_squared_error", 1, None, DATA.real),
    "MeanSquaredError()": (lambda lib: lib.losses.MeanSquaredError(), 1, None, DATA.real),
    "mae": ("mae", 1, None, DATA.real),
    "MeanAbsoluteError()": (lambda lib: lib.losses.MeanAbsoluteError(), 1, None, DATA.real),
    "binary": ("binary_crossentropy", 1, "sigmoid", DATA.binary),
    "binary, several outputs": ("binary_crossentropy", CLASSES, "sigmoid", DATA.onehot),
    "binary, no sigmoid": ("binary_crossentropy", 1, "hard_sigmoid", DATA.binary),
    "binary, logits": (
        lambda lib: lib.losses.BinaryCrossentropy(from_logits=True),
        1,
        None,
        DATA.binary,
    ),
    "binary, smooth": (
        lambda lib: lib.losses.BinaryCrossentropy(label_smoothing=0.2),
        1,
        "sigmoid",
        DATA.binary,
    ),
    "binary, smooth logits": (
        lambda lib: lib.losses.BinaryCrossentropy(from_logits=True, label_smoothing=0.2),
        1,
        None,
        DATA.binary,
    ),
    "categorical": ("categorical_crossentropy", CLASSES, "softmax", DATA.onehot),
    "categorical, no softmax": ("categorical_crossentropy", CLASSES, "sigmoid", DATA.onehot),
    "categorical, logits": (
        lambda lib: lib.losses.CategoricalCrossentropy(from_logits=True),
        CLASSES,
        None,
        DATA.onehot,
    ),
    "categorical, smooth": (
        lambda lib: lib.losses.CategoricalCrossentropy(label_smoothing=0.2),
        CLASSES,
        "softmax",
        DATA.onehot,
    ),
    "categorical, smooth logits": (
        lambda lib: lib.losses.CategoricalCrossentropy(from_logits=True, label_smoothing=0.2),
        CLASSES,
        None,
        DATA.onehot,
    ),
    "sparse": ("sparse_categorical_crossentropy", CLASSES, "softmax", DATA.classes),
    "sparse, no softmax": ("sparse_categorical_crossentropy", CLASSES, "sigmoid", DATA.classes),
    "sparse, labels of shape (n, 1)": (
        "sparse_categorical_crossentropy",
        CLASSES,
        "softmax",
        DATA.classes[:, None],
    ),
    "sparse, logits": (
        lambda lib: lib.losses.SparseCategoricalCrossentropy(from_logits=True),
        CLASSES,
        None,
        DATA.classes,
    ),
}


@pytest.mark.parametrize("weighted", [False, True], ids=["plain", "weighted"])
@pytest.mark.parametrize("name", LOSSES)
def test_losses_train_as_keras_do(name: str, weighted: bool) -> None:
    loss, outputs, activation, y = LOSSES[name]
    assert_twins(
        lambda lib: hidden(lib, outputs, activation),
        lambda lib: {
            "optimizer": lib.optimizers.SGD(learning_rate=0.3),
            "loss": loss(lib) if callable(loss) else loss,
        },
        DATA.x,
        y,
        sample_weight=DATA.weight if weighted else None,
    )


# --- layers and activations ------------------------------------------------------------------

# `glu` halves the units, and Keras' sparsemax does not sum to 1.
ELSEWHERE = {"glu", "sparsemax"}
ACTIVATIONS = sorted(
    name
    for name in vars(activations)
    if activations.serialize(getattr(activations, name)) == name  # type: ignore[arg-type]
    and name not in ELSEWHERE
)


def test_all_activations_are_compared() -> None:
    assert len(ACTIVATIONS) == 27
    assert "swish" not in ACTIVATIONS  # silu's other name


@pytest.mark.parametrize("name", [*ACTIVATIONS, "swish", None])
def test_activations_inside_a_dense_train_as_keras_do(name: str | None) -> None:
    def build(lib: Any) -> Any:
        return lib.Sequential(
            [
                lib.Input(shape=(FEATURES,)),
                lib.layers.Dense(4, activation=name),
                lib.layers.Dense(1),
            ]
        )

    assert_twins(build, with_mse, DATA.x, DATA.real)


@pytest.mark.parametrize("head", ["softmax", "sigmoid", "tanh"])
def test_an_activation_layer_is_the_same_as_one_inside_a_dense(head: str) -> None:
    def build(lib: Any) -> Any:
        return lib.Sequential(
            [
                lib.Input(shape=(FEATURES,)),
                lib.layers.Dense(CLASSES, use_bias=False),
                lib.layers.Activation(head),
            ]
        )

    def compiled(lib: Any) -> dict[str, Any]:
        loss = "categorical_crossentropy" if head == "softmax" else "binary_crossentropy"
        return {"optimizer": "sgd", "loss": "mse" if head == "tanh" else loss}

    assert_twins(build, compiled, DATA.x, DATA.onehot)


def test_flatten_dense_over_several_axes_and_no_dropout_train_as_keras_do() -> None:
    images = np.random.default_rng(3).normal(size=(50, 4, 3, 2)).astype("float32")

    def build(lib: Any) -> Any:
        return lib.Sequential(
            [
                lib.Input(shape=(4, 3, 2)),
                lib.layers.Dense(3, activation="relu"),
                lib.layers.Dropout(0.0),
                lib.layers.Flatten(),
                lib.layers.Dense(CLASSES, activation="softmax"),
            ]
        )

    assert_twins(
        build,
        lambda lib: {"optimizer": "adam", "loss": "sparse_categorical_crossentropy"},
        images,
        DATA.classes,
    )


def test_dropout_does_nothing_outside_of_training() -> None:
    def build(lib: Any) -> Any:
        return lib.Sequential(
            [lib.Input(shape=(FEATURES,)), lib.layers.Dropout(0.9), lib.layers.Dense(1)]
        )

    reference, model = same_start(build)
    for lib, each in ((KERAS, reference), (ONFIT, model)):
        each.compile(**with_mse(lib))
    close(model.predict(DATA.x, verbose=0), reference.predict(DATA.x, verbose=0))
    close(
        model.evaluate(DATA.x, DATA.real, verbose=0),
        reference.evaluate(DATA.x, DATA.real, verbose=0),
    )


def test_frozen_layers_stay_as_keras_do() -> None:
    def build(lib: Any) -> Any:
        return lib.Sequential(
            [
                lib.Input(shape=(FEATURES,)),
                lib.layers.Dense(4, activation="tanh", trainable=False),
                lib.layers.Dense(1),
            ]
        )

    assert_twins(build, with_mse, DATA.x, DATA.real)


# --- metrics ---------------------------------------------------------------------------------

METRICS: dict[str, tuple[Script, str, Any, list[str]]] = {
    "regression": (regression, "mse", DATA.real, ["mae", "mse", "mean_absolute_error"]),
    "binary": (binary, "binary_crossentropy", DATA.binary, ["acc", "binary_accuracy", "mse"]),
    "binary, y of shape (n,)": (
        binary,
        "binary_crossentropy",
        DATA.binary[:, 0],
        ["accuracy", "mae"],
    ),
    "categorical": (
        classifier,
        "categorical_crossentropy",
        DATA.onehot,
        ["acc", "categorical_accuracy", "mse"],
    ),
    "sparse": (
        classifier,
        "sparse_categorical_crossentropy",
        DATA.classes,
        ["accuracy", "sparse_categorical_accuracy"],
    ),
    "crossentropies": (
        classifier,
        "mse",
        DATA.onehot,
        ["categorical_crossentropy", "binary_crossentropy", "accuracy"],
    ),
    "accuracy of several binary outputs": (
        lambda lib: hidden(lib, CLASSES, "sigmoid"),
        "binary_crossentropy",
        DATA.onehot,
        ["binary_accuracy"],
    ),
}


@pytest.mark.parametrize("weighted", [False, True], ids=["plain", "weighted"])
@pytest.mark.parametrize("name", METRICS)
def test_metrics_are_logged_as_keras_logs_them(name: str, weighted: bool) -> None:
    build, loss, y, metrics = METRICS[name]
    ours = assert_twins(
        build,
        lambda lib: {"optimizer": "sgd", "loss": loss, "metrics": metrics},
        DATA.x,
        y,
        validation_split=0.2,
        sample_weight=DATA.weight if weighted else None,
    )
    assert set(ours.history) == {
        prefix + name for name in ["loss", *metrics] for prefix in ("", "val_")
    }
