"""Layers and models that are called with what they cannot take say so, and say what they take."""

import numpy as np
import pytest
import torch

from onfit import Input, Model, Sequential
from onfit.errors import ArgumentTypeError, DataError, OnfitError
from onfit.layers import Dense, Dropout, Layer

X = np.ones((4, 3), "float32")


def functional():
    x = Input((3,))
    return Model(x, Dense(2)(x))


MAKERS = {
    "a layer": lambda: Dense(2),
    "a Sequential": lambda: Sequential([Dense(2, input_dim=3), Dropout(0.5)]),
    "a functional model": functional,
}


@pytest.mark.parametrize("makes", MAKERS.values(), ids=MAKERS)
@pytest.mark.parametrize("given", ["a", 3.0, None, [], {}, object(), [X, "a"], {"x": None}])
def test_what_is_no_tensor_is_named(makes, given):
    with pytest.raises(ArgumentTypeError, match=r"was called with .* Pass a tensor or an array"):
        makes()(given)


@pytest.mark.parametrize("makes", MAKERS.values(), ids=MAKERS)
@pytest.mark.parametrize("given", [np.array(["a", "b"]), np.array([None, 1])], ids=["text", "any"])
def test_an_array_of_something_else_than_numbers_is_named(makes, given):
    with pytest.raises(DataError, match="it takes numbers"):
        makes()(given)


@pytest.mark.parametrize("makes", MAKERS.values(), ids=MAKERS)
def test_lists_of_several_lengths_are_no_array(makes):
    with pytest.raises(OnfitError, match="several lengths"):
        makes()([[1.0, 2.0], [3.0]])


@pytest.mark.parametrize("makes", MAKERS.values(), ids=MAKERS)
def test_a_call_with_other_arguments_says_which_there_are(makes):
    for call in (lambda m: m(), lambda m: m(X, X), lambda m: m(X, zzz=1)):
        with pytest.raises(ArgumentTypeError, match="It takes x"):
            call(makes())
    with pytest.raises(ArgumentTypeError, match="Did you mean 'training'"):
        makes()(X, trainig=True)


@pytest.mark.parametrize("makes", MAKERS.values(), ids=MAKERS)
def test_the_mode_is_true_or_false(makes):
    with pytest.raises(ArgumentTypeError, match="training='yes'"):
        makes()(X, training="yes")
    assert makes()(X, training=np.True_).shape == (4, 2)


def test_numbers_of_numpy_and_tables_are_taken():
    class Table:
        def to_numpy(self):
            return X

    layer = Dense(2)
    assert torch.equal(layer(Table()), layer(X))


def test_a_users_computation_takes_what_it_likes():
    class Scaled(Layer):
        def call(self, x, by, words="none"):
            assert words in ("none", "some")
            return x * by

    assert torch.equal(Scaled()(X, 2.0, words="some"), torch.full((4, 3), 2.0))
    with pytest.raises(ArgumentTypeError, match="It takes x, by, words"):
        Scaled()(X)


def test_an_error_of_a_users_computation_stays_what_it_is():
    class Wrong(Layer):
        def call(self, x):
            return x + "a"

    with pytest.raises(TypeError) as caught:
        Wrong()(X)
    assert not isinstance(caught.value, OnfitError)


def test_a_symbol_that_a_layer_was_not_called_on_is_named():
    x = Input((3,))
    other = Dense(3)(x)

    class Distance(Layer):
        def call(self, given):
            return given - other

    with pytest.raises(DataError, match=r"Distance .* it was not called on.* layer\(\[x, symbol"):
        Distance()(x)
    assert (x + other * torch.ones(3)).shape == (None, 3)  # outside of a call both may meet


@pytest.mark.parametrize("makes", MAKERS.values(), ids=MAKERS)
@pytest.mark.parametrize(
    ("name", "instead"),
    [("export", "torch.export"), ("quantize", "torch.ao")],
)
def test_what_keras_has_and_onfit_has_not_says_what_to_write(makes, name, instead):
    made = makes()
    with pytest.raises(AttributeError, match=rf"has no {name}\. Write .*{instead}"):
        getattr(made, name)
