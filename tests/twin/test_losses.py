"""Losses against those of Keras itself: a value for each sample, and what they train."""

from typing import Any

import keras
import numpy as np
import pytest
import torch
from tests.twin.keras_twin import (
    CLASSES,
    Array,
    assert_twins,
    close,
    hidden,
    make_data,
    tolerant_of_keras,
)

from onfit import losses

pytestmark = tolerant_of_keras

DATA = make_data()
_draw = np.random.default_rng(1)
NUMBERS = _draw.normal(scale=2.0, size=(20, 3)).astype("float32")
SCORES = _draw.normal(scale=2.0, size=(20, 3)).astype("float32")
NUMBERS[0], SCORES[1] = 0.0, 0.0  # where logarithms, quotients and directions need care
COUNTS = _draw.poisson(2.0, size=(20, 3)).astype("float32")
ONEHOT = np.eye(3, dtype="float32")[_draw.integers(0, 3, 20)]
SHARES = _draw.dirichlet([1.0, 1.0, 1.0], 20).astype("float32")
LIKELY = _draw.dirichlet([1.0, 1.0, 1.0], 20).astype("float32")
LIKELY[2] = [0.0, 0.0, 1.0]

# The function, its options, labels and outputs.
VALUES: dict[str, tuple[str, dict[str, Any], Array, Array]] = {
    "mape": ("mean_absolute_percentage_error", {}, NUMBERS, SCORES),
    "msle": ("mean_squared_logarithmic_error", {}, NUMBERS, SCORES),
    "huber": ("huber", {}, NUMBERS, SCORES),
    "huber with delta": ("huber", {"delta": 0.3}, NUMBERS, SCORES),
    "log cosh": ("log_cosh", {}, NUMBERS, SCORES),
    "log cosh of large errors": ("log_cosh", {}, 100 * NUMBERS, SCORES),
    "cosine similarity": ("cosine_similarity", {}, NUMBERS, SCORES),
    "cosine similarity of columns": ("cosine_similarity", {"axis": 0}, NUMBERS, SCORES),
    "hinge": ("hinge", {}, np.sign(NUMBERS + 0.1), SCORES),
    "hinge of 0 and 1": ("hinge", {}, ONEHOT, SCORES),
    "squared hinge": ("squared_hinge", {}, np.sign(NUMBERS + 0.1), SCORES),
    "squared hinge of 0 and 1": ("squared_hinge", {}, ONEHOT, SCORES),
    "categorical hinge": ("categorical_hinge", {}, ONEHOT, SCORES),
    "kl divergence": ("kl_divergence", {}, SHARES, LIKELY),
    "kl divergence of one-hot labels": ("kl_divergence", {}, ONEHOT, LIKELY),
    "poisson": ("poisson", {}, COUNTS, np.exp(SCORES)),
}


@pytest.mark.parametrize("name", VALUES)
def test_every_sample_has_the_value_it_has_in_keras(name: str) -> None:
    function, options, y_true, y_pred = VALUES[name]
    mine = getattr(losses, function)(torch.tensor(y_true), torch.tensor(y_pred), **options)
    close(mine, getattr(keras.losses, function)(y_true, y_pred, **options))


REDUCTIONS = ["sum_over_batch_size", "mean", "sum", "mean_with_sample_weight", "none", None]


@pytest.mark.parametrize("weight", [None, DATA.weight[:20]], ids=["plain", "weighted"])
@pytest.mark.parametrize("reduction", REDUCTIONS)
def test_reductions_come_to_what_they_come_to_in_keras(reduction: Any, weight: Any) -> None:
    mine = losses.MeanSquaredError(reduction=reduction)(NUMBERS, SCORES, weight)
    close(mine, keras.losses.MeanSquaredError(reduction=reduction)(NUMBERS, SCORES, weight))


def softplus(lib: Any) -> Any:
    return hidden(lib, 1, "softplus")


def regression(lib: Any) -> Any:
    return hidden(lib, 1)


def scores(lib: Any) -> Any:
    return hidden(lib, CLASSES)


def classifier(lib: Any) -> Any:
    return hidden(lib, CLASSES, "softmax")


FAR = DATA.real + 5.0
SIGNS = 2 * DATA.binary - 1

# The loss, the model, targets.
TRAINED: dict[str, tuple[Any, Any, Array]] = {
    **{
        name: (name, softplus, np.abs(DATA.real))
        for name in ("msle", "MSLE", "mean_squared_logarithmic_error")
    },
    **{name: (name, regression, FAR) for name in ("mape", "MAPE")},
    **{name: (name, regression, DATA.real) for name in ("huber", "Huber", "log_cosh", "LogCosh")},
    **{name: (name, scores, DATA.onehot) for name in ("cosine_similarity", "CosineSimilarity")},
    **{name: (name, regression, SIGNS) for name in ("hinge", "Hinge", "squared_hinge")},
    **{name: (name, scores, DATA.onehot) for name in ("categorical_hinge", "CategoricalHinge")},
    **{name: (name, softplus, DATA.classes[:, None]) for name in ("poisson", "Poisson")},
    **{
        name: (name, classifier, 0.8 * DATA.onehot + 0.2 / CLASSES)
        for name in ("kld", "KLD", "kl_divergence", "KLDivergence")
    },
    "BCE": ("BCE", lambda lib: hidden(lib, 1, "sigmoid"), DATA.binary),
    "Huber(delta)": (lambda lib: lib.losses.Huber(delta=0.5), regression, DATA.real),
    "CosineSimilarity(axis)": (
        lambda lib: lib.losses.CosineSimilarity(axis=-1),
        scores,
        DATA.onehot,
    ),
    "SquaredHinge()": (lambda lib: lib.losses.SquaredHinge(), regression, DATA.binary),
    "a sum": (lambda lib: lib.losses.MeanSquaredError(reduction="sum"), regression, DATA.real),
    "a mean over weights": (
        lambda lib: lib.losses.MeanAbsoluteError(reduction="mean_with_sample_weight"),
        regression,
        DATA.real,
    ),
}


@pytest.mark.parametrize("weighted", [False, True], ids=["plain", "weighted"])
@pytest.mark.parametrize("name", TRAINED)
def test_losses_train_as_keras_do(name: str, weighted: bool) -> None:
    loss, build, y = TRAINED[name]
    assert_twins(
        build,
        lambda lib: {
            "optimizer": lib.optimizers.SGD(learning_rate=0.01),
            "loss": loss(lib) if callable(loss) else loss,
        },
        DATA.x,
        y,
        sample_weight=DATA.weight if weighted else None,
    )


def test_every_name_that_keras_has_for_these_losses_is_known() -> None:
    names = set(keras.src.losses.ALL_OBJECTS_DICT)
    other = {name for name in names if not _is_known(name)}
    assert other == {"Loss", "LossFunctionWrapper"}


def _is_known(name: str) -> bool:
    try:
        losses.get(name)
    except ValueError:
        return False
    return True
