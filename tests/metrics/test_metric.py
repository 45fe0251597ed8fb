"""Metrics on their own, as in a loop written by hand."""

from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from onfit import losses, metrics
from onfit.errors import ArgumentError, ShapeError
from onfit.metrics.accuracy import AccuracyByShape


def test_a_mean_goes_on_until_it_is_reset() -> None:
    error = metrics.MeanAbsoluteError()
    assert float(error([0.0, 0.0], [1.0, 3.0])) == 2.0
    assert float(error([0.0], [8.0])) == 4.0
    error.reset_state()
    assert float(error.result()) == 0.0


def test_a_mean_is_over_samples_not_over_batches() -> None:
    mean = metrics.Mean()
    mean.update_state([1.0, 1.0, 1.0])
    mean.update_state(5.0)
    assert float(mean.result()) == 2.0


def test_weights_count_in_a_mean() -> None:
    mean = metrics.Mean("loss")
    assert mean.direction == "min"
    assert float(mean([1.0, 5.0], sample_weight=[3.0, 1.0])) == 2.0
    mean.reset_state()
    assert float(mean([1.0, 5.0], sample_weight=[0.0, 0.0])) == 0.0
    mean.reset_state()
    # Several values per sample: their mean is the sample's, unless each has its weight.
    values = [[1.0, 3.0], [5.0, 7.0]]
    assert float(mean(values, sample_weight=[[1.0], [0.0]])) == 2.0
    mean.reset_state()
    assert float(mean(values, sample_weight=[[1.0, 0.0], [0.0, 1.0]])) == 4.0


@pytest.mark.parametrize("make", [list, np.array, torch.tensor], ids=["lists", "numpy", "torch"])
def test_numbers_of_any_kind_are_taken(make: Any) -> None:
    for metric in (metrics.BinaryAccuracy(), metrics.Precision(), metrics.RootMeanSquaredError()):
        metric.update_state(make([1.0, 1.0]), make([1.0, 0.0]), make([3.0, 1.0]))
    assert float(metric.result()) == 0.5


class Largest(metrics.StatefulMetric):
    name, direction = "largest", "max"

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        self.largest = torch.tensor(-torch.inf)
        self.sizes: list[int] = []

    def update(self, y_true: Tensor, y_pred: Tensor) -> None:
        self.largest = torch.maximum(self.largest, y_pred.max())
        self.sizes.append(len(y_pred))

    def result(self) -> Tensor:
        return self.largest


def test_a_users_metric_with_a_state_is_used_like_ours() -> None:
    metric = Largest()
    assert float(metric([0, 0], [0.25, 0.5])) == 0.5
    metric.update_state([0], [0.125])
    earlier = metric.later()
    metric.update_state([0], [0.75])
    assert (float(earlier()), float(metric.result())) == (0.5, 0.75)
    again = Largest()
    again.load_state_dict(metric.state_dict())
    assert (float(again.result()), again.sizes) == (0.75, [2, 1, 1])
    own = metric.for_logs()
    assert own.sizes == []  # type: ignore[attr-defined]
    metric.reset_state()
    assert torch.isinf(metric.result())


@pytest.mark.parametrize(
    "metric", [metrics.AUC(), metrics.Recall(), metrics.F1Score("macro")], ids=lambda m: m.name
)
def test_what_a_log_keeps_of_a_metric_stays_when_the_metric_goes_on(metric: Any) -> None:
    y, out = torch.eye(2), torch.tensor([[0.9, 0.1], [0.8, 0.2]])
    metric.update_state(y, out)
    before, kept, state = float(metric.result()), metric.later(), metric.state_dict()
    metric.update_state(y, y)
    assert float(metric.result()) != before
    assert float(kept()) == before
    metric.load_state_dict(state)
    assert float(metric.result()) == before


def test_no_graph_is_kept() -> None:
    out = torch.full((2, 1), 0.5, requires_grad=True)
    for metric in (metrics.MeanSquaredError(), metrics.AUC(), metrics.F1Score(threshold=0.5)):
        metric.update_state(torch.ones(2, 1), out)
        assert not metric.result().requires_grad


# --- names -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("auc", metrics.AUC),
        ("AUC", metrics.AUC),
        ("precision", metrics.Precision),
        ("Recall", metrics.Recall),
        ("f1", metrics.F1Score),
        ("f1_score", metrics.F1Score),
        ("F1Score", metrics.F1Score),
        ("mape", metrics.MeanAbsolutePercentageError),
        ("MSLE", metrics.MeanSquaredLogarithmicError),
        ("logcosh", metrics.LogCoshError),
        ("cosine_proximity", metrics.CosineSimilarity),
        ("KLD", metrics.KLDivergence),
        ("huber", metrics.MeanMetricWrapper),
        ("top_k_categorical_accuracy", metrics.TopKCategoricalAccuracy),
        ("ACC", AccuracyByShape),
    ],
)
def test_the_name_is_the_one_in_the_logs(name: str, kind: type) -> None:
    metric = metrics.get(name)
    assert (type(metric), metric.name) == (kind, name)
    assert metric.direction in ("min", "max")


def test_accuracy_by_name_asks_the_shapes_and_the_class_compares() -> None:
    by_name = metrics.get("Accuracy")
    assert float(by_name([1, 0], [[0.2, 0.8], [0.9, 0.1]])) == 1.0
    assert float(metrics.Accuracy()([1, 0, 2], [1, 1, 2])) == pytest.approx(2 / 3)


@pytest.mark.parametrize(
    ("function", "direction"),
    [
        (metrics.cosine_similarity, "max"),
        (losses.cosine_similarity, "min"),
        (losses.huber, "min"),
        (metrics.sparse_top_k_categorical_accuracy, "max"),
        (metrics.mean_squared_error, "min"),
    ],
)
def test_a_function_of_ours_knows_its_direction(function: Any, direction: str) -> None:
    metric = metrics.get(function)
    assert (metric.name, metric.direction) == (function.__name__, direction)


def test_a_function_that_cannot_be_hashed_is_a_metric() -> None:
    class Odd:
        __hash__ = None  # type: ignore[assignment]

        def __call__(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
            return y_pred.mean()

    assert metrics.get(Odd()).name == "Odd"


@pytest.mark.parametrize(
    "metric",
    [
        metrics.BinaryAccuracy("right", threshold=0.25),
        metrics.TopKCategoricalAccuracy(k=2),
        metrics.CosineSimilarity(axis=0),
        metrics.BinaryCrossentropy(from_logits=True, label_smoothing=0.25),
        metrics.AUC(7, "pr", "Majoring", "area", label_weights=[1.0]),
        metrics.AUC(thresholds=[0.5, 0.25], multi_label=True, num_labels=2),
        metrics.Precision([0.5, 0.25], class_id=1),
        metrics.Recall(top_k=2),
        metrics.F1Score("micro", 0.25),
        metrics.FBetaScore("weighted", 2.0),
        metrics.RootMeanSquaredError("off"),
    ],
    ids=lambda metric: metric.name,
)
def test_a_config_makes_the_same_again(metric: Any) -> None:
    config = metric.get_config()
    again = metrics.from_config(type(metric).__name__, config)
    assert type(again) is type(metric)
    assert again.get_config() == config
    assert config["name"] == again.name == metric.name


def test_an_unknown_class_is_an_error() -> None:
    with pytest.raises(ArgumentError, match="names the metric 'Nothing', unknown here"):
        metrics.from_config("Nothing", {})


# --- accuracies ------------------------------------------------------------------------------


def test_labels_between_0_and_1_are_no_ones() -> None:
    y, out = torch.tensor([[0.3], [1.0]]), torch.tensor([[0.9], [0.9]])
    assert metrics.binary_accuracy(y, out).tolist() == [0.0, 1.0]


def test_the_top_k_are_those_not_below_the_kth() -> None:
    out = torch.tensor([[0.4, 0.3, 0.2, 0.1], [0.3, 0.3, 0.3, 0.1]])
    sparse = metrics.sparse_top_k_categorical_accuracy
    assert sparse(torch.tensor([2, 2]), out, k=2).tolist() == [0.0, 1.0]  # it shares the place
    assert sparse(torch.tensor([[1], [3]]), out, k=2).tolist() == [1.0, 0.0]
    assert sparse(torch.tensor([3, 3]), out).tolist() == [1.0, 1.0]  # of 4, all are the top 5
    dense = metrics.top_k_categorical_accuracy
    assert dense(torch.eye(4)[[2, 0]], out, k=3).tolist() == [1.0, 1.0]


def test_top_k_of_sequences_is_one_value_per_position() -> None:
    out = torch.softmax(torch.arange(24.0).reshape(2, 3, 4), -1)
    y = torch.tensor([[3, 2, 1], [0, 3, 2]])
    values = metrics.sparse_top_k_categorical_accuracy(y, out, k=2)
    assert values.tolist() == [[1, 1, 0], [0, 1, 1]]


def test_shapes_that_do_not_fit_are_an_error() -> None:
    with pytest.raises(ShapeError, match=r"sparse_top_k.*one class index per sample.*\(3,\)"):
        metrics.sparse_top_k_categorical_accuracy(torch.zeros(3), torch.zeros(2, 3))
    with pytest.raises(ShapeError, match=r"Precision compares y.*\(2,\).*\(2, 3\).*one-hot"):
        metrics.Precision().update_state(torch.zeros(2), torch.zeros(2, 3))


def test_a_class_may_say_its_name() -> None:
    class Seen(metrics.StatefulMetric):
        name = "seen"

    assert (Seen().name, Seen(name="other").name) == ("seen", "other")
