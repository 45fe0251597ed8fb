"""Metrics that keep a state, in `fit`, `evaluate` and steps that a model's author wrote."""

from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from onfit import metrics
from onfit.core import Callback
from onfit.errors import ArgumentError
from onfit.layers import Dense, Input
from onfit.models import Model, Sequential

# Some models here only hand on their input.
pytestmark = pytest.mark.filterwarnings("ignore:.*has no trainable weights")

X = torch.linspace(0.05, 0.95, 40)[:, None]
Y = ((torch.arange(40) % 3 == 0) | (X[:, 0] > 0.75)).float()[:, None]


def identity(metrics: Any, loss: Any = "mse") -> Sequential:
    """A model whose output is x, and stays so."""
    model = Sequential([Dense(1, input_dim=1, kernel_initializer="ones")])
    model.layers[0].trainable = False
    model.compile("sgd", loss, metrics=metrics)
    return model


def alone(metric: Any, x: Tensor, y: Tensor) -> float:
    metric.reset_state()
    metric.update_state(y, x)
    return float(metric.result())


class Batches(Callback):
    def __init__(self) -> None:
        self.logs: list[Any] = []
        self.tested: list[Any] = []

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        self.logs.append(logs)

    def on_test_batch_end(self, batch: int, logs: Any = None) -> None:
        self.tested.append(logs)


def test_training_and_validation_are_measured_apart() -> None:
    auc = metrics.AUC()
    model = identity([auc])
    history = model.fit(X[:25], Y[:25], validation_data=(X[25:], Y[25:]), epochs=2, verbose=0)
    train, validation = alone(auc, X[:25], Y[:25]), alone(auc, X[25:], Y[25:])
    assert train != validation
    assert history.history["auc"] == pytest.approx([train, train])
    assert history.history["val_auc"] == pytest.approx([validation, validation])


def test_what_compile_received_keeps_no_state() -> None:
    auc = metrics.AUC()
    identity([auc]).fit(X, Y, verbose=0)
    assert float(auc.result()) == 0.0


def test_batch_logs_have_the_value_so_far_and_keep_it() -> None:
    batches = Batches()
    model = identity(["auc", "mae"])
    model.fit(X, Y, batch_size=16, shuffle=False, verbose=0, callbacks=[batches], epochs=2)
    ends = [16, 32, 40]
    expected = [alone(metrics.AUC(), X[:end], Y[:end]) for end in ends]
    # Read after the training, when the state is long another.
    assert [logs["auc"] for logs in batches.logs] == pytest.approx(expected * 2)
    starts = [0, 16, 32]
    each = [float((X[a:b] - Y[a:b]).abs().mean()) for a, b in zip(starts, ends, strict=True)]
    assert [logs["mae"] for logs in batches.logs] == pytest.approx(each * 2)


def test_evaluate_measures_all_batches_together() -> None:
    batches = Batches()
    model = identity(["auc"])
    results = model.evaluate(X, Y, batch_size=16, verbose=0, return_dict=True, callbacks=[batches])
    assert results["auc"] == pytest.approx(alone(metrics.AUC(), X, Y))
    assert [logs["auc"] for logs in batches.tested][-1] == results["auc"]
    again = model.evaluate(X, Y, batch_size=16, verbose=0, return_dict=True)
    assert again == results  # nothing is left of the first


def test_one_object_for_several_outputs_is_one_metric_for_each() -> None:
    inputs = Input((1,))
    model = Model(inputs, [Dense(1, name="a")(inputs), Dense(1, name="b")(inputs)])
    model.set_weights([np.ones((1, 1)), np.zeros(1), -np.ones((1, 1)), np.ones(1)])
    for layer in model.layers:
        layer.trainable = False
    model.compile("sgd", "mse", metrics=[metrics.AUC()])
    results = model.evaluate(X, [Y, Y], verbose=0, return_dict=True)
    assert results["a_auc"] == pytest.approx(alone(metrics.AUC(), X, Y))
    assert results["b_auc"] == pytest.approx(alone(metrics.AUC(), 1 - X, Y))
    assert results["a_auc"] != results["b_auc"]


def test_metrics_of_one_name_are_numbered() -> None:
    model = identity([metrics.Precision(), metrics.Precision(0.25), metrics.Precision(0.75)])
    assert model.metrics_names == ["loss", "precision", "precision_1", "precision_2"]
    results = model.evaluate(X, Y, verbose=0, return_dict=True)
    assert len(set(results.values())) == 4
    assert model.metric_direction("val_precision_1") == "max"


def test_one_metric_object_need_not_be_in_a_list() -> None:
    assert identity(metrics.AUC()).metrics_names == ["loss", "auc"]


@pytest.mark.parametrize("monitor", ["val_auc", "auc", "val_f1", "precision", "recall"])
def test_they_grow(monitor: str) -> None:
    model = identity(["auc", "f1", "precision", "recall"])
    assert model.metric_direction(monitor) == "max"


def test_they_see_probabilities_unless_they_ask_for_logits() -> None:
    model = identity(
        ["auc", metrics.AUC(from_logits=True, name="of_logits")], nn.BCEWithLogitsLoss()
    )
    x = 20 * X - 10
    results = model.evaluate(x, Y, verbose=0, return_dict=True)
    assert results["auc"] == results["of_logits"]
    assert results["auc"] == pytest.approx(alone(metrics.AUC(), x.sigmoid(), Y))


# --- several numbers -------------------------------------------------------------------------


def test_a_value_for_each_threshold_is_an_error_before_training() -> None:
    model = identity([metrics.Precision(thresholds=[0.25, 0.5])])
    with pytest.raises(ArgumentError, match=r"Precision\(thresholds=\[0.25, 0.5\]\) gives a value"):
        model.fit(X, Y, verbose=0)


def test_a_score_for_each_class_is_an_error_at_the_first_batch() -> None:
    model = Sequential([Dense(3, "softmax", input_dim=1)])
    model.compile("sgd", "categorical_crossentropy", metrics=[metrics.F1Score()])
    with pytest.raises(ArgumentError, match=r"average=None\) gives a score for each of 3 classes"):
        model.fit(X, torch.eye(3)[torch.arange(40) % 3], verbose=0)


def test_a_score_of_one_output_is_one_number() -> None:
    model = identity([metrics.F1Score(threshold=0.25), "f1"])
    results = model.evaluate(X, Y, verbose=0, return_dict=True)
    assert results["f1_score"] == pytest.approx(alone(metrics.F1Score(threshold=0.25), X, Y))
    assert results["f1"] == pytest.approx(alone(metrics.F1Score(threshold=0.5), X, Y))


# --- steps of one's own ----------------------------------------------------------------------


class Own(Sequential):
    def train_step(self, data: Any) -> dict[str, Any]:
        x, y = data
        y_pred = self(x)
        loss = self.compute_loss(y=y, y_pred=y_pred)
        return {"loss": loss, **self.compute_metrics(y=y, y_pred=y_pred)}


def test_a_step_of_ones_own_measures_the_epoch_and_not_the_mean_of_its_batches() -> None:
    model = Own([Dense(1, input_dim=1, kernel_initializer="ones")])
    model.compile("sgd", "mse", metrics=["auc", "mae"])
    history = model.fit(
        X[:25], Y[:25], validation_data=(X[25:], Y[25:]), batch_size=8, epochs=2, verbose=0
    ).history
    plain = identity(["auc", "mae"]).fit(
        X[:25], Y[:25], validation_data=(X[25:], Y[25:]), batch_size=8, epochs=2, verbose=0
    )
    assert list(history) == ["loss", "auc", "mae", "val_loss", "val_auc", "val_mae"]
    for name in ("auc", "mae", "val_auc", "val_mae"):
        assert history[name] == pytest.approx(plain.history[name])


def test_metrics_computed_outside_of_fit_are_of_these_outputs_alone() -> None:
    model = identity(["auc", "mae"])
    for part in (slice(0, 20), slice(20, 40)):
        found = model.compute_metrics(y=Y[part], y_pred=X[part])
        assert list(found) == ["auc", "mae"]
        assert float(found["auc"]) == pytest.approx(alone(metrics.AUC(), X[part], Y[part]))


def test_an_error_of_a_function_for_a_metric_notes_its_name_and_the_shapes() -> None:
    def ratio(y_true: Any, y_pred: Any) -> Any:
        raise ZeroDivisionError("no true positives")

    with pytest.raises(ZeroDivisionError) as caught:
        identity([ratio]).evaluate(X, Y, verbose=0)
    assert caught.value.__notes__ == [
        "raised by the metric 'ratio' of y_true (32, 1), y_pred (32, 1)"
    ]
