"""Metrics against those of Keras itself, over batches of which the last is ragged."""

import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import keras
import numpy as np
import pytest
from tests.twin.exclusions import excluded
from tests.twin.keras_twin import (
    CLASSES,
    KERAS,
    ONFIT,
    Script,
    assert_twins,
    close,
    hidden,
    make_data,
    tolerant_of_keras,
)

from onfit import metrics
from onfit.models import load_model

pytestmark = tolerant_of_keras

# Both have `metrics` here.
THEIRS = SimpleNamespace(**vars(KERAS), metrics=keras.metrics)
OURS = SimpleNamespace(**vars(ONFIT), metrics=metrics)

DATA = make_data(samples=50)
_draw = np.random.default_rng(2)
PROBABILITIES = _draw.dirichlet(np.ones(7), 50).astype("float32")
CLASS = _draw.integers(0, 7, 50)
ONEHOT = np.eye(7, dtype="float32")[CLASS]
LABELS = (_draw.uniform(size=(50, 3)) > 0.6).astype("float32")
GUESSES = np.clip(0.6 * LABELS + 0.7 * _draw.uniform(size=(50, 3)) - 0.1, 0, 1).astype("float32")
GUESSES[:4] = [[0.0, 0.5, 1.0], [0.25, 0.75, 1.0], [1.0, 0.0, 0.5], [0.005, 0.995, 0.5]]
NUMBERS = _draw.normal(size=(50, 2)).astype("float32")
NEAR = (NUMBERS + 0.3 * _draw.normal(size=(50, 2))).astype("float32")
COUNTS = _draw.poisson(2.0, size=(50, 2)).astype("float32")

binary = (LABELS[:, :1], GUESSES[:, :1])
labels = (LABELS, GUESSES)
classes = (ONEHOT, PROBABILITIES)
sparse = (CLASS, PROBABILITIES)
numbers = (NUMBERS, NEAR)

# How to make it, and what it measures.
METRICS: dict[str, tuple[Script, tuple[Any, Any]]] = {
    "Accuracy": (lambda lib: lib.metrics.Accuracy(), (COUNTS, COUNTS[::-1].copy())),
    "BinaryAccuracy": (lambda lib: lib.metrics.BinaryAccuracy(), labels),
    "BinaryAccuracy(threshold)": (lambda lib: lib.metrics.BinaryAccuracy(threshold=0.8), binary),
    "CategoricalAccuracy": (lambda lib: lib.metrics.CategoricalAccuracy(), classes),
    "SparseCategoricalAccuracy": (lambda lib: lib.metrics.SparseCategoricalAccuracy(), sparse),
    "TopK": (lambda lib: lib.metrics.TopKCategoricalAccuracy(), classes),
    "TopK(2)": (lambda lib: lib.metrics.TopKCategoricalAccuracy(k=2), classes),
    "SparseTopK": (lambda lib: lib.metrics.SparseTopKCategoricalAccuracy(), sparse),
    "SparseTopK(3)": (lambda lib: lib.metrics.SparseTopKCategoricalAccuracy(k=3), sparse),
    "MeanSquaredError": (lambda lib: lib.metrics.MeanSquaredError(), numbers),
    "RootMeanSquaredError": (lambda lib: lib.metrics.RootMeanSquaredError(), numbers),
    "MeanAbsoluteError": (lambda lib: lib.metrics.MeanAbsoluteError(), numbers),
    "MAPE": (lambda lib: lib.metrics.MeanAbsolutePercentageError(), numbers),
    "MSLE": (lambda lib: lib.metrics.MeanSquaredLogarithmicError(), (COUNTS, COUNTS[::-1].copy())),
    "LogCoshError": (lambda lib: lib.metrics.LogCoshError(), numbers),
    "CosineSimilarity": (lambda lib: lib.metrics.CosineSimilarity(), numbers),
    "Hinge": (lambda lib: lib.metrics.Hinge(), (np.sign(NUMBERS), NEAR)),
    "SquaredHinge": (lambda lib: lib.metrics.SquaredHinge(), (np.sign(NUMBERS), NEAR)),
    "CategoricalHinge": (lambda lib: lib.metrics.CategoricalHinge(), classes),
    "KLDivergence": (lambda lib: lib.metrics.KLDivergence(), classes),
    "Poisson": (lambda lib: lib.metrics.Poisson(), (COUNTS, np.exp(NEAR))),
    "BinaryCrossentropy": (
        lambda lib: lib.metrics.BinaryCrossentropy(label_smoothing=0.1),
        labels,
    ),
    "BinaryCrossentropy(logits)": (
        lambda lib: lib.metrics.BinaryCrossentropy(from_logits=True),
        (LABELS, 4 * GUESSES - 2),
    ),
    "CategoricalCrossentropy": (
        lambda lib: lib.metrics.CategoricalCrossentropy(label_smoothing=0.1),
        classes,
    ),
    "SparseCategoricalCrossentropy": (
        lambda lib: lib.metrics.SparseCategoricalCrossentropy(from_logits=True),
        (CLASS, 3 * PROBABILITIES),
    ),
    "Precision": (lambda lib: lib.metrics.Precision(), binary),
    "Precision of all": (lambda lib: lib.metrics.Precision(), labels),
    "Precision(threshold)": (lambda lib: lib.metrics.Precision(thresholds=0.3), labels),
    "Precision(thresholds)": (lambda lib: lib.metrics.Precision(thresholds=[0.7, 0.2]), labels),
    "Precision(even thresholds)": (
        lambda lib: lib.metrics.Precision(thresholds=[0.0, 0.25, 0.5, 0.75, 1.0]),
        (LABELS[4:], GUESSES[4:] + 1e-4),
    ),
    "Precision(top_k)": (lambda lib: lib.metrics.Precision(top_k=2), classes),
    "Precision(class_id)": (lambda lib: lib.metrics.Precision(class_id=1), labels),
    "Precision(top_k, class_id)": (lambda lib: lib.metrics.Precision(top_k=2, class_id=3), classes),
    "Recall": (lambda lib: lib.metrics.Recall(), binary),
    "Recall(thresholds)": (lambda lib: lib.metrics.Recall(thresholds=[0.1, 0.5, 0.9]), labels),
    "Recall(top_k)": (lambda lib: lib.metrics.Recall(top_k=3), classes),
    "Recall(class_id)": (lambda lib: lib.metrics.Recall(class_id=2, thresholds=0.4), labels),
    "AUC": (lambda lib: lib.metrics.AUC(), binary),
    "AUC of all": (lambda lib: lib.metrics.AUC(), labels),
    "AUC(num_thresholds)": (lambda lib: lib.metrics.AUC(num_thresholds=7), labels),
    "AUC(thresholds)": (lambda lib: lib.metrics.AUC(thresholds=[0.9, 0.3, 0.35]), labels),
    "AUC(even thresholds)": (lambda lib: lib.metrics.AUC(thresholds=[0.25, 0.5, 0.75]), labels),
    **{
        f"AUC({curve}, {method})": (
            lambda lib, curve=curve, method=method: lib.metrics.AUC(
                curve=curve, summation_method=method
            ),
            labels,
        )
        for curve in ("ROC", "PR", "PRGAIN")
        for method in ("interpolation", "minoring", "majoring")
    },
    "AUC(logits)": (lambda lib: lib.metrics.AUC(from_logits=True), (LABELS, 9 * GUESSES - 4)),
    "AUC(label_weights)": (lambda lib: lib.metrics.AUC(label_weights=[1.0, 0.5, 2.0]), labels),
    "AUC(multi_label)": (lambda lib: lib.metrics.AUC(multi_label=True), labels),
    "AUC(multi_label, PR)": (lambda lib: lib.metrics.AUC(multi_label=True, curve="PR"), labels),
    "AUC(multi_label, weights)": (
        lambda lib: lib.metrics.AUC(
            multi_label=True, num_labels=3, label_weights=[1.0, 0.5, 2.0], num_thresholds=20
        ),
        labels,
    ),
    "F1Score": (lambda lib: lib.metrics.F1Score(), classes),
    "F1Score(macro)": (lambda lib: lib.metrics.F1Score(average="macro"), classes),
    "F1Score(micro)": (lambda lib: lib.metrics.F1Score(average="micro"), classes),
    "F1Score(weighted)": (lambda lib: lib.metrics.F1Score(average="weighted"), classes),
    "F1Score(threshold)": (lambda lib: lib.metrics.F1Score(threshold=0.5), labels),
    "F1Score(one output)": (lambda lib: lib.metrics.F1Score(threshold=0.5), binary),
    "FBetaScore": (lambda lib: lib.metrics.FBetaScore("macro", beta=2.0, threshold=0.4), labels),
}


@pytest.mark.parametrize("weighted", [False, True], ids=["plain", "weighted"])
@pytest.mark.parametrize("name", METRICS)
def test_metrics_say_what_keras_say_after_every_batch(name: str, weighted: bool) -> None:
    make, (y_true, y_pred) = METRICS[name]
    weight = DATA.weight[: len(y_true)]
    theirs, mine = make(THEIRS), make(OURS)
    assert mine.name == re.sub(r"_\d+$", "", theirs.name)  # Keras numbers what it names
    for _ in range(2):  # the second time after a reset
        for start in range(0, len(y_true), 16):
            batch = slice(start, start + 16)
            given = (y_true[batch], y_pred[batch], weight[batch] if weighted else None)
            theirs.update_state(*given)
            mine.update_state(*given)
            close(mine.result(), theirs.result())
        theirs.reset_state()
        mine.reset_state()
        assert not np.any(np.asarray(mine.result()))


@pytest.mark.parametrize("name", METRICS)
def test_directions_are_keras(name: str) -> None:
    make, _ = METRICS[name]
    # Keras does not say that of all.
    told = {"up": "max", "down": "min"}.get(getattr(make(THEIRS), "_direction", ""))
    assert make(OURS).direction in ("min", "max")
    assert told in (None, make(OURS).direction)


def with_metrics(make: Script, loss: str) -> Script:
    return lambda lib: {
        "optimizer": lib.optimizers.SGD(learning_rate=0.1),
        "loss": loss,
        "metrics": make(THEIRS if lib is KERAS else OURS),
    }


IN_FIT: dict[str, tuple[int, str, str, Any, Script]] = {
    "names, binary": (
        1, "sigmoid", "binary_crossentropy", DATA.binary,
        lambda lib: ["auc", "AUC", "precision", "Recall", "mse", "BinaryAccuracy", "acc"],
    ),
    "names, sparse": (
        CLASSES, "softmax", "sparse_categorical_crossentropy", DATA.classes,
        lambda lib: ["SparseCategoricalAccuracy", "accuracy", "Accuracy"],
    ),
    "names, one-hot": (
        CLASSES, "softmax", "categorical_crossentropy", DATA.onehot,
        lambda lib: [
            "categorical_accuracy", "kl_divergence", "cosine_similarity", "msle", "MAPE",
            "categorical_hinge", "poisson", "root_mean_squared_error", "bce",
        ],
    ),
    "objects": (
        CLASSES, "softmax", "categorical_crossentropy", DATA.onehot,
        lambda lib: [
            lib.metrics.AUC(multi_label=True, name="area"),
            lib.metrics.Precision(class_id=1, name="of_one"),
            lib.metrics.F1Score(average="macro"),
            lib.metrics.TopKCategoricalAccuracy(k=2, name="top2"),
            lib.metrics.MeanSquaredError(name="far"),
        ],
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", IN_FIT)
def test_training_and_validation_log_what_keras_log(name: str) -> None:
    outputs, activation, loss, y, make = IN_FIT[name]
    assert_twins(
        lambda lib: hidden(lib, outputs, activation),
        with_metrics(make, loss),
        DATA.x,
        y,
        validation_split=0.3,
    )


@excluded("one output says 1 above a half")
def test_f1_without_a_threshold_takes_a_half_where_there_is_one_output() -> None:
    y, out = np.array([[1.0], [0.0], [0.0]]), np.array([[0.9], [0.1], [0.2]])
    theirs, mine = keras.metrics.F1Score(), metrics.F1Score()
    theirs.update_state(y, out)
    mine.update_state(y, out)
    close(theirs.result(), [0.5])  # as if all three were said to be 1
    close(mine.result(), [1.0])


@excluded("f1_score is one number")
def test_f1_by_name_is_the_mean_over_classes() -> None:
    theirs, mine = keras.metrics.get("f1_score"), metrics.get("f1_score")
    theirs.update_state(ONEHOT, PROBABILITIES)
    mine.update_state(ONEHOT, PROBABILITIES)
    assert len(theirs.result()) == 7
    close(mine.result(), np.mean(np.asarray(theirs.result())))


def test_every_name_that_keras_has_for_these_metrics_is_known() -> None:
    names = set(keras.src.metrics.ALL_OBJECTS_DICT)
    assert {name for name in names if name[0].isupper() and not _is_known(name)} == {
        "IoU",
        "Mean", "MeanIoU", "MeanMetricWrapper", "Metric", "OneHotIoU", "OneHotMeanIoU",
        "PrecisionAtRecall", "RecallAtPrecision",
        "SensitivityAtSpecificity", "SpecificityAtSensitivity", "Sum",
    }  # fmt: skip
    known = {keras.src.utils.naming.to_snake_case(name) for name in names if _is_known(name)}
    assert {name for name in known if not _is_known(name)} == set()


def _is_known(name: str) -> bool:
    try:
        metrics.get(name)
    except ValueError:
        return False
    return True


def test_keras_finds_what_a_file_of_ours_says_of_metrics_by_name(tmp_path: Path) -> None:
    model = hidden(ONFIT, CLASSES, "softmax")
    names = ["f1", "f1_score", "auc", "precision", "recall", "acc"]
    model.compile("sgd", "categorical_crossentropy", metrics=names)
    model.save(tmp_path / "model.h5")
    ours = model.evaluate(DATA.x, DATA.onehot, verbose=0, return_dict=True)
    for load in (keras.models.load_model, load_model):
        loaded = load(tmp_path / "model.h5")
        found = loaded.evaluate(DATA.x, DATA.onehot, verbose=0, return_dict=True)
        assert found.keys() == ours.keys() == {"loss", *names}
        close([found[name] for name in names], [ours[name] for name in names])
