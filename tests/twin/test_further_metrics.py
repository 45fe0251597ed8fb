"""Intersection over union, correlations and R2 beside Keras' own; the losses CTC and Circle too."""

import re
import warnings
from typing import Any

import keras
import numpy as np
import pytest
import torch
from tests.twin.keras_twin import KERAS, ONFIT, hidden, make_data, same_start, tolerant_of_keras

import onfit
from onfit import losses, metrics
from onfit.errors import ArgumentError, OnfitWarning, ShapeError

pytestmark = tolerant_of_keras

DATA = make_data()
RNG = np.random.default_rng(0)
LABELS = RNG.integers(0, 4, (5, 30))  # one class more than there is
SAID = RNG.integers(0, 3, (5, 30))
HOT = np.eye(3, dtype="float32")[RNG.integers(0, 3, (5, 30))]
SHARES = RNG.random((5, 30, 3)).astype("float32")
REAL = RNG.normal(size=(5, 30, 4)).astype("float32")
NEAR = (REAL + RNG.normal(size=REAL.shape)).astype("float32")
BINARY, OUTPUTS = (RNG.random((5, 30)) > 0.4).astype("float32"), RNG.random((5, 30))

MEASURED: dict[str, tuple[str, dict[str, Any], Any, Any]] = {
    "of one class": ("IoU", {"num_classes": 3, "target_class_ids": [1]}, LABELS, SAID),
    "of two": ("IoU", {"num_classes": 3, "target_class_ids": [0, 2]}, LABELS, SAID),
    "without one": (
        "IoU", {"num_classes": 3, "target_class_ids": [0, 2], "ignore_class": 0}, LABELS, SAID,
    ),
    "of one that is not there": ("MeanIoU", {"num_classes": 9}, LABELS, SAID),
    "of outputs": ("MeanIoU", {"num_classes": 3, "sparse_y_pred": False}, LABELS, SHARES),
    "of a threshold": ("BinaryIoU", {"threshold": 0.3}, BINARY, OUTPUTS),
    "of class 1": ("BinaryIoU", {"target_class_ids": [1]}, BINARY, OUTPUTS),
    "one-hot": ("OneHotIoU", {"num_classes": 3, "target_class_ids": [0, 2]}, HOT, SHARES),
    "one-hot, mean": ("OneHotMeanIoU", {"num_classes": 3, "ignore_class": 1}, HOT, SHARES),
    "one-hot labels alone": (
        "OneHotMeanIoU", {"num_classes": 3, "sparse_y_pred": True}, HOT, SAID,
    ),
    "pearson": ("PearsonCorrelation", {}, REAL[:, :, 0], NEAR[:, :, 0]),
    "pearson, over samples": ("PearsonCorrelation", {"axis": 0}, REAL[:, :, 0], NEAR[:, :, 0]),
    "concordance": ("ConcordanceCorrelation", {}, REAL[:, :, 0], NEAR[:, :, 0]),
    "r2": ("R2Score", {}, REAL[0], NEAR[0]),
    "r2, weighted": (
        "R2Score", {"class_aggregation": "variance_weighted_average"}, REAL[0], NEAR[0],
    ),
    "r2 of each": ("R2Score", {"class_aggregation": None}, REAL[0], NEAR[0]),
    "r2, adjusted": ("R2Score", {"num_regressors": 3}, REAL[0], NEAR[0]),
    "r2 of one number": ("R2Score", {}, REAL[0, :, :1], NEAR[0, :, :1]),
}  # fmt: skip


@pytest.mark.parametrize("name", MEASURED)
def test_a_metric_measures_what_keras_measures(name: str) -> None:
    kind, options, y, outputs = MEASURED[name]
    mine, theirs = getattr(metrics, kind)(**options), getattr(keras.metrics, kind)(**options)
    for _ in range(2):
        mine.update_state(y, outputs)
        theirs.update_state(y, outputs)
        y, outputs = y[::-1].copy(), outputs
    np.testing.assert_allclose(mine.result(), np.asarray(theirs.result()), rtol=1e-4)
    assert mine.name == re.sub(r"(_\d+)$", "", theirs.name)  # Keras counts its objects
    again = type(mine).from_config(mine.get_config())
    assert again.get_config() == mine.get_config()


def test_classes_may_lie_along_another_axis() -> None:
    last, first = (metrics.MeanIoU(3, sparse_y_pred=False, axis=axis) for axis in (-1, 1))
    last.update_state(LABELS, SHARES)
    first.update_state(LABELS, np.moveaxis(SHARES, -1, 1).copy())
    assert float(last.result()) == float(first.result())


@pytest.mark.parametrize("name", ["of two", "of a threshold", "one-hot, mean"])
def test_whole_weights_count_as_in_keras(name: str) -> None:
    kind, options, y, outputs = MEASURED[name]
    weight = RNG.integers(0, 4, (5, 30))
    mine, theirs = getattr(metrics, kind)(**options), getattr(keras.metrics, kind)(**options)
    for metric in (mine, theirs):
        metric.update_state(y, outputs, sample_weight=weight)
    np.testing.assert_allclose(mine.result(), np.asarray(theirs.result()), rtol=1e-5)


def test_parts_of_weights_are_not_cut_off() -> None:
    metric = metrics.IoU(2, [0, 1])
    metric.update_state([0, 0, 1, 1], [0, 1, 0, 1], sample_weight=[0.3, 0.3, 0.3, 0.1])
    assert float(metric.result()) == pytest.approx(0.238095, rel=1e-4)


@pytest.mark.parametrize("name", ["r2", "r2, weighted"])
def test_weights_count_in_r2_as_in_keras(name: str) -> None:
    kind, options, y, outputs = MEASURED[name]
    weight = RNG.random(30).astype("float32")
    mine, theirs = getattr(metrics, kind)(**options), getattr(keras.metrics, kind)(**options)
    for metric in (mine, theirs):
        metric.update_state(y, outputs, sample_weight=weight)
    np.testing.assert_allclose(mine.result(), np.asarray(theirs.result()), rtol=1e-4)


def test_they_measure_a_training_as_in_keras_and_come_back_from_files(tmp_path: Any) -> None:
    found = []
    for lib, room, model in zip(
        (KERAS, ONFIT),
        (keras.metrics, metrics),
        same_start(lambda lib: hidden(lib, 3)),
        strict=True,
    ):
        given = [room.R2Score(), room.PearsonCorrelation(), room.OneHotMeanIoU(3, name="iou")]
        model.compile(lib.optimizers.SGD(0.05), "mse", metrics=given)
        fit: dict[str, Any] = {"batch_size": 16, "shuffle": False, "verbose": 0, "epochs": 2}
        found.append(model.fit(DATA.x, DATA.onehot, **fit).history)
    assert found[1].keys() == found[0].keys()
    for name in found[0]:
        np.testing.assert_allclose(found[1][name], found[0][name], rtol=1e-3)
    for suffix in ("keras", "h5"):
        model.save(tmp_path / f"x.{suffix}")
        again = onfit.load_model(tmp_path / f"x.{suffix}")
        assert [m.get_config() for m in again.compiled.metrics] == [
            m.get_config() for m in model.compiled.metrics
        ]
        keras.models.load_model(tmp_path / f"x.{suffix}")


def test_what_makes_no_sense_is_refused() -> None:
    with pytest.raises(ArgumentError, match="target_class_ids"):
        metrics.IoU(2, [2])
    with pytest.raises(ArgumentError, match="uniform_average"):
        metrics.R2Score("uniform")
    with pytest.raises(ArgumentError, match="num_regressors=-1"):
        metrics.R2Score(num_regressors=-1)
    with pytest.raises(ArgumentError, match=r"metrics.MeanIoU\(num_classes="):
        metrics.get("MeanIoU")
    model = hidden(ONFIT, 3)
    model.compile("sgd", "mse", metrics=[metrics.R2Score(None)])
    with pytest.raises(ArgumentError, match="a log holds one"):
        model.fit(DATA.x, DATA.onehot, verbose=0)
    few = metrics.R2Score(num_regressors=5)
    few.update_state([[1.0], [2.0]], [[1.0], [2.5]])
    with pytest.warns(OnfitWarning, match="too few for the adjusted score"):
        assert float(few.result()) == pytest.approx(0.5)


# --- losses ---------------------------------------------------------------------------------

EMBEDDED = (lambda x: x / np.linalg.norm(x, axis=1, keepdims=True))(
    RNG.normal(size=(12, 4)).astype("float32")
)
CLASSES = RNG.integers(0, 3, 12)
SEQUENCES = np.array([[1, 2, 0, 0], [3, 3, 1, 0], [2, 0, 0, 0]])
LOGITS = RNG.normal(size=(3, 9, 4)).astype("float32")
COMPUTED: dict[str, tuple[str, dict[str, Any], Any, Any]] = {
    "ctc": ("CTC", {}, SEQUENCES, LOGITS),
    "circle": ("Circle", {}, CLASSES, EMBEDDED),
    "circle with options": (
        "Circle", {"gamma": 20.0, "margin": 0.2, "remove_diagonal": False}, CLASSES, EMBEDDED,
    ),
}  # fmt: skip


@pytest.mark.parametrize("reduction", ["sum_over_batch_size", "sum", "none"])
@pytest.mark.parametrize("name", COMPUTED)
def test_a_loss_computes_what_keras_computes(name: str, reduction: str) -> None:
    kind, options, y, outputs = COMPUTED[name]
    mine = getattr(losses, kind)(reduction=reduction, **options)
    theirs = getattr(keras.losses, kind)(reduction=reduction, **options)
    expected = np.asarray(theirs(y, keras.ops.convert_to_tensor(outputs)))
    np.testing.assert_allclose(np.asarray(mine(y, outputs)), expected, rtol=1e-4)


@pytest.mark.parametrize("name", COMPUTED)
def test_its_gradient_is_keras(name: str) -> None:
    kind, options, y, outputs = COMPUTED[name]
    grads = []
    for room in (losses, keras.losses):
        tensor = torch.tensor(outputs, requires_grad=True)
        getattr(room, kind)(**options)(torch.as_tensor(y), tensor).backward()
        grads.append(tensor.grad)
    np.testing.assert_allclose(grads[0], grads[1], rtol=1e-3, atol=1e-5)


def test_a_model_trains_with_ctc(tmp_path: Any) -> None:
    model = onfit.Sequential(
        [onfit.layers.LSTM(8, return_sequences=True, input_shape=(9, 4)), onfit.layers.Dense(4)]
    )
    model.compile("adam", "ctc")
    history = model.fit(LOGITS, SEQUENCES, epochs=20, verbose=0).history
    assert history["loss"][-1] < history["loss"][0]
    model.save(tmp_path / "x.keras")
    assert isinstance(onfit.load_model(tmp_path / "x.keras").loss, losses.CTC)


def test_they_say_which_shapes_they_take() -> None:
    with pytest.raises(ShapeError, match="most labels"):
        losses.CTC()(torch.zeros(3, 1), torch.zeros(3, 4))
    with pytest.raises(ShapeError, match="a label and an embedding"):
        losses.Circle()(torch.zeros(3, 2), torch.zeros(3, 4))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert losses.get("ctc").name == "ctc"
