"""Arguments of Keras' `compile`: taken, or refused by an error that names them."""

from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from onfit.errors import ArgumentError, OnfitError
from onfit.layers import Dense
from onfit.metrics import StatefulMetric
from onfit.models import Model, Sequential

X = np.random.default_rng(0).normal(size=(12, 3)).astype("float32")
Y = X.sum(1, keepdims=True)
WEIGHT = np.linspace(0.0, 3.0, 12).astype("float32")


def stack() -> Sequential:
    model = Sequential([Dense(1, input_dim=3)])
    model.set_weights([np.ones((3, 1), "float32"), np.ones(1, "float32")])
    return model


def loss_after(**arguments: Any) -> float:
    model = stack()
    model.compile("sgd", "mse", **arguments)
    model.fit(X, Y, epochs=2, batch_size=4, shuffle=False, verbose=0)
    return float(model.evaluate(X, Y, verbose=0))


@pytest.mark.parametrize(
    "arguments",
    [
        {"run_eagerly": True},
        {"run_eagerly": None},
        {"jit_compile": True},
        {"jit_compile": "auto"},
        {"steps_per_execution": 8},
        {"auto_scale_loss": False},
        {"weighted_metrics": None},
        {"weighted_metrics": []},
        {"sample_weight_mode": None},
        {"target_tensors": None},
    ],
    ids=str,
)
def test_what_changes_no_result_is_taken(arguments):
    assert loss_after(**arguments) == loss_after()


@pytest.mark.parametrize("name", ["sample_weight_mode", "target_tensors", "distribute"])
def test_what_would_change_a_result_is_refused(name):
    with pytest.raises(ArgumentError, match=rf"compile\({name}='x'\).*Leave it out"):
        stack().compile("sgd", "mse", **{name: "x"})


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (lambda m: m.compile("sgd", "mse", metric=["mae"]), r"compile\(metric=.*'metrics'"),
        (lambda m: m.compile("sgd", "mse", run_eager=True), r"compile\(run_eager=.*'run_eagerly'"),
        (lambda m: m.evaluate(X, Y, batchsize=4), r"evaluate\(batchsize=...\).*'batch_size'"),
        (lambda m: m.predict(X, verbos=0), r"predict\(verbos=...\).*'verbose'"),
    ],
)
def test_a_misspelt_argument_is_an_error_that_names_the_nearest(call, text):
    model = stack()
    model.compile("sgd", "mse")
    with pytest.raises(ArgumentError, match=text):
        call(model)


# --- weighted_metrics ----------------------------------------------------------------------------


class Seen(StatefulMetric):
    """The sum of the weights that it gets."""

    name = "seen"

    def reset(self) -> None:
        self.sum = torch.zeros(())

    def update(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        ones = torch.ones(len(y_pred))
        self.sum = self.sum + (ones if sample_weight is None else sample_weight).sum()

    def result(self) -> torch.Tensor:
        return self.sum


class Unweighted(Seen):
    def update(self, y_true: Any, y_pred: Any) -> None:  # type: ignore[override]
        self.sum = self.sum + 1


def mean_of_batch(y_true: torch.Tensor, y_pred: torch.Tensor) -> torch.Tensor:
    return (y_true - y_pred).mean()


def evaluated(weighted: list[Any], weight: Any = WEIGHT, model: Model | None = None) -> Any:
    model = stack() if model is None else model
    model.compile("sgd", "mse", weighted_metrics=weighted)
    return model.evaluate(X, Y, sample_weight=weight, batch_size=5, verbose=0, return_dict=True)


def test_a_users_metric_gets_the_weights():
    assert evaluated([Seen()])["seen"] == pytest.approx(float(WEIGHT.sum()))
    assert evaluated([Seen()], weight=None)["seen"] == 12


def test_a_users_metric_that_takes_no_weights_is_refused():
    with pytest.raises(ArgumentError, match=r"weighted_metrics=\[seen\].*sample_weight"):
        stack().compile("sgd", "mse", weighted_metrics=[Unweighted()])


def test_a_function_that_gives_one_number_is_weighed_by_the_batch():
    assert evaluated([mean_of_batch])["mean_of_batch"] == pytest.approx(-1.0)


def test_a_wrapped_net_weighs_too():
    net = nn.Linear(3, 1)
    found = evaluated(["mae"], model=Model(net))["mae"]
    errors = np.abs(Y[:, 0] - net(torch.from_numpy(X)).detach().numpy()[:, 0])
    assert found == pytest.approx(float((errors * WEIGHT).sum() / WEIGHT.sum()), rel=1e-5)


def test_a_train_step_of_a_subclass_weighs_by_what_it_hands_on():
    class Own(Sequential):
        def test_step(self, data: Any) -> Any:
            x, y, weight = data
            return self.compute_metrics(y=y, y_pred=self(x), sample_weight=weight)

    assert evaluated([Seen()], model=Own([Dense(1, input_dim=3)]))["seen"] == pytest.approx(
        float(WEIGHT.sum())
    )


@pytest.mark.parametrize("weighted", [3, "maee", ["maee"]])
def test_what_is_no_metric_is_refused(weighted):
    with pytest.raises(OnfitError):
        stack().compile("sgd", "mse", weighted_metrics=weighted)
