"""Losses that layers add while they compute."""

import pickle
from copy import deepcopy
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from onfit import Input, Model, Sequential
from onfit.errors import ArgumentTypeError, NotReadyError
from onfit.layers import Dense, Layer, TorchModule
from onfit.regularizers import L2

X = np.random.RandomState(0).randn(8, 4).astype("float32")
Y = X.sum(1, keepdims=True)


class Small(Layer):
    """Asks for small outputs."""

    def call(self, x: Tensor) -> Tensor:
        self.add_loss(0.1 * x.square().sum())
        return x


class Around(Layer):
    def __init__(self, inner: nn.Module) -> None:
        super().__init__()
        self.inner = inner

    def call(self, x: Tensor) -> Tensor:
        out: Tensor = self.inner(x)
        return out


class Owner(Model):
    def __init__(self, inner: nn.Module) -> None:
        super().__init__()
        self.inner, self.head = inner, Dense(1, input_shape=(4,))

    def call(self, inputs: Tensor) -> Tensor:
        out: Tensor = self.head(self.inner(inputs))
        return out


def functional(inner: Any) -> Model:
    x = Input((4,))
    return Model(x, Dense(1, activation="sigmoid")(inner(x)))


FORMS = {
    "in a stack": lambda inner: Sequential([Input((4,)), inner, Dense(1)]),
    "in a graph": functional,
    "in a layer": lambda inner: Sequential([Input((4,)), Around(Around(inner)), Dense(1)]),
    "in a stack in a graph": lambda inner: functional(Sequential([inner])),
    "in a subclass": Owner,
    "in a torch module": lambda inner: Sequential(
        [Input((4,)), TorchModule(nn.Sequential(inner)), Dense(1)]
    ),
}
SMALL = 0.1 * (X**2).sum()


@pytest.mark.parametrize("form", FORMS)
def test_fit_and_evaluate_count_what_layers_add(form: str) -> None:
    y = np.ones((8, 1))
    model = FORMS[form](Small())
    # The graph ends in a sigmoid, which a crossentropy leaves out.
    model.compile("sgd", "binary_crossentropy" if "graph" in form else "mse")
    plain = deepcopy(model)
    for layer in [part for part in plain.modules() if isinstance(part, Small)]:
        layer.add_loss = lambda loss: None  # type: ignore[method-assign]
    expected = plain.evaluate(X, y, verbose=0) + SMALL
    assert model.evaluate(X, y, verbose=0) == pytest.approx(expected, rel=1e-5)
    assert model.train_on_batch(X, y) == pytest.approx(expected, rel=1e-5)


def test_what_is_added_trains() -> None:
    first, model = Dense(3, input_shape=(4,)), Sequential()
    for layer in (first, Small(), Dense(1)):
        model.add(layer)
    model.compile("sgd", "mse")
    before = first(X).square().sum()
    model.fit(X, 0 * Y, epochs=5, verbose=0)
    assert first(X).square().sum() < before


def test_losses_are_those_of_the_last_call() -> None:
    layer = Small()
    x = torch.ones(1, 5)
    for _ in range(2):
        layer(x)
        assert [float(loss) for loss in layer.losses] == [0.5]
    outer = Around(layer)
    outer(x)
    outer(2 * x)
    assert [float(loss) for loss in outer.losses] == [2.0]
    assert layer.losses == outer.losses


def test_a_layer_that_is_called_twice_within_a_call_adds_twice() -> None:
    layer, x = Small(), Input((5,))
    model = Model(x, layer(layer(x)))
    model(torch.ones(1, 5))
    assert [float(loss) for loss in model.losses] == [0.5, 0.5]


def test_looking_for_shapes_adds_nothing() -> None:
    layer = Small()
    layer(torch.ones(1, 5))
    layer(Input((5,)))
    assert [float(loss) for loss in layer.losses] == [0.5]


def test_penalties_on_weights_are_among_the_losses() -> None:
    layer = Dense(1, kernel_regularizer=L2(0.5), kernel_initializer="ones")
    model = Sequential([Input((4,)), Small(), layer])
    model(torch.zeros(1, 4))
    assert [loss.item() for loss in model.losses] == [0.0, 2.0]
    assert [loss.item() for loss in layer.losses] == [2.0]


def test_weights_that_are_frozen_cost_no_penalty() -> None:
    frozen = Dense(1, kernel_regularizer=L2(0.5), kernel_initializer="ones", trainable=False)
    model = Sequential([Input((4,)), frozen])
    model.compile("sgd", "mse")
    model(torch.zeros(1, 4))
    assert model.losses == frozen.losses == []
    assert model.evaluate(np.zeros((2, 4)), np.zeros((2, 1)), verbose=0) == 0
    frozen.trainable = True
    assert [loss.item() for loss in frozen.losses] == [2.0]
    assert model.evaluate(np.zeros((2, 4)), np.zeros((2, 1)), verbose=0) == 2


def test_copies_and_pickles_hold_no_losses() -> None:
    model = Sequential([Input((4,)), Dense(4), Small()])
    model(X)
    assert deepcopy(model).losses == []
    assert pickle.loads(pickle.dumps(model)).losses == []
    assert len(model.losses) == 1


def test_a_penalty_on_outputs_is_divided_by_the_size_of_the_batch() -> None:
    layer = Small()
    layer.activity_regularizer = L2(0.5)
    layer(torch.ones(2, 3))
    assert [float(loss) for loss in layer.losses] == pytest.approx([0.6, 1.5])


def test_a_model_without_a_loss_trains_on_what_its_layers_add() -> None:
    model = Sequential([Dense(3, input_shape=(4,)), Small()])
    model.compile("sgd")
    losses = model.fit(X, epochs=3, verbose=0).history["loss"]
    assert losses[-1] < losses[0]
    nothing = Sequential([Dense(3, input_shape=(4,)), Around(Dense(1))])
    nothing.compile("sgd")
    with pytest.raises(NotReadyError, match="no layer adds one with add_loss"):
        nothing.fit(X, Y, verbose=0)


@pytest.mark.parametrize("loss", [None, "mse"])
def test_a_subclass_may_compute_the_loss_itself(loss: Any) -> None:
    class Own(Model):
        def __init__(self) -> None:
            super().__init__()
            self.layer = Dense(1, input_shape=(4,), kernel_initializer="ones")

        def call(self, inputs: Tensor) -> Any:
            return self.layer(inputs)

        def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None):
            assert x.shape == (8, 4)
            return (y - y_pred).abs().mean() + 7

    model = Own()
    model.compile("sgd", loss, metrics=["mae"])
    assert model.evaluate(X, Y, verbose=0) == pytest.approx([7, 0], abs=1e-5)
    assert model.fit(X, Y, verbose=0).history["loss"] == pytest.approx([7])


def test_what_is_no_tensor_cannot_be_added() -> None:
    with pytest.raises(ArgumentTypeError, match=r"'mine' \(Small\).add_loss takes a tensor"):
        Small(name="mine").add_loss(3.0)
