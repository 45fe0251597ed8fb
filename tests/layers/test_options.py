"""Options of layers that are set after the layer was made."""

import numpy as np
import pytest
import torch
from torch import nn

from onfit import Sequential, activations, constraints, initializers, regularizers
from onfit.errors import ArgumentError, OnfitError
from onfit.layers import (
    LSTM,
    Activation,
    BatchNormalization,
    Dense,
    Embedding,
    Layer,
    SeparableConv2D,
)

X = np.random.default_rng(0).normal(size=(8, 3)).astype("float32")


def test_none_takes_the_activation_off():
    model = Sequential([Dense(2, activation="softmax", input_dim=3)])
    model.layers[-1].activation = None
    kernel, bias = model.get_weights()
    assert np.allclose(model.predict(X, verbose=0), X @ kernel + bias, atol=1e-6)
    assert model.layers[-1].get_config()["activation"] is activations.linear


@pytest.mark.parametrize(
    ("layer", "name", "value", "expected"),
    [
        (Dense(2), "activation", "tanh", "tanh"),
        (Activation("relu"), "activation", "tanh", "tanh"),
        (LSTM(2), "recurrent_activation", "relu", "relu"),
    ],
    ids=repr,
)
def test_an_activation_may_be_set_by_its_name(layer, name, value, expected):
    setattr(layer, name, value)
    assert getattr(layer, name) is getattr(activations, expected)


@pytest.mark.parametrize(
    ("layer", "name", "value", "kind"),
    [
        (Dense(2), "kernel_regularizer", "l2", regularizers.L2),
        (Dense(2), "activity_regularizer", "l1", regularizers.L1),
        (Dense(2), "kernel_constraint", "non_neg", constraints.NonNeg),
        (Dense(2), "bias_initializer", "ones", initializers.Ones),
        (BatchNormalization(), "gamma_regularizer", "l2", regularizers.L2),
        (Embedding(3, 2), "embeddings_constraint", "unit_norm", constraints.UnitNorm),
        (SeparableConv2D(2, 2), "pointwise_regularizer", "l1", regularizers.L1),
    ],
    ids=repr,
)
def test_other_options_may_be_set_by_their_names(layer, name, value, kind):
    setattr(layer, name, value)
    assert isinstance(getattr(layer, name), kind)


def test_an_unknown_name_is_an_error_when_it_is_set():
    with pytest.raises(ArgumentError, match="Did you mean 'tanh'"):
        Dense(2).activation = "tahn"


def test_what_is_set_is_in_the_next_training():
    model = Sequential([Dense(2, input_dim=3)])
    model.compile("sgd", "mse")
    model.layers[0].kernel_constraint = "non_neg"
    model.fit(X, X[:, :2], verbose=0)
    assert (model.get_weights()[0] >= 0).all()


def test_an_option_that_only_a_users_class_has_stays_as_it_was_set():
    class Mine(Layer):
        def __init__(self, my_activation=None):
            super().__init__()
            self.my_activation = my_activation
            self.activation = "relu"

    layer = Mine("tanh")
    assert (layer.my_activation, layer.activation) == ("tanh", "relu")


@pytest.mark.parametrize("name", ["call", "forward"])
@pytest.mark.parametrize("makes", [lambda: Sequential([Dense(2, input_dim=3)])])
def test_a_computation_set_on_one_layer_or_model_is_the_one_that_is_called(name, makes):
    model = makes()
    model.compile("sgd", "mse")
    for owner in (model.layers[0], model):
        setattr(owner, name, lambda x: torch.full((len(x), 2), 7.0))
        assert (model.predict(X, verbose=0) == 7).all()
        assert model.evaluate(X, np.full((8, 2), 7.0), verbose=0) == 0


def test_a_torch_module_may_be_an_activation_that_is_set_later():
    layer = Dense(2, input_dim=3)
    layer.activation = nn.ReLU()
    assert (layer(torch.randn(4, 3)) >= 0).all()


@pytest.mark.parametrize("value", [np.ones((3, 2)), torch.ones(3, 2), [[1, 1]] * 3], ids=type)
def test_numbers_that_are_assigned_to_a_weight_become_its_values(value):
    layer = Sequential([Dense(2, input_dim=3)]).layers[0]
    kernel = layer.kernel
    layer.kernel = value
    assert layer.kernel is kernel
    assert (layer.get_weights()[0] == 1).all()


def test_numbers_that_are_assigned_to_running_statistics_become_their_values():
    layer = Sequential([BatchNormalization(input_dim=3)]).layers[0]
    mean = layer.moving_mean
    layer.moving_mean = np.ones(3)
    assert layer.moving_mean is mean
    assert (layer.get_weights()[2] == 1).all()


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ("zeros", "takes numbers"),
        (None, "None is none"),
        (torch.ones(3, 2, requires_grad=True) * 2, "computed from others"),
        (np.ones((2, 3)), r"has shape \(3, 2\)"),
        (object(), "takes numbers"),
    ],
    ids=["text", "None", "computed", "another shape", "object"],
)
def test_what_cannot_be_the_values_of_a_weight_is_refused(value, words):
    layer = Sequential([Dense(2, input_dim=3)]).layers[0]
    before = layer.get_weights()
    with pytest.raises(OnfitError, match=words):
        layer.kernel = value
    for was, now in zip(before, layer.get_weights(), strict=True):
        np.testing.assert_array_equal(was, now)
