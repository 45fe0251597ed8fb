"""Real torchmetrics objects among the metrics of a model."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import torchmetrics
from torch import Tensor
from torchmetrics import classification, regression

from onfit import metrics
from onfit.errors import ArgumentError, ArgumentTypeError, FileFormatError
from onfit.layers import Dense
from onfit.metrics import TorchMetric
from onfit.models import Sequential, load_model

_draw = torch.Generator().manual_seed(0)
X = torch.randn(50, 4, generator=_draw)
BINARY = (X[:, :1] + 0.5 * torch.randn(50, 1, generator=_draw) > 0).float()
CLASSES = torch.randint(0, 3, (50,), generator=_draw)
SEVERAL = (torch.rand(50, 3, generator=_draw) > 0.5).float()


def measured(metric: Any, y: Tensor, outputs: int, activation: str | None, loss: str) -> float:
    model = Sequential([Dense(outputs, activation, input_dim=4)])
    model.compile("sgd", loss, metrics=[metric])
    results = model.evaluate(X, y, batch_size=16, verbose=0, return_dict=True)
    expected = metrics.get(metric).metric
    predicted = torch.as_tensor(model.predict(X, verbose=0))
    return list(results.values())[1] - float(expected(*arguments(metric, predicted, y)))


def arguments(metric: Any, predicted: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
    """What a user of torchmetrics would write."""
    if isinstance(metric, classification.BinaryAUROC | classification.BinaryAccuracy):
        return predicted.reshape(-1), y.reshape(-1).long()
    if isinstance(metric, classification.MultilabelF1Score):
        return predicted, y.long()
    if isinstance(metric, torchmetrics.Metric) and y.shape == (50, 3):
        return predicted, y.argmax(-1)
    return predicted.squeeze(-1), y.squeeze(-1)


@pytest.mark.parametrize("shape", [(50,), (50, 1)], ids=str)
@pytest.mark.parametrize("integers", [False, True], ids=["floats", "integers"])
@pytest.mark.parametrize("kind", ["AUROC", "Accuracy"])
def test_a_binary_classification_is_measured(kind: str, integers: bool, shape: Any) -> None:
    y = BINARY.reshape(shape)
    y = y.long() if integers else y
    metric = getattr(torchmetrics, kind)("binary")
    assert measured(metric, y, 1, "sigmoid", "binary_crossentropy") == pytest.approx(0, abs=1e-6)


@pytest.mark.parametrize("form", ["indices", "column", "one-hot"])
def test_a_classification_is_measured_whatever_the_labels_are(form: str) -> None:
    y = {"indices": CLASSES, "column": CLASSES[:, None], "one-hot": torch.eye(3)[CLASSES]}[form]
    loss = "categorical_crossentropy" if form == "one-hot" else "sparse_categorical_crossentropy"
    metric = classification.MulticlassAccuracy(num_classes=3, average="micro")
    assert measured(metric, y, 3, "softmax", loss) == pytest.approx(0, abs=1e-6)


def test_several_labels_stay_several() -> None:
    metric = classification.MultilabelF1Score(num_labels=3)
    found = measured(metric, SEVERAL, 3, "sigmoid", "binary_crossentropy")
    assert found == pytest.approx(0, abs=1e-6)


@pytest.mark.parametrize("kind", ["MeanSquaredError", "PearsonCorrCoef", "R2Score"])
@pytest.mark.parametrize("y", [X[:, 0], X[:, :1]], ids=["(n,)", "(n, 1)"])
def test_a_regression_is_measured(kind: str, y: Tensor) -> None:
    assert measured(getattr(regression, kind)(), y, 1, None, "mse") == pytest.approx(0, abs=1e-5)


def test_training_and_validation_have_a_state_each_and_the_given_object_none() -> None:
    given = torchmetrics.AUROC("binary")
    model = Sequential([Dense(1, "sigmoid", input_dim=4)])
    model.compile("sgd", "binary_crossentropy", metrics=[given, "auc"])
    history = model.fit(X, BINARY, validation_split=0.4, epochs=2, verbose=0).history
    for prefix in ("", "val_"):
        np.testing.assert_allclose(
            history[prefix + "binary_auroc"], history[prefix + "auc"], atol=0.02
        )
    assert history["binary_auroc"] != history["val_binary_auroc"]
    assert not given.update_called


def test_names_and_directions_are_those_of_the_object() -> None:
    pairs = {
        (metric.name, metric.direction)
        for metric in map(
            metrics.get,
            [
                classification.BinaryF1Score(),
                classification.MulticlassAccuracy(num_classes=3),
                regression.MeanSquaredError(),
                torchmetrics.AUROC("binary"),
            ],
        )
    }
    assert pairs == {
        ("binary_f1_score", "max"),
        ("multiclass_accuracy", "max"),
        ("mean_squared_error", "min"),
        ("binary_auroc", "max"),
    }
    assert TorchMetric(torchmetrics.AUROC("binary"), "area").name == "area"


class Largest(torchmetrics.Metric):
    """A user's own."""

    def __init__(self) -> None:
        super().__init__()
        self.add_state("largest", torch.tensor(-1.0))

    def update(self, preds: Tensor, target: Tensor) -> None:
        assert target.dtype == torch.float32
        self.largest = torch.maximum(self.largest, preds.max())

    def compute(self) -> Tensor:
        return self.largest


def test_a_users_own_metric_of_torchmetrics_is_one() -> None:
    metric = metrics.get(Largest())
    assert isinstance(metric, TorchMetric)
    assert (metric.name, metric.direction) == ("largest", None)
    assert torch.isnan(metric.result())  # and no warning that nothing came yet
    metric.update_state([0, 1], [0.25, 0.75])
    assert float(metric.result()) == 0.75
    metric.reset_state()
    assert torch.isnan(metric.result())


def test_a_state_put_back_goes_on() -> None:
    for make in (lambda: torchmetrics.AUROC("binary"), Largest):
        first, second = TorchMetric(make()), TorchMetric(make())
        first.update(BINARY[:20], BINARY[:20] * 0.5 + 0.1)
        second.load_state_dict(first.state_dict())
        for metric in (first, second):
            metric.update(BINARY[20:], torch.linspace(0, 1, 30)[:, None])
        assert float(second.result()) == float(first.result())


def test_several_numbers_do_not_go_into_a_log() -> None:
    metric = TorchMetric(classification.MulticlassAccuracy(num_classes=3, average=None))
    metric.update(CLASSES, torch.eye(3)[CLASSES])
    with pytest.raises(ArgumentError, match=r"computed values of shape \(3,\), and a log holds"):
        metric.result()
    metric = TorchMetric(classification.BinaryROC())
    metric.update(BINARY, BINARY)
    with pytest.raises(ArgumentError, match="computed a tuple"):
        metric.result()


def test_a_collection_is_an_error_that_says_what_to_pass() -> None:
    collection = torchmetrics.MetricCollection([torchmetrics.AUROC("binary")])
    with pytest.raises(ArgumentTypeError, match=r"metrics=\[\*collection.values\(\)\]"):
        metrics.get(collection)
    assert [type(metrics.get(metric)) for metric in collection.values()] == [TorchMetric]


def test_a_model_saved_with_one_comes_back_with_the_one_it_is_given(tmp_path: Path) -> None:
    given = torchmetrics.AUROC("binary")
    model = Sequential([Dense(1, "sigmoid", input_dim=4)])
    model.compile("sgd", "binary_crossentropy", metrics=[given])
    model.save(tmp_path / "model.h5")
    with pytest.raises(FileFormatError, match=r"'binary_auroc'.*custom_objects"):
        load_model(tmp_path / "model.h5")
    loaded = load_model(tmp_path / "model.h5", custom_objects={"binary_auroc": given})
    assert loaded.evaluate(X, BINARY, verbose=0) == model.evaluate(X, BINARY, verbose=0)
