"""Optimizers, losses and metrics: every argument of Keras' classes, against Keras' own."""

from typing import Any

import keras
import numpy as np
import pytest
import torch
from tests.contract.walker import (
    KEPT,
    Argument,
    arguments_of,
    assert_named,
    config_or_attribute,
    lacking,
    verdict,
)
from tests.twin.keras_twin import tolerant_of_keras

from onfit import losses, metrics, optimizers

pytestmark = tolerant_of_keras

# What Keras has and onfit has not.
LACKING = {
    "optimizers": {
        "MultiOptimizer", "Muon",
        "OptimizerMap", "ScheduleFreeAdamW",
    },
    "losses": set(),
    "metrics": set(),
}  # fmt: skip
VALUES: dict[str, Any] = {
    "alpha": 0.4, "amsgrad": True, "apply_class_balancing": True, "average": "macro", "axis": 1,
    "beta": 0.7, "beta_1": 0.7, "beta_2": 0.7, "beta_2_decay": -0.7, "centered": True,
    "class_id": 1, "clip_threshold": 2.0, "clipnorm": 0.5, "clipvalue": 0.5, "curve": "PR",
    "delta": 2.0, "dtype": "float64", "dynamic_growth_steps": 5, "ema_momentum": 0.5,
    "ema_overwrite_frequency": 3, "epsilon": 1e-3, "epsilon_1": 1e-20, "epsilon_2": 1e-2,
    "from_logits": True, "from_sorted_ids": True, "gamma": 3.0, "global_clipnorm": 0.5,
    "gradient_accumulation_steps": 3, "ignore_class": 2, "initial_accumulator_value": 0.3,
    "initial_scale": 8.0, "inner_optimizer": optimizers.SGD(0.1), "k": 3,
    "l1_regularization_strength": 0.1, "l2_regularization_strength": 0.1,
    "l2_shrinkage_regularization_strength": 0.1, "label_smoothing": 0.2, "label_weights": [1, 2],
    "learning_rate": 0.3, "learning_rate_power": -0.4, "loss_scale_factor": 4.0, "momentum": 0.7,
    "multi_label": True, "name": "other", "nesterov": True, "num_thresholds": 20, "q": 0.7,
    "recall": 0.5, "precision": 0.5, "sensitivity": 0.5, "specificity": 0.5, "num_classes": 3,
    "reduction": "sum", "relative_step": False, "rho": 0.7, "summation_method": "minoring",
    "target_class_ids": [0, 1], "threshold": 0.3, "thresholds": [0.2, 0.7], "top_k": 2,
    "use_ema": True, "weight_decay": 0.1, "margin": 0.3, "remove_diagonal": False,
    "class_aggregation": "variance_weighted_average", "num_regressors": 2,
    "sparse_y_true": False, "sparse_y_pred": True,
}  # fmt: skip
VALUES_OF = {"Metric(name)": "other"}
# Bases, and what takes a function.
APART = {"Loss", "Metric", "MeanMetricWrapper", "Optimizer", "LossScaleOptimizer"}


def arguments(room: str, ours: Any) -> list[Argument]:
    found = arguments_of(getattr(keras, room), ours)
    return [argument for argument in found if argument.owner not in APART]


ARGUMENTS = [
    *arguments("optimizers", optimizers),
    *arguments("losses", losses),
    *arguments("metrics", metrics),
]


def kept(name: str) -> Any:
    def seen(made: Any) -> Any:
        value = config_or_attribute(made, name)
        return str(value).removeprefix("torch.") if name == "dtype" else value

    return seen


@pytest.mark.parametrize("argument", ARGUMENTS, ids=str)
def test_every_argument_of_keras_is_kept(argument: Argument) -> None:
    if str(argument) == "AUC(num_labels)":
        assert_named(lambda: metrics.AUC(num_labels=2), "num_labels", "multi_label")
        return
    value = VALUES.get(argument.name)
    assert verdict(argument, value, VALUES, kept(argument.name)) == KEPT


@pytest.mark.parametrize("room", LACKING)
def test_the_classes_that_are_not_here_are_these(room: str) -> None:
    ours = {"optimizers": optimizers, "losses": losses, "metrics": metrics}[room]
    assert set(lacking(getattr(keras, room), ours)) == LACKING[room]


MISSPELT = {
    "an optimizer": (lambda: optimizers.Adam(beta1=0.5), ("Adam(beta1=...)", "'beta_1'")),
    "a loss": (lambda: losses.Huber(delat=1.0), ("Huber(delat=...)", "'delta'")),
    "a plain loss": (lambda: losses.MeanSquaredError(reductoin="sum"), ("'reduction'",)),
    "a crossentropy": (
        lambda: losses.BinaryCrossentropy(fromlogits=True),
        ("fromlogits", "'from_logits'"),
    ),
    "a metric": (lambda: metrics.AUC(curves="PR"), ("AUC(curves=...)", "'curve'")),
    "an accuracy": (lambda: metrics.BinaryAccuracy(treshold=0.3), ("'threshold'",)),
    "a type": (lambda: losses.Huber(dtype="floaty"), ("Huber(dtype='floaty')",)),
    "a reduction": (lambda: losses.Huber(reduction="summ"), ("'summ'", "'sum'")),
}


@pytest.mark.parametrize("name", MISSPELT)
def test_what_is_misspelt_is_named(name: str) -> None:
    call, words = MISSPELT[name]
    assert_named(call, *words)


# --- what losses make of their arguments -----------------------------------------------------

RNG = np.random.RandomState(0)
SCORES = RNG.randn(4, 3, 5).astype("float32")
SHARES = (np.exp(SCORES) / np.exp(SCORES).sum(-1, keepdims=True)).astype("float32")
HOT = np.eye(5, dtype="float32")[RNG.randint(0, 5, (4, 3))]
CLASSES = HOT.argmax(-1)
ALONG_1 = np.moveaxis(SHARES, -1, 1), np.moveaxis(HOT, -1, 1)
WEIGHT = RNG.rand(4, 1).astype("float32")
REDUCTIONS = ["sum_over_batch_size", "sum", "mean", "mean_with_sample_weight", "none"]
COMPUTED: dict[str, tuple[str, dict[str, Any], Any, Any]] = {
    "binary along 1": ("BinaryCrossentropy", {"axis": 1}, HOT, SHARES),
    "binary, logits along 1": (
        "BinaryCrossentropy", {"axis": 1, "from_logits": True, "label_smoothing": 0.2}, HOT, SCORES,
    ),
    "categorical along 1": ("CategoricalCrossentropy", {"axis": 1}, ALONG_1[1], ALONG_1[0]),
    "categorical logits along 1": (
        "CategoricalCrossentropy", {"axis": 1, "from_logits": True}, ALONG_1[1], ALONG_1[0],
    ),
    "sparse along 1": ("SparseCategoricalCrossentropy", {"axis": 1}, CLASSES, ALONG_1[0]),
    "sparse without a class": (
        "SparseCategoricalCrossentropy", {"ignore_class": 2}, CLASSES, SHARES,
    ),
    "sparse logits without a class": (
        "SparseCategoricalCrossentropy", {"ignore_class": 2, "from_logits": True}, CLASSES, SCORES,
    ),
    "in doubles": ("MeanSquaredError", {"dtype": "float64"}, HOT, SHARES),
    "binary focal": ("BinaryFocalCrossentropy", {}, HOT, SHARES),
    "binary focal, balanced": (
        "BinaryFocalCrossentropy",
        {"apply_class_balancing": True, "alpha": 0.4, "gamma": 1.5, "from_logits": True,
         "label_smoothing": 0.1},
        HOT, SCORES,
    ),
    "categorical focal": ("CategoricalFocalCrossentropy", {}, HOT, SHARES),
    "categorical focal, logits": (
        "CategoricalFocalCrossentropy",
        {"alpha": 0.4, "gamma": 1.5, "from_logits": True, "label_smoothing": 0.1}, HOT, SCORES,
    ),
    "generalized": ("CategoricalGeneralizedCrossEntropy", {"q": 0.7}, CLASSES, SHARES),
    "dice": ("Dice", {"axis": (1, 2)}, HOT, SHARES),
    "dice of all": ("Dice", {}, HOT, SHARES),
    "tversky": ("Tversky", {"alpha": 0.3, "beta": 0.6, "axis": (1, 2)}, HOT, SHARES),
}  # fmt: skip


@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize("name", COMPUTED)
def test_a_loss_computes_what_keras_computes(name: str, reduction: str) -> None:
    kind, options, y, outputs = COMPUTED[name]
    if "ignore_class" in options and reduction == "mean_with_sample_weight":
        options = {**options, "reduction": reduction}
        assert_named(lambda: getattr(losses, kind)(**options), "ignore_class")
        return
    mine = getattr(losses, kind)(reduction=reduction, **options)
    theirs = getattr(keras.losses, kind)(reduction=reduction, **options)
    for weight in (None, WEIGHT):
        if weight is not None and (name == "dice of all" or "ignore_class" in options):
            continue  # Keras cannot weigh these
        expected = np.asarray(theirs(y, outputs, sample_weight=weight)).squeeze()
        np.testing.assert_allclose(np.asarray(mine(y, outputs, weight)), expected, rtol=2e-5)


def test_keras_2s_word_for_the_default_reduction() -> None:
    assert losses.MeanSquaredError(reduction="auto").reduction == "sum_over_batch_size"


OUTCOMES: dict[str, tuple[str, dict[str, Any]]] = {
    "true positives": ("TruePositives", {}),
    "true negatives at two": ("TrueNegatives", {"thresholds": [0.7, 0.2]}),
    "false positives": ("FalsePositives", {"thresholds": 0.3}),
    "false negatives": ("FalseNegatives", {}),
    "precision at recall": ("PrecisionAtRecall", {"recall": 0.8}),
    "recall at precision": ("RecallAtPrecision", {"precision": 0.7, "class_id": 1}),
    "at one threshold": ("SensitivityAtSpecificity", {"specificity": 0.6, "num_thresholds": 1}),
    "at a few": ("SpecificityAtSensitivity", {"sensitivity": 0.9, "num_thresholds": 20}),
}


@pytest.mark.parametrize("name", OUTCOMES)
def test_a_metric_of_outcomes_measures_what_keras_measures(name: str) -> None:
    kind, options = OUTCOMES[name]
    rng = np.random.RandomState(0)
    y = (rng.rand(200, 3) > 0.5).astype("float32")
    outputs = np.clip(y * 0.3 + rng.rand(200, 3) * 0.7, 0, 1).astype("float32")
    weight = rng.rand(200).astype("float32")
    mine, theirs = getattr(metrics, kind)(**options), getattr(keras.metrics, kind)(**options)
    for given in ((y, outputs), (y, outputs, weight)):
        mine.update_state(*given)
        theirs.update_state(*given)
        expected = np.asarray(theirs.result())
        np.testing.assert_allclose(np.asarray(mine.result()), expected, rtol=1e-5)
    assert mine.name == theirs.name


def test_a_metric_that_needs_arguments_is_no_name() -> None:
    assert_named(lambda: metrics.get("PrecisionAtRecall"), "PrecisionAtRecall(recall=...)")


def test_labels_all_of_the_ignored_class_cost_nothing() -> None:
    loss = losses.SparseCategoricalCrossentropy(ignore_class=0)
    assert float(loss([0, 0], torch.full((2, 3), 1 / 3))) == 0.0
