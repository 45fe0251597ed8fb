"""Models as configurations, and made again from them."""

import json

import numpy as np
import pytest
from torch import nn

from onfit.errors import ArgumentError
from onfit.layers import Dense, Input, add
from onfit.models import Model, Sequential


def functional() -> Model:
    begin = Input((4,))
    shared = Dense(4, activation="tanh", kernel_regularizer="l2")
    once = shared(begin)
    return Model(begin, [Dense(2, name="left")(add([once, shared(once)])), once])


def stack() -> Model:
    return Sequential([Dense(8, activation="relu", input_dim=4), Dense(2)])


@pytest.mark.parametrize("make", [functional, stack])
def test_a_model_is_made_again_from_its_configuration(make) -> None:
    model = make()
    again = type(model).from_config(json.loads(json.dumps(model.get_config())))
    again.set_weights(model.get_weights())
    x = np.random.default_rng(0).random((3, 4))
    for left, right in zip(model.predict(x, verbose=0), again.predict(x, verbose=0), strict=True):
        np.testing.assert_array_equal(left, right)


def test_what_only_code_can_make_has_no_configuration() -> None:
    model = Sequential([Dense(2, input_dim=2), nn.Linear(2, 2)])
    with pytest.raises(ArgumentError, match="a file cannot hold how to make one"):
        model.get_config()


def test_a_wrapped_module_has_no_configuration() -> None:
    with pytest.raises(ArgumentError, match=r"Model\(Linear\)\.get_config: only its own code"):
        Model(nn.Linear(2, 2)).get_config()
