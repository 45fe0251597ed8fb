"""Small models and data on which onfit and Keras are compared."""

from typing import Any

from tests.twin.keras_twin import (
    CLASSES,
    hidden,
    make_data,
)

DATA = make_data()


def regression(lib: Any) -> Any:
    return hidden(lib, 1)


def binary(lib: Any) -> Any:
    return hidden(lib, 1, "sigmoid")


def classifier(lib: Any) -> Any:
    return hidden(lib, CLASSES, "softmax")


def with_mse(lib: Any) -> dict[str, Any]:
    return {"optimizer": lib.optimizers.SGD(learning_rate=0.1), "loss": "mse", "metrics": ["mae"]}
