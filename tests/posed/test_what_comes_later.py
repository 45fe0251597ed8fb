"""Layers and models that come after a model went to a GPU go there, too."""

from typing import Any

import numpy as np
import pytest
import torch
from tests.posed.gpu import posing

from onfit import Model, Sequential, metrics, ops
from onfit import layers as L

X = np.random.default_rng(0).normal(size=(24, 4)).astype("float32")
Y = X[:, :1]


def trained() -> Sequential:
    model = Sequential([L.Dense(3, input_dim=4), L.Dense(1)])
    model.compile("sgd", "mse")
    model.fit(X, Y, verbose=0)
    return model


class Grows(Model):
    def __init__(self) -> None:
        super().__init__()
        self.first, self.head = L.Dense(1), None

    def call(self, x: Any) -> Any:
        x = self.first(x)
        return x if self.head is None else self.head(x)


def stacked_anew() -> Model:
    return Sequential([trained().layers[0], L.Dense(2)])


def tapped() -> Model:
    model = trained()
    return Model(model.inputs, model.layers[0].output)


def extended() -> Model:
    model = trained()
    return Model(model.inputs, L.Dense(2)(model.layers[0].output))


def with_another_end() -> Model:
    model = trained()
    model.pop()
    model.add(L.Dense(2))
    return model


def grown() -> Model:
    model = Grows()
    model.compile("sgd", "mse")
    model.fit(X, Y, verbose=0)
    model.head = L.Dense(2)
    return model


KINDS = (stacked_anew, tapped, extended, with_another_end, grown)
MADE = pytest.mark.parametrize("make", KINDS, ids=lambda make: make.__name__)


@MADE
@pytest.mark.parametrize("given", [X, torch.tensor(X)], ids=["an array", "a tensor"])
def test_it_can_be_called_with_what_is_on_the_cpu(make: Any, given: Any) -> None:
    with posing() as gpu:
        assert make()(given).device == gpu.device


@MADE
def test_it_can_be_trained(make: Any) -> None:
    with posing() as gpu:
        model = make()
        model.compile("adam", "mse")
        model.fit(X, X[:, :2] if make is not tapped else X[:, :3], verbose=0)
        assert {weight.device for weight in model.parameters()} == {gpu.device}


def test_a_layer_makes_its_weights_where_its_first_input_is() -> None:
    torch.manual_seed(0)
    expected = L.Bidirectional(L.LSTM(2))(torch.tensor(X)[:, None])
    with posing() as gpu:
        torch.manual_seed(0)
        out = L.Bidirectional(L.LSTM(2))(torch.tensor(X)[:, None].to(gpu.device))
        assert out.device == gpu.device
        assert torch.equal(out.cpu(), expected)


def test_a_model_with_only_a_train_step_makes_its_weights_there() -> None:
    class Stepping(Model):
        def __init__(self) -> None:
            super().__init__()
            self.dense = L.Dense(1)

        def train_step(self, data: Any) -> Any:
            loss = self.dense(data[0]).square().mean()
            weights = self.trainable_weights
            self.optimizer.apply(torch.autograd.grad(loss, weights), weights)
            return {"loss": loss}

    with posing() as gpu:
        model = Stepping()
        model.compile("sgd")
        losses = model.fit(X, epochs=2, verbose=0).history["loss"]
        assert losses[1] < losses[0]
        assert model.device == gpu.device


def test_arrays_in_a_computation_go_where_its_tensors_are() -> None:
    with posing() as gpu:
        there = torch.tensor(X).to(gpu.device)
        assert ops.matmul(there, X.T).device == gpu.device


def test_weighted_metrics_wait_for_no_batch() -> None:
    with posing() as gpu:
        mean = metrics.get("mae")
        model = Sequential([L.Dense(1, input_dim=4)])
        model.compile("sgd", "mse", weighted_metrics=[mean])
        waits = []
        for batch_size in (24, 24, 4):
            gpu.waits.clear()
            model.fit(X, Y, batch_size, 1, 0, sample_weight=np.ones(24, "float32"))
            waits.append(gpu.waits.total())
        assert waits[2] <= waits[1]
