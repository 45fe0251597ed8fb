"""What the arguments of every layer do."""

import numpy as np
import pytest
import torch

from onfit import Sequential
from onfit.errors import ShapeError
from onfit.layers import GRU, LSTM, Conv1D, Dense, Embedding, Flatten


@pytest.mark.parametrize(
    ("layer", "shape"),
    [
        (lambda: Dense(2, input_shape=(3,)), (None, 3)),
        (lambda: Dense(2, input_dim=3), (None, 3)),
        (lambda: Dense(2, batch_input_shape=(8, 3)), (8, 3)),
        (lambda: Dense(2, batch_input_shape=(None, 3)), (None, 3)),
        (lambda: Dense(2, batch_shape=[8, 3]), (8, 3)),
        (lambda: Dense(2, input_shape=(3,), batch_size=8), (8, 3)),
        (lambda: LSTM(2, input_dim=3, input_length=5), (None, 5, 3)),
        (lambda: GRU(2, input_dim=3), (None, None, 3)),
        (lambda: Conv1D(2, 2, input_dim=3, input_length=5), (None, 5, 3)),
        (lambda: Embedding(9, 2, input_length=5), (None, 5)),
        (lambda: Embedding(9, 2, batch_input_shape=(8, 5)), (8, 5)),
    ],
)
def test_a_first_layer_says_the_shape_of_the_input(layer, shape):
    model = Sequential([layer()])
    assert model.input_shape == shape
    assert model.get_weights()


def test_a_model_of_a_fixed_batch_trains():
    model = Sequential([Dense(2, batch_input_shape=(8, 3))])
    model.compile("sgd", "mse")
    model.fit(np.ones((16, 3)), np.ones((16, 2)), batch_size=8, verbose=0)
    assert model.predict(np.ones((16, 3)), batch_size=8, verbose=0).shape == (16, 2)


def test_first_weights_are_those_that_were_given():
    kernel, bias = np.arange(6.0).reshape(3, 2), np.ones(2)
    layer = Dense(2, weights=[kernel, bias], input_shape=(3,))
    model = Sequential([layer])
    np.testing.assert_array_equal(model.get_weights()[0], kernel)
    np.testing.assert_array_equal(model.get_weights()[1], bias)
    table = np.ones((4, 2))
    np.testing.assert_array_equal(Embedding(4, 2, weights=[table]).get_weights()[0], table)


def test_first_weights_of_other_shapes_are_an_error():
    with pytest.raises(ShapeError, match=r"\(3, 2\)"):
        Sequential([Dense(2, weights=[np.ones((2, 2)), np.ones(2)], input_shape=(3,))])


def test_a_seed_drops_the_same_features_in_layers_made_alike():
    x = torch.ones(2, 5, 8)

    def out(seed):
        torch.manual_seed(0)
        layer = LSTM(3, dropout=0.5, recurrent_dropout=0.5, seed=seed).train()
        layer.ensure_built(x.shape)
        torch.manual_seed(torch.seed())  # the global generator has no say
        return layer(x)

    torch.testing.assert_close(out(1), out(1))
    assert not torch.equal(out(1), out(2))


def test_channels_come_last_before_they_are_flattened():
    x = torch.arange(12.0).reshape(1, 2, 3, 2)
    first = Flatten(data_format="channels_first")
    torch.testing.assert_close(first(x.movedim(-1, 1)), Flatten()(x))
