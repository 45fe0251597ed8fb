"""Models and layers as text."""

import copy
from typing import Any

import pytest
import torch
from torch import nn

from onfit.layers import (
    BatchNormalization,
    Conv2D,
    Dense,
    Dropout,
    Flatten,
    Input,
    Lambda,
    Layer,
    MaxPooling2D,
)
from onfit.models import Model, Sequential


def stack() -> Sequential:
    return Sequential([Dense(30, activation="relu", input_dim=40), Dropout(0.5), Dense(1)])


def functional() -> Model:
    x = Input((4,))
    return Model(x, Dense(1)(Dense(3, "tanh")(x)))


class Mine(Model):
    def __init__(self) -> None:
        super().__init__(name="own")
        self.dense = Dense(3)
        self.inner = functional()

    def call(self, x: Any) -> Any:
        return self.dense(x)


def test_a_stack_is_a_line():
    model = stack()
    assert repr(model) == "<Sequential name=sequential, built=True, layers=3, params=1,261>"
    assert repr([model]) == f"[{model!r}]"


def test_an_unbuilt_model_does_not_know_its_size():
    assert repr(Sequential([Dense(3)])) == "<Sequential name=sequential, built=False, layers=1>"
    assert repr(Sequential(name="empty")) == "<Sequential name=empty, built=False, layers=0>"


def test_a_graph_and_a_subclass_are_lines_too():
    assert repr(functional()) == "<Functional name=functional, built=True, layers=3, params=19>"
    assert repr(Mine()) == "<Mine name=own, built=False, layers=2>"


def test_print_shows_the_line_and_torchs_tree(capsys):
    print(stack())  # noqa: T201
    assert capsys.readouterr().out == (
        "<Sequential name=sequential, built=True, layers=3, params=1,261>\n"
        "Sequential(\n"
        "  (dense): Dense(units=30, activation=relu)\n"
        "  (dropout): Dropout(rate=0.5)\n"
        "  (dense_1): Dense(units=1)\n"
        ")\n"
    )


def test_the_tree_has_the_insides_of_inner_models():
    assert str(Mine()).splitlines()[1:] == [
        "Mine(",
        "  (dense): Dense(units=3)",
        "  (inner): Functional(",
        "    (dense): Dense(units=3, activation=tanh)",
        "    (dense_1): Dense(units=1)",
        "  )",
        ")",
    ]


@pytest.mark.parametrize("shown", [repr, str])
def test_a_wrapped_net_shows_its_own_tree(shown):
    net = nn.Sequential(nn.Linear(3, 2), nn.ReLU(), nn.BatchNorm1d(2))
    line, tree = shown(Model(net)).split("\n", 1)
    assert line == "<Model(Sequential) name=sequential, built=True, layers=3, params=17>"
    assert tree == repr(net)


def test_a_lazy_net_is_shown_before_its_first_input():
    assert repr(Model(nn.LazyLinear(2))).startswith("<Model(LazyLinear) name=lazylinear, built=Fal")


def test_a_model_in_a_net_of_torch_is_a_line_there():
    inner = functional()
    assert f"(0): {inner!r}" in repr(nn.Sequential(inner, nn.ReLU()))


def test_a_model_that_is_being_made_can_be_shown():
    assert repr(Mine.__new__(Mine)).startswith("<")


def test_to_show_a_model_changes_nothing_in_it():
    model = stack()
    before = copy.deepcopy(model.state_dict())
    str(model)
    assert all(torch.equal(before[name], value) for name, value in model.state_dict().items())


@pytest.mark.parametrize(
    ("layer", "text"),
    [
        (Dense(4), "Dense(units=4)"),
        (Dense(4, use_bias=False, activation=torch.tanh), "Dense(units=4, activation=tanh, use_bi"),
        (Conv2D(8, 3, padding="same"), "Conv2D(filters=8, kernel_size=(3, 3), padding='same')"),
        (MaxPooling2D((2, 3)), "MaxPooling2D(pool_size=(2, 3), strides=(2, 3))"),
        (BatchNormalization(momentum=0.9), "BatchNormalization(momentum=0.9)"),
        (Flatten(), "Flatten()"),
        (Lambda(abs), "Lambda(function=abs)"),
        (Dense(2, trainable=False), "Dense(units=2)"),
    ],
    ids=repr,
)
def test_a_layer_shows_the_arguments_that_are_not_the_defaults(layer, text):
    assert repr(layer).startswith(text)


def test_a_layer_of_a_user_is_shown_by_its_arguments():
    class Scaled(Layer):
        def __init__(self, factor: float, offset: Any = None, **options: Any) -> None:
            super().__init__(**options)
            self.factor, self.offset = factor, offset

    assert repr(Scaled(2.0)) == "Scaled(factor=2.0)"
    assert repr(Scaled(2.0, offset=1, name="s")) == "Scaled(factor=2.0, offset=1)"
    assert repr(Scaled(2.0, offset=torch.zeros(3))) == "Scaled(factor=2.0)"
    assert repr(Scaled(2.0, offset=([1], 2))) == "Scaled(factor=2.0, offset=([1], 2))"
    assert repr(Scaled(2.0, offset=())) == "Scaled(factor=2.0, offset=())"
