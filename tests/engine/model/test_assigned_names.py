"""Names that are set on models and layers act, or are refused."""

import inspect
from typing import Any

import keras
import numpy as np
import pytest
import torch
from torch import nn

from onfit import Model, Sequential
from onfit.assigning import KERAS_NAMES
from onfit.errors import ArgumentError, OnfitError
from onfit.layers import Dense, Layer

X = np.ones((8, 4), "float32")
# What may be set and changes no result, here as in `compile`; and torch's own.
FREE = {
    *("run_eagerly", "jit_compile", "steps_per_execution", "autocast"),
    *("train_function", "test_function", "predict_function"),
}


def stack() -> Sequential:
    model = Sequential([Dense(1, input_shape=(4,))])
    model.compile("sgd", "mse")
    return model


def names_of(kind: type) -> list[str]:
    """The names that Keras gives to what is no method."""
    return [
        name
        for name in dir(kind)
        if not name.startswith("_")
        and not inspect.isroutine(inspect.getattr_static(kind, name))
        and not hasattr(nn.Module, name)
        and name not in FREE
    ]


@pytest.mark.parametrize("name", sorted({*names_of(keras.Sequential), *KERAS_NAMES} - FREE))
def test_every_name_of_keras_models_acts_or_is_refused(name):
    model = stack()
    found = getattr(type(model), name, None)
    if not callable(found) and getattr(found, "fset", None) is None:
        with pytest.raises(OnfitError, match=name):
            setattr(model, name, 1)
        assert name not in vars(model)
    else:
        assert isinstance(found, property) or callable(found)


@pytest.mark.parametrize("name", sorted(names_of(keras.layers.Layer)))
def test_every_name_of_keras_layers_acts_or_is_refused(name):
    layer = stack().layers[0]
    found = getattr(type(layer), name, None)
    if found is None or (isinstance(found, property) and found.fset is None):
        with pytest.raises(OnfitError, match=name):
            setattr(layer, name, 1)


@pytest.mark.parametrize(
    ("name", "instead"),
    [
        ("learning_rate", r"model\.optimizer\.learning_rate"),
        ("lr", r"model\.optimizer\.lr"),
        ("metrics", "compile"),
        ("weights", "set_weights"),
        ("trainabel", "Did you mean 'trainable'"),
        ("optimiser", "Did you mean 'optimizer'"),
        ("stop_trainning", "Did you mean 'stop_training'"),
        ("loss_weight", "Did you mean 'loss_weights'"),
    ],
)
def test_a_name_that_is_nearly_right_is_told_what_to_write(name, instead):
    with pytest.raises(ArgumentError, match=instead):
        setattr(stack(), name, 1)


def test_attributes_of_ones_own_are_free():
    class Own(Model):
        def __init__(self) -> None:
            super().__init__()
            self.lr = 0.1
            self.learning_rate = 0.1
            self.path = "here"
            self.dtype = "float32"
            self.net = nn.Linear(4, 1)
            self.loss = nn.L1Loss()

        def forward(self, x: Any) -> Any:
            return self.net(x)

        def train_step(self, data: Any) -> Any:
            value = self.loss(self(data[0]), data[1])
            grads = torch.autograd.grad(value, self.trainable_weights)
            self.optimizer.apply(grads)
            return {"loss": value}

    class Mine(Layer):
        def __init__(self) -> None:
            super().__init__()
            self.supports_masking = True
            self.input_spec = None

    own = Own()
    own.compile("sgd")
    own.fit(X, X[:, :1], verbose=0)
    assert (own.lr, own.path, Mine().supports_masking) == (0.1, "here", True)
    model = stack()
    model.note = "kept"
    model.train_function = None
    model.run_eagerly = True
    assert model.note == "kept"


def test_a_module_that_is_set_where_a_property_is_goes_through_the_property():
    model = stack()
    model.loss = nn.L1Loss()
    assert isinstance(model.loss, nn.L1Loss)
    assert "loss" not in dict(model.named_children())
    model.optimizer = torch.optim.SGD(model.parameters(), lr=0.5)
    assert float(model.optimizer.learning_rate) == 0.5
