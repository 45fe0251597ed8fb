"""Subclasses of Model as Keras' guides write them; inputs, outputs and layers of every form."""

import copy
import pickle
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from onfit import Input, Model, Sequential
from onfit.errors import ArgumentError, ArgumentTypeError, NotConnectedError
from onfit.layers import Add, Dense, Dropout, InputLayer
from onfit.models import load_model

X = np.random.default_rng(0).normal(size=(24, 4)).astype("float32")
Y = X.sum(1, keepdims=True)


class Mine(Model):
    """A class that says what is special in training, and leaves the rest to its arguments."""

    def extra(self) -> int:
        return 7


class Scored(Model):
    """The same with arguments of its own."""

    def __init__(self, inputs: Any, outputs: Any, factor: float = 2.0) -> None:
        super().__init__(inputs, outputs)
        self.factor = factor

    def test_step(self, data: Any) -> Any:
        x, y = data
        return {"scored": self.factor * (self(x) - y).abs().mean()}


def graph() -> tuple[Any, Any]:
    x = Input((4,))
    return x, Dense(1)(Dense(3, "tanh")(x))


# --- a subclass called with inputs and outputs ---------------------------------------------


def test_a_subclass_of_inputs_and_outputs_is_functional() -> None:
    x, y = graph()
    for model in (Mine(x, y), Mine(inputs=x, outputs=y), Mine([x], [y], name="named")):
        model.compile("sgd", "mse")
        losses = model.fit(X, Y, epochs=3, verbose=0).history["loss"]
        assert losses[-1] < losses[0]
        assert isinstance(model, Mine)
        assert type(model).__name__ == "Mine"
        assert model.extra() == 7
        assert [type(layer).__name__ for layer in model.layers] == ["InputLayer", "Dense", "Dense"]


def test_a_subclass_may_pass_inputs_and_outputs_on() -> None:
    model = Scored(*graph(), factor=3.0)
    model.compile("sgd", "mse")
    expected = 3.0 * np.abs(model.predict(X, verbose=0) - Y).mean()
    assert model.evaluate(X, Y, verbose=0) == pytest.approx(expected)


def test_a_subclass_may_make_its_graph_itself() -> None:
    class Own(Model):
        def __init__(self) -> None:
            super().__init__(*graph())
            self.factor = 5

    model = Own()
    assert model.output_shape == (None, 1)
    assert model.factor == 5
    assert model.name == "own"


def test_one_class_makes_models_of_either_form() -> None:
    class Either(Model):
        def __init__(self, *symbols: Any) -> None:
            super().__init__(*symbols)

    assert Either(*graph()).built
    assert Either().layers == []
    assert type(Either()) is Either


def test_a_call_of_ones_own_is_what_a_subclass_computes() -> None:
    class Negated(Model):
        def call(self, x: Any) -> Any:
            return -super().call(x)

    x, y = graph()
    assert torch.equal(Negated(x, y)(X), -Model(x, y)(X))


def test_a_subclass_around_a_torch_module_is_wrapped() -> None:
    net = nn.Linear(4, 1)
    model = Mine(net)
    assert model.extra() == 7
    assert list(model.state_dict()) == ["weight", "bias"]


def test_such_models_copy_and_pickle() -> None:
    model = Mine(*graph())
    for twin in (copy.deepcopy(model), pickle.loads(pickle.dumps(model))):
        assert isinstance(twin, Mine)
        assert np.array_equal(twin.predict(X, verbose=0), model.predict(X, verbose=0))
        assert twin.layers[1] is not model.layers[1]


def test_what_is_no_argument_of_a_model_is_an_error() -> None:
    with pytest.raises(ArgumentError, match=r"Mine\(input=\.\.\.\).*Did you mean 'inputs'"):
        Mine(input=Input((4,)))
    with pytest.raises(ArgumentTypeError, match="takes symbols"):
        Mine("name")


# --- layers by number ------------------------------------------------------------------------


def test_an_input_is_layer_number_0_of_a_functional_model() -> None:
    model = Model(*graph())
    first = model.layers[0]
    assert isinstance(first, InputLayer)
    assert first is model.get_layer(index=0) is model.get_layer("input")
    assert first.output is first.input is model.input
    assert first.get_weights() == []
    assert model.get_layer(index=1) is model.layers[1]
    assert Sequential([Input((4,)), Dense(1)]).layers[0].units == 1


def test_a_tap_has_the_same_input_layer() -> None:
    model = Model(*graph())
    assert Model(model.input, model.layers[1].output).layers[0] is model.layers[0]


def test_copies_and_files_have_the_same_layers(tmp_path: Any) -> None:
    a, b = Input((4,), name="a"), Input((4,), name="b")
    model = Model([a, b], Add(name="sum")([Dense(4, name="left")(a), b]))
    model.save(tmp_path / "a.keras")
    model.save(tmp_path / "a.h5")
    names = [layer.name for layer in model.layers]
    assert names == ["a", "left", "b", "sum"]
    twins = [copy.deepcopy(model), load_model(tmp_path / "a.keras"), load_model(tmp_path / "a.h5")]
    for twin in twins:
        assert [layer.name for layer in twin.layers] == names


def test_a_stack_may_begin_with_an_input_layer() -> None:
    for first in (InputLayer(shape=(4,)), InputLayer(input_shape=(4,)), InputLayer((4,))):
        model = Sequential([first, Dense(1)])
        assert model.built
        assert len(model.layers) == 1
    symbol = Input((4,), name="given")
    assert InputLayer(input_tensor=symbol).output is symbol
    with pytest.raises(ArgumentError, match="what Input"):
        InputLayer(input_tensor=X)


# --- inputs and outputs ----------------------------------------------------------------------


def test_a_stack_has_lists_of_its_one_input_and_output() -> None:
    model = Sequential([Dense(3, input_shape=(4,)), Dense(1)])
    assert model.inputs == [model.input]
    assert model.outputs == [model.output]
    part = Model(inputs=model.inputs, outputs=[model.layers[0].output, *model.outputs])
    assert [out.shape for out in part.predict(X, verbose=0)] == [(24, 3), (24, 1)]


def test_the_shapes_of_layers_and_models_are_those_of_their_symbols() -> None:
    a, b = Input((4,)), Input((3,))
    dense, add = Dense(3), Add()
    model = Model([a, b], add([dense(a), b]))
    assert (dense.input_shape, dense.output_shape) == ((None, 4), (None, 3))
    assert add.input_shape == [(None, 3), (None, 3)]
    assert model.input_shape == [(None, 4), (None, 3)]
    assert model.output_shape == (None, 3)


@pytest.mark.parametrize("name", ["input", "inputs", "output", "outputs"])
def test_what_is_not_there_yet_is_no_attribute_and_says_why(name: str) -> None:
    for owner in (Sequential([Dense(2)]), Model(nn.Linear(1, 1)), Dense(2), Mine()):
        assert not hasattr(owner, name)
        with pytest.raises(NotConnectedError, match=r"on symbols 0 times|wait for the shape"):
            getattr(owner, name)


def test_a_stack_that_trained_can_be_tapped_shortened_and_extended() -> None:
    model = Sequential([Dense(3), Dropout(0.1), Dense(1)])
    model.compile("sgd", "mse")
    model.fit(X, Y, verbose=0)
    assert Model(model.inputs, model.layers[0].output).predict(X, verbose=0).shape == (24, 3)
    last = model.layers[-1]
    assert model.pop() is last
    model.add(Dense(2))
    model.compile("sgd", "mse")
    model.fit(X, X[:, :2], verbose=0)
    assert model.output_shape == (None, 2)


def test_a_list_of_numbers_is_one_array_for_a_model_and_a_layer():
    model = Sequential([Dense(1, input_dim=4)])
    expected = model(X[:2])
    assert torch.equal(model(X[:2].tolist()), expected)
    assert torch.equal(model.layers[0](X[:2].tolist()), expected)
    assert model([[1, 2, 3, 4]]).shape == (1, 1)


def test_models_and_layers_tell_the_type_of_their_weights():
    model = Sequential([Dense(1, input_dim=4)])
    assert model.dtype == model.compute_dtype == model.layers[0].variable_dtype == "float32"
    assert Dense(1, dtype="float64").dtype == "float64"
    assert model.double().dtype == "float64"
