from typing import Any

import pytest
import torch
from torch import nn

from onfit import metrics
from onfit.errors import ArgumentError, ArgumentTypeError, ShapeError
from onfit.layers import Dense
from onfit.models import Sequential

X = torch.tensor([[-2.0], [-1.0], [1.0], [2.0]])


def logistic(activation: str | None) -> Sequential:
    """A model whose output is x, or the sigmoid of it."""
    model = Sequential([Dense(1, activation, input_dim=1, kernel_initializer="ones")])
    model.compile("sgd", "mse")
    return model


# --- accuracies ------------------------------------------------------------------------------


def test_binary_accuracy_is_the_share_on_the_right_side_of_a_half() -> None:
    y, out = torch.tensor([[1.0], [1.0], [0.0]]), torch.tensor([[0.51], [0.5], [0.49]])
    assert metrics.binary_accuracy(y, out).tolist() == [1.0, 0.0, 1.0]
    assert metrics.binary_accuracy(y[:, 0], out).tolist() == [1.0, 0.0, 1.0]
    assert metrics.binary_accuracy(y[:, 0], out[:, 0]).tolist() == [1.0, 0.0, 1.0]
    several = metrics.binary_accuracy(torch.tensor([[1, 0]]), torch.tensor([[0.9, 0.9]]))
    assert several.tolist() == [0.5]


def test_categorical_accuracies_look_for_the_largest() -> None:
    out = torch.tensor([[0.1, 0.7, 0.2], [0.6, 0.3, 0.1]])
    assert metrics.categorical_accuracy(torch.eye(3)[[1, 2]], out).tolist() == [1.0, 0.0]
    assert metrics.sparse_categorical_accuracy(torch.tensor([1, 2]), out).tolist() == [1.0, 0.0]
    assert metrics.sparse_categorical_accuracy(torch.tensor([[1], [0]]), out).tolist() == [1, 1]


def test_accuracy_is_what_the_shapes_ask_for() -> None:
    out = torch.tensor([[0.1, 0.7, 0.2], [0.6, 0.3, 0.1]])
    assert metrics.accuracy(torch.tensor([1, 0]), out).tolist() == [1.0, 1.0]
    assert metrics.accuracy(torch.tensor([[1], [2]]), out).tolist() == [1.0, 0.0]
    assert metrics.accuracy(torch.eye(3)[[1, 1]], out).tolist() == [1.0, 0.0]
    assert metrics.accuracy(torch.tensor([1, 0]), torch.tensor([[0.7], [0.7]])).tolist() == [1, 0]


def test_shapes_that_do_not_fit_are_an_error() -> None:
    with pytest.raises(ShapeError, match=r"categorical_accuracy.*\(2, 2\).*\(2, 3\)"):
        metrics.categorical_accuracy(torch.zeros(2, 2), torch.zeros(2, 3))
    with pytest.raises(ShapeError, match=r"one class index per sample.*\(3,\).*\(2, 3\)"):
        metrics.sparse_categorical_accuracy(torch.zeros(3), torch.zeros(2, 3))
    with pytest.raises(ShapeError, match=r"binary_accuracy.*\(2, 2\).*\(2, 1\)"):
        metrics.binary_accuracy(torch.zeros(2, 2), torch.zeros(2, 1))


# --- names -----------------------------------------------------------------------------------


def test_a_metric_is_logged_under_the_name_the_user_wrote() -> None:
    model = logistic("sigmoid")
    model.compile("sgd", "mse", metrics=["acc", "mean_absolute_error", "MSE"])
    history = model.fit(X, (X > 0).float(), verbose=0, validation_split=0.5)
    names = ["loss", "acc", "mean_absolute_error", "MSE"]
    assert list(history.history) == [*names, *(f"val_{name}" for name in names)]
    assert model.metrics_names == names
    assert "accuracy" in history.history  # found by its other name too


def test_a_metric_may_be_a_function_and_is_logged_under_its_name() -> None:
    def largest(y_true: torch.Tensor, y_pred: torch.Tensor) -> torch.Tensor:
        return y_pred.max()

    def plain(y_true: Any, y_pred: Any) -> int:
        return 7

    model = logistic(None)
    model.compile("sgd", "mse", metrics=[largest, plain])
    assert model.evaluate(X, X, verbose=0, return_dict=True) == {
        "loss": 0.0,
        "largest": 2.0,
        "plain": 7.0,
    }


def test_one_metric_need_not_be_in_a_list() -> None:
    model = logistic(None)
    model.compile("sgd", "mse", metrics="mae")
    assert model.metrics_names == ["loss", "mae"]


def test_a_misspelt_metric_is_an_error_that_guesses() -> None:
    with pytest.raises(ArgumentError, match=r"metrics=\['acuracy'\].*Did you mean 'accuracy'\?"):
        metrics.get("acuracy")


def test_what_is_no_metric_is_an_error() -> None:
    with pytest.raises(ArgumentTypeError, match="a metric is a name or a function"):
        metrics.get(3)
    with pytest.raises(ArgumentTypeError, match=r"metrics is a list of names.*got 3"):
        logistic(None).compile("sgd", "mse", metrics=3)


@pytest.mark.parametrize(
    ("name", "direction"),
    [("acc", "max"), ("mse", "min"), ("categorical_crossentropy", "min"), ("loss", "min")],
)
def test_a_model_tells_in_which_direction_its_metrics_get_better(name: str, direction: str) -> None:
    model = logistic("sigmoid")
    model.compile("sgd", "mse", metrics=["acc", "mse", "categorical_crossentropy"])
    assert model.metric_direction(name) == direction
    assert model.metric_direction(f"val_{name}") == direction
    assert model.metric_direction("val_accuracy") == "max"
    assert model.metric_direction("auc") is None


# --- what a metric sees ----------------------------------------------------------------------


@pytest.mark.parametrize(
    "loss",
    ["binary_crossentropy", nn.BCEWithLogitsLoss()],
    ids=["looks behind the sigmoid", "takes logits"],
)
def test_metrics_see_probabilities_whatever_the_loss_sees(loss: Any) -> None:
    """x is -2, -1, 1, 2: of the outputs before the sigmoid, 2 of 4 lie above a half; so do the
    probabilities. A threshold between 0.5 and 0.73 tells them apart."""
    seen = []

    def spy(y_true: torch.Tensor, y_pred: torch.Tensor) -> torch.Tensor:
        seen.append(y_pred)
        return y_pred.mean()

    model = logistic("sigmoid" if isinstance(loss, str) else None)
    model.compile("sgd", loss, metrics=[spy])
    model.evaluate(X, (X > 0).float(), verbose=0)
    torch.testing.assert_close(seen[0], X.sigmoid())
    assert not seen[0].requires_grad


def test_metrics_are_no_part_of_the_graph_that_is_trained() -> None:
    seen = []

    def spy(y_true: torch.Tensor, y_pred: torch.Tensor) -> torch.Tensor:
        seen.append(y_pred.requires_grad)
        return y_pred.mean()

    model = logistic(None)
    model.compile("sgd", "mse", metrics=[spy])
    model.fit(X, X, verbose=0)
    assert seen == [False]


def test_an_epochs_metric_is_the_mean_over_samples_not_over_batches() -> None:
    model = logistic(None)
    model.compile("sgd", "mse", metrics=["mae"])
    # Batches of 3 and 1: errors 0, 0, 0 and 8.
    y = X + torch.tensor([[0.0], [0.0], [0.0], [8.0]])
    assert model.evaluate(X, y, batch_size=3, verbose=0) == [16.0, 2.0]


def test_sample_weights_weigh_the_loss_and_not_the_metrics() -> None:
    model = logistic(None)
    model.compile("sgd", "mse", metrics=["mse"])
    y = X + torch.tensor([[0.0], [0.0], [0.0], [8.0]])
    weight = torch.tensor([1.0, 1.0, 1.0, 0.0])
    assert model.evaluate(X, y, sample_weight=weight, verbose=0) == [0.0, 16.0]


class Mirrored(metrics.BinaryAccuracy):
    def update_state(self, y_true, y_pred, sample_weight=None):
        super().update_state(y_true, 1 - torch.as_tensor(y_pred), sample_weight)


class Percent(metrics.BinaryAccuracy):
    def result(self):
        return 100 * super().result()


@pytest.mark.parametrize("kind", [Mirrored, Percent])
def test_a_metric_whose_methods_are_written_anew_is_asked_by_them(kind):
    torch.manual_seed(0)
    x, y = torch.randn(20, 3), torch.tensor([0.0, 1.0] * 10)[:, None]
    model = Sequential([Dense(1, activation="sigmoid", input_dim=3)])
    model.compile("sgd", "binary_crossentropy", metrics=[kind(name="right")])
    alone = kind()
    alone.update_state(y, model.predict(x, verbose=0))
    found = model.evaluate(x, y, batch_size=8, verbose=0, return_dict=True)["right"]
    assert found == pytest.approx(float(alone.result()))
    history = model.fit(x, y, epochs=2, batch_size=8, verbose=0).history
    assert len(history["right"]) == 2
