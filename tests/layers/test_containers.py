"""Layers in lists and dicts of a user's class are its parts."""

import copy
from collections import OrderedDict, defaultdict
from typing import Any, NamedTuple

import numpy as np
import pytest
import torch
from torch import nn

from onfit import Model
from onfit.errors import ArgumentTypeError
from onfit.layers import Dense, Input, Layer

X = np.random.default_rng(0).normal(size=(16, 4)).astype("float32")


class Tower(Model):
    """Holds layers in every way in which a user may hold them."""

    def __init__(self) -> None:
        super().__init__()
        self.labels = ["a", "b"]
        self.floors: list[Any] = []
        self.roof = Dense(1, name="roof")
        for _ in range(2):
            self.floors.append(Dense(3))
        self.rooms = {"left": Dense(2), "right": [Dense(2), nn.Linear(2, 2)]}
        self.pair = (None, Dense(2))

    def call(self, x: Any) -> Any:
        for floor in self.floors:
            x = floor(x)
        right, last = self.rooms["right"]
        return self.roof(self.pair[1](self.rooms["left"](x) + last(right(x))))


def test_layers_in_lists_and_dicts_of_any_class_are_parts() -> None:
    class Pair(NamedTuple):
        left: Any
        right: Any

    class Held(Layer):
        def __init__(self) -> None:
            super().__init__()
            self.pair = Pair(Dense(1, input_dim=2), None)
            self.named = OrderedDict(one=Dense(1), two=[Pair(Dense(1), Dense(1))])
            self.found = defaultdict(list, three=[Dense(1)])

    assert len([part for part in Held().modules() if isinstance(part, Dense)]) == 5


def test_a_set_of_layers_is_refused_since_it_has_no_order() -> None:
    class Held(Layer):
        def __init__(self) -> None:
            super().__init__()
            self.words = {"a", "b"}
            self.parts = {Dense(1), Dense(2)}

    with pytest.raises(ArgumentTypeError, match="Keep them in a list"):
        Held()


def test_layers_in_lists_and_dicts_train_and_are_saved(tmp_path: Any) -> None:
    model = Tower()
    model.compile("sgd", "mse")
    model.fit(X, X[:, :1], verbose=0)
    names = [name for name, _ in model.named_weights()]
    assert len(names) == len(model.trainable_weights) == 14
    assert names[0] == "floors.0.kernel"
    assert names[-1] == "pair.1.bias"
    model.save_weights(tmp_path / "a.weights.h5")
    twin = Tower()
    twin.build((None, 4))
    twin.load_weights(tmp_path / "a.weights.h5")
    assert np.array_equal(twin.predict(X, verbose=0), model.predict(X, verbose=0))


def test_the_layers_of_a_model_are_listed_in_the_order_of_its_attributes() -> None:
    model = Tower()
    left, right, linear = model.rooms["left"], *model.rooms["right"]
    assert model.layers == [*model.floors, model.roof, left, right, linear, model.pair[1]]


def test_the_attributes_stay_what_they_are() -> None:
    floors = [Dense(2)]
    model = Model()
    model.floors = floors
    assert model.floors is floors
    assert next(iter(model.children()))._modules == {"0": floors[0]}


def test_a_list_may_be_replaced_emptied_or_deleted() -> None:
    model = Tower()
    model.floors = [Dense(2)]
    assert len(model.layers) == 6
    model.floors.clear()
    assert len(model.layers) == 5
    del model.rooms
    assert len(model.layers) == 2


def test_layers_within_a_layer_may_be_in_a_list() -> None:
    class Block(Layer):
        def __init__(self) -> None:
            super().__init__()
            self.steps = [Dense(3), Dense(3)]

        def call(self, x: Any) -> Any:
            for step in self.steps:
                x = step(x)
            return x

    block = Block()
    block(torch.zeros(2, 4))
    assert len(block.get_weights()) == 4
    block.trainable = False
    assert not any(param.requires_grad for param in block.steps[0].parameters())


def test_a_copy_has_copies_of_the_layers_in_its_lists() -> None:
    model = Tower()
    model(X)
    twin = copy.deepcopy(model)
    assert twin.floors[0] is twin.layers[0]
    assert twin.floors[0] is not model.floors[0]
    assert np.array_equal(twin(X).detach(), model(X).detach())


@pytest.mark.parametrize("long", [[1.0] * 1000, {str(i): i for i in range(1000)}])
def test_long_data_are_no_layers(long: Any) -> None:
    model = Tower()
    model.data = long
    assert len(model.layers) == 7


def test_a_layer_with_built_layers_in_a_list_becomes_a_part_of_a_graph():
    class Tower(Layer):
        def __init__(self):
            super().__init__()
            self.floors = [Dense(4), Dense(2)]

        def build(self, input_shape):
            for floor in self.floors:
                floor.ensure_built(input_shape)
                input_shape = (*input_shape[:-1], floor.units)

        def call(self, x):
            for floor in self.floors:
                x = floor(x)
            return x

    x = Input((3,))
    tower = Tower()
    assert tower(x).shape == (None, 2)
    assert [tuple(weight.shape) for weight in tower.weights] == [(3, 4), (4,), (4, 2), (2,)]
