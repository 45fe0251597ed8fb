"""Precision, recall, AUC and F scores."""

from typing import Any

import numpy as np
import pytest
import torch
from sklearn import metrics as reference
from torch import Tensor

from onfit import metrics
from onfit.errors import ArgumentError, ShapeError
from onfit.metrics.counts import ConfusionCounts, Thresholds

_draw = np.random.default_rng(0)
Y = (_draw.uniform(size=400) > 0.7).astype("float32")
OUT = np.clip(0.4 * Y + 0.6 * _draw.uniform(size=400), 0, 1).astype("float32")


def result(metric: Any, y: Any = Y, out: Any = OUT) -> float:
    metric.update_state(y, out)
    return float(metric.result())


# --- what they are ---------------------------------------------------------------------------


def test_they_are_what_scikit_learn_says_they_are() -> None:
    said = OUT > 0.5
    assert result(metrics.Precision()) == pytest.approx(reference.precision_score(Y, said))
    assert result(metrics.Recall()) == pytest.approx(reference.recall_score(Y, said))
    assert result(metrics.F1Score(threshold=0.5), Y[:, None], OUT[:, None]) == pytest.approx(
        reference.f1_score(Y, said), abs=1e-6
    )
    assert result(metrics.AUC()) == pytest.approx(reference.roc_auc_score(Y, OUT), abs=0.01)
    average = reference.average_precision_score(Y, OUT)
    assert result(metrics.AUC(curve="PR")) == pytest.approx(average, abs=0.02)


@pytest.mark.parametrize("average", ["micro", "macro", "weighted"])
def test_f1_of_classes_is_what_scikit_learn_says_it_is(average: str) -> None:
    classes = _draw.integers(0, 4, 200)
    out = _draw.dirichlet(np.ones(4), 200).astype("float32")
    expected = reference.f1_score(classes, out.argmax(-1), average=average)
    found = result(metrics.F1Score(average), np.eye(4)[classes], out)
    assert found == pytest.approx(expected, abs=1e-6)


def test_a_threshold_itself_is_not_above_it() -> None:
    assert result(metrics.Recall(), [1, 1], [0.5, 0.51]) == 0.5
    assert result(metrics.Recall(thresholds=0.0), [1, 1], [0.0, 0.01]) == 0.5


def test_values_of_several_thresholds_come_in_the_order_they_were_given() -> None:
    recall = metrics.Recall(thresholds=[0.8, 0.2, 0.5])
    recall.update_state([1, 1, 1, 1], [0.1, 0.3, 0.6, 0.9])
    assert recall.result().tolist() == [0.25, 0.75, 0.5]


def test_nothing_found_is_0_and_no_nan() -> None:
    assert result(metrics.Precision(), [0, 1], [0.1, 0.2]) == 0.0
    assert result(metrics.Recall(), [0, 0], [0.9, 0.2]) == 0.0
    assert result(metrics.AUC(), [0, 0], [0.9, 0.2]) == 0.0
    assert result(metrics.F1Score("macro"), np.zeros((1, 2)), np.zeros((1, 2))) == 0.0
    assert result(metrics.AUC(label_weights=[0.0, 0.0]), np.eye(2), np.eye(2)) == 0.0


def test_before_the_first_batch_all_are_0() -> None:
    for metric in (metrics.Precision(), metrics.AUC(), metrics.F1Score()):
        assert float(metric.result()) == 0.0
    assert metrics.Recall(thresholds=[0.1, 0.2]).result().tolist() == [0.0, 0.0]


@pytest.mark.parametrize("thresholds", [None, [0.3, 0.4]])
def test_outputs_that_are_not_numbers_do_not_end_the_training(thresholds: Any) -> None:
    for metric in (metrics.AUC(thresholds=thresholds), metrics.Precision(thresholds)):
        metric.update_state([1.0, 0.0, 1.0], [float("nan"), float("inf"), -float("inf")])
        assert torch.isfinite(metric.result()).all()


@pytest.mark.parametrize("kind", [metrics.AUC, metrics.Precision, metrics.Recall])
def test_a_class_with_more_outputs_than_one_is_one_hot(kind: Any) -> None:
    with pytest.raises(ShapeError, match=rf"{kind.__name__} compares y with outputs of the same"):
        kind().update_state(np.zeros(3), np.zeros((3, 4)))


# --- counting --------------------------------------------------------------------------------


def test_counts_are_those_of_comparing_with_every_threshold() -> None:
    y, out = torch.tensor(Y), torch.tensor(OUT)
    values = [0.13, 0.4, 0.77]
    counts = ConfusionCounts(Thresholds(values).count(y, out))
    for index, threshold in enumerate(values):
        said = out > threshold
        assert counts.true_positives[index] == (said & y.bool()).sum()
        assert counts.false_positives[index] == (said & ~y.bool()).sum()
        assert counts.false_negatives[index] == (~said & y.bool()).sum()
        assert counts.true_negatives[index] == (~said & ~y.bool()).sum()


def test_counts_stay_exact_where_single_precision_would_stop_counting() -> None:
    recall = metrics.Recall()
    many = torch.zeros(2, 2, 1, dtype=torch.float64)
    many[1, 1] = 2.0**25
    recall.load_state_dict({"counts": many})
    recall.update_state([1], [0.9])
    assert float(recall.state_dict()["counts"][1, 1]) == 2.0**25 + 1


def test_columns_can_be_counted_apart() -> None:
    y, out = torch.tensor([[1, 0], [1, 1]]), torch.tensor([[0.9, 0.9], [0.1, 0.9]])
    counts = ConfusionCounts(Thresholds([0.5]).count(y, out, apart=True), apart=True)
    assert counts.true_positives.tolist() == [[1.0, 1.0]]
    assert counts.false_positives.tolist() == [[0.0, 1.0]]
    assert counts.false_negatives.tolist() == [[1.0, 0.0]]


# --- what cannot be meant --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda: metrics.AUC(curve="ROCK"), r"curve='ROCK'.*'ROC', 'PR', 'PRGAIN'.*mean 'ROC'"),
        (lambda: metrics.AUC(summation_method="middle"), r"summation_method='middle'.*'minoring'"),
        (lambda: metrics.AUC(num_thresholds=1), r"num_thresholds=1\): a curve takes at least 2"),
        (lambda: metrics.AUC(num_labels=3), "goes with multi_label=True"),
        (lambda: metrics.AUC(thresholds=[0.5, 1.5]), r"AUC\(thresholds=.*1.5 is not"),
        (lambda: metrics.Precision(-0.1), r"Precision\(thresholds=\[-0.1\]\).*0 to 1; -0.1 is not"),
        (lambda: metrics.Recall([]), r"Recall\(thresholds=\[\]\).*there is none"),
        (lambda: metrics.F1Score("mean"), r"F1Score\(average='mean'\).*'micro', 'macro'"),
        (lambda: metrics.F1Score(threshold=0.0), r"threshold=0.0\): a threshold lies above 0"),
        (lambda: metrics.FBetaScore(beta=0.0), r"beta=0.0\): beta is above 0"),
    ],
)
def test_an_argument_that_cannot_be_meant_is_an_error(make: Any, text: str) -> None:
    with pytest.raises(ArgumentError, match=text):
        make()


@pytest.mark.parametrize(
    ("metric", "y", "weight", "text"),
    [
        (metrics.Precision(class_id=1), np.ones(3), None, r"class_id=1\).*Leave out class_id"),
        (metrics.AUC(multi_label=True), np.ones(3), None, r"\(samples, labels\); got \(3,\)"),
        (metrics.AUC(multi_label=True, num_labels=2), np.ones((3, 4)), None, r"got \(3, 4\)"),
        (metrics.F1Score(), np.ones(3), None, r"\(samples, classes\); got \(3,\)"),
        (metrics.AUC(), np.ones(3), np.ones(2), r"sample_weight has shape \(2,\).*shape \(3,\)"),
    ],
    ids=["class_id", "labels", "number of labels", "classes", "weight"],
)
def test_data_that_do_not_fit_are_an_error(metric: Any, y: Any, weight: Any, text: str) -> None:
    with pytest.raises(ShapeError, match=text):
        metric.update_state(y, y, weight)


def test_weights_may_have_an_axis_of_their_own() -> None:
    y, out = np.array([[1.0], [1.0]]), np.array([[0.9], [0.1]])
    for weight in ([3.0, 1.0], [[3.0], [1.0]]):
        recall = metrics.Recall()
        recall.update_state(y, out, weight)
        assert float(recall.result()) == 0.75


def test_several_values_are_fine_outside_of_a_log(recwarn: Any) -> None:
    scores = metrics.F1Score()
    scores.update_state(torch.eye(3), torch.eye(3))
    values: Tensor = scores.result()
    assert values.tolist() == pytest.approx([1.0, 1.0, 1.0], abs=1e-6)
    assert not recwarn
