"""Weights of layers: how they are made, and what they answer."""

import pickle
from collections.abc import Callable
from copy import deepcopy
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from onfit import Input, Model, Sequential, backend
from onfit.constraints import NonNeg
from onfit.errors import ArgumentError, ArgumentTypeError, ShapeError
from onfit.layers import BatchNormalization, Dense, Layer
from onfit.layers.weights import Weight
from onfit.regularizers import L2

X = np.random.RandomState(0).randn(8, 4).astype("float32")


class Scale(Layer):
    """Multiplies by a weight that has no name of its own."""

    def build(self, input_shape: Any) -> None:
        self.w = self.add_weight(shape=(input_shape[-1],), initializer="ones", regularizer="l2")

    def call(self, x: Tensor) -> Tensor:
        return x * self.w


class Counts(Layer):
    """Counts its calls in training."""

    def build(self, input_shape: Any) -> None:
        self.calls = self.add_weight(shape=(), initializer="zeros", trainable=False)

    def call(self, x: Tensor, training: Any = None) -> Tensor:
        if training:
            self.calls.assign_add(1.0)
        return x


def test_a_weight_without_a_name_has_that_of_the_attribute() -> None:
    model = Sequential([Input((4,)), Scale()])
    assert list(model.state_dict()) == ["scale.w"]
    layer = model.layers[0]
    assert layer.w.name == "w"
    assert layer.w_regularizer is not None
    assert len(model.losses) == 1
    layer = Counts()
    layer(torch.ones(1))
    assert list(layer.state_dict()) == ["calls"]


def test_weights_without_a_name_in_a_list_are_numbered() -> None:
    layer = Layer()
    layer.several = [layer.add_weight(shape=(n,)) for n in (1, 2)]
    assert list(layer.state_dict()) == ["variable", "variable_1"]
    layer.double()
    assert [w.dtype for w in layer.several] == [torch.float64] * 2
    assert layer.several[0] is layer.variable


def test_a_weight_with_a_name_keeps_it_beside_the_attribute() -> None:
    layer = Layer()
    layer.factor = layer.add_weight(name="kernel", shape=(2,))
    assert layer.kernel is layer.factor
    assert len(layer.get_weights()) == 1


ORDERS: dict[str, Callable[[Layer], Weight]] = {
    "Keras 3": lambda layer: layer.add_weight((2, 3), "ones", "float64", name="w"),
    "Keras 3, by name": lambda layer: layer.add_weight(
        shape=[2, 3], initializer="ones", dtype=torch.float64, name="w", aggregation="mean"
    ),
    "Keras 2": lambda layer: layer.add_weight("w", (2, 3), "float64", "ones"),
    "Keras 2, by name": lambda layer: layer.add_weight(
        name="w", shape=(2, 3), dtype=np.float64, initializer="ones"
    ),
    "onfit": lambda layer: layer.add_weight("w", (2, 3), "ones", dtype="float64"),
    "Keras 1": lambda layer: layer.add_variable("w", (2, 3), dtype="float64", initializer="ones"),
}


@pytest.mark.parametrize("order", ORDERS)
def test_arguments_come_in_the_order_of_each_keras(order: str) -> None:
    layer = Layer()
    weight = ORDERS[order](layer)
    assert layer.w is weight
    assert weight.dtype == torch.float64
    assert weight.tolist() == [[1, 1, 1], [1, 1, 1]]
    assert weight.requires_grad


def test_all_arguments_of_keras_2_by_place_act() -> None:
    layer = Layer()
    weight = layer.add_weight("w", (2,), None, "ones", L2(0.5), False, "non_neg")
    assert not weight.trainable
    assert layer.w_regularizer(weight) == 1
    assert isinstance(layer.w_constraint, NonNeg)


def test_without_a_shape_a_weight_is_one_number_and_whole_numbers_begin_at_zero() -> None:
    layer = Layer()
    assert layer.add_weight().shape == ()
    whole = layer.add_weight(shape=3, dtype="int64")
    assert whole.tolist() == [0, 0, 0]
    assert not whole.trainable


def test_wrong_arguments_are_errors_that_say_what_to_do() -> None:
    layer = Layer()
    with pytest.raises(ArgumentError, match="Did you mean 'initializer'"):
        layer.add_weight(shape=(2,), initialiser="ones")
    with pytest.raises(ArgumentTypeError, match="shape twice"):
        layer.add_weight((2,), shape=(2,))
    with pytest.raises(ArgumentTypeError, match="4 arguments by place"):
        layer.add_weight((2,), "ones", "float32", True)
    with pytest.raises(ArgumentError, match="each axis of a weight is known"):
        layer.add_weight(shape=(None, 2))
    with pytest.raises(ShapeError, match=r"made one of shape \(3,\)"):
        layer.add_weight(shape=(2,), initializer=lambda shape: torch.ones(3))


def test_a_model_makes_weights_of_its_own() -> None:
    class Tempered(Model):
        def __init__(self) -> None:
            super().__init__()
            self.dense = Dense(1, input_shape=(4,))
            self.heat = self.add_weight(shape=(), initializer="ones")

        def call(self, inputs: Tensor) -> Tensor:
            out: Tensor = self.dense(inputs) * self.heat
            return out

    model = Tempered()
    model.compile("sgd", "mse")
    model.fit(X, X.sum(1), verbose=0)
    assert model.heat.item() != 1
    assert len(model.get_weights()) == 3


# --- what they answer --------------------------------------------------------------------------


def test_a_weight_is_assigned_and_read() -> None:
    weight = Dense(2, input_shape=(2,)).add_weight("w", (2,), "ones")
    assert weight.assign([1, 2]) is weight
    assert weight.assign_add(1).tolist() == [2, 3]
    assert weight.assign_sub(np.array([1.0, 2.0])).tolist() == [1, 1]
    assert weight.value.tolist() == [1, 1]
    array = weight.numpy()
    weight.assign([5, 5])
    assert array.tolist() == [1, 1]
    with pytest.raises(ShapeError, match=r"weight 'w' has shape \(2,\)"):
        weight.assign([1, 2, 3])


def trained() -> Sequential:
    model = Sequential([Input((4,)), Dense(3), BatchNormalization(), Counts(), Scale()])
    model.compile("adam", "mse")
    model.fit(X, X[:, :3], batch_size=2, verbose=0)
    return model


def loaded(model: Sequential, **options: Any) -> Sequential:
    model.load_state_dict(deepcopy(model).state_dict(), **options)
    return model


AFTERWARDS: dict[str, Callable[[Sequential], Sequential]] = {
    "a copy": deepcopy,
    "a pickle": lambda model: pickle.loads(pickle.dumps(model)),
    "another type": lambda model: model.double().float(),
    "another device and back": lambda model: deepcopy(model).to("meta").to_empty(device="cpu"),
    "loading": lambda model: loaded(model),
    "taking over": lambda model: loaded(model, assign=True),
}


@pytest.mark.parametrize("how", AFTERWARDS)
def test_weights_stay_weights_after(how: str) -> None:
    model = trained()
    after = AFTERWARDS[how](model)
    held = [*after.parameters(), *after.buffers()]
    assert all(isinstance(weight, Weight) for weight in held)
    assert len(held) == 8
    assert [p.requires_grad for p in after.parameters()] == [True] * 5
    if how != "another device and back":
        assert after.layers[2].calls.item() == 4
        for one, other in zip(
            model.state_dict().values(), after.state_dict().values(), strict=True
        ):
            assert torch.equal(one, other)


def test_a_counter_in_a_layer_counts_batches_and_not_looks_at_shapes() -> None:
    assert trained().layers[2].calls.item() == 4


def test_a_variable_of_the_backend_is_a_weight() -> None:
    rate = backend.variable(0.5, name="rate")
    assert isinstance(rate, Weight)
    assert backend.get_value(rate) == 0.5
    backend.set_value(rate, 0.25)
    assert rate.numpy() == 0.25
    layer = Layer()
    layer.rate = rate
    assert layer.get_weights() == [0.25]
    assert not list(layer.parameters())
