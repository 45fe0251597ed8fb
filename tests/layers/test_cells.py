"""Cells, those of users among them, and the layer that walks with them."""

from typing import Any

import numpy as np
import pytest
import torch

import onfit
from onfit import layers, ops
from onfit.errors import ArgumentError, ArgumentTypeError, ShapeError
from onfit.layers import GRU, LSTM, RNN, GRUCell, LSTMCell, SimpleRNN, SimpleRNNCell

X = torch.randn(3, 6, 4)


class Own(layers.Layer):
    """As in Keras' own documents: it says nothing of how it begins, and its state is a number."""

    def __init__(self, units: int, **layer: Any) -> None:
        super().__init__(**layer)
        self.state_size = self.units = units

    def build(self, input_shape: Any) -> None:
        self.kernel = self.add_weight(shape=(input_shape[-1], self.units), name="kernel")

    def call(self, inputs: Any, states: Any) -> Any:
        output = ops.matmul(inputs, self.kernel) + 0.5 * states[0]
        return output, [output]

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "units": self.units}


@pytest.mark.parametrize(
    ("cell", "layer"), [(LSTMCell, LSTM), (GRUCell, GRU), (SimpleRNNCell, SimpleRNN)]
)
@pytest.mark.parametrize("options", [{}, {"return_sequences": True, "go_backwards": True}])
def test_a_walk_with_a_cell_is_the_layer_of_its_kind(cell: Any, layer: Any, options: Any) -> None:
    walk, same = RNN(cell(5), **options), layer(5, **options)
    walk(X), same(X)
    walk.set_weights(same.get_weights())
    torch.testing.assert_close(walk(X), same(X))


def test_a_cell_of_the_users_own_goes_along() -> None:
    walk = RNN(Own(2), return_sequences=True)
    outputs = walk(X)
    step = X[:, 0] @ walk.cell.kernel
    torch.testing.assert_close(outputs[:, 0], step)
    torch.testing.assert_close(outputs[:, 1], X[:, 1] @ walk.cell.kernel + 0.5 * step)
    assert RNN([Own(2), Own(3)])(X).shape == (3, 3)
    assert layers.Bidirectional(RNN(Own(2)))(X).shape == (3, 4)


def test_a_walk_begins_with_the_states_that_it_is_given() -> None:
    walk = RNN(LSTMCell(2), return_state=True)
    _, *states = walk(X[:, :3])
    output, *_ = walk(X[:, 3:], initial_state=states)
    torch.testing.assert_close(output, walk(X)[0])


def test_what_is_dropped_is_the_same_at_each_step_and_another_in_each_batch() -> None:
    cell = SimpleRNNCell(64, activation=None, dropout=0.5, recurrent_initializer="zeros", seed=3)
    walk = RNN(cell, return_sequences=True)
    x = torch.ones(1, 4, 64)
    first, second = walk(x, training=True), walk(x, training=True)
    for outputs in (first, second):
        torch.testing.assert_close(outputs, outputs[:, :1].expand(-1, 4, -1))
    assert not torch.equal(first, second)
    assert not torch.equal(first, walk(x, training=False))


def test_what_is_dropped_by_a_cell_alone_stays_until_it_is_drawn_anew() -> None:
    cell = GRUCell(3, dropout=0.5, recurrent_dropout=0.5)
    x, states = torch.ones(2, 32), [torch.ones(2, 3)]
    first = cell(x, states, training=True)[0]
    assert torch.equal(first, cell(x, states, training=True)[0])
    cell.reset_dropout_mask()
    cell.reset_recurrent_dropout_mask()
    assert not torch.equal(first, cell(x, states, training=True)[0])


def test_a_model_with_cells_is_described_trained_and_kept(tmp_path: Any) -> None:
    model = onfit.Sequential(
        [layers.Masking(0.0, input_shape=(None, 4)), RNN([Own(2), LSTMCell(3)]), layers.Dense(1)]
    )
    assert model.output_shape == (None, 1)
    model.compile("adam", "mse")
    x, y = np.random.default_rng(0).normal(size=(20, 5, 4)).astype("float32"), np.ones((20, 1))
    before = model.evaluate(x, y, verbose=0)
    model.fit(x, y, epochs=3, verbose=0)
    assert model.evaluate(x, y, verbose=0) < before
    for name in ("model.keras", "model.h5"):
        model.save(tmp_path / name)
        again = onfit.load_model(tmp_path / name, custom_objects={"Own": Own})
        np.testing.assert_allclose(again.predict(x, verbose=0), model.predict(x, verbose=0))


@pytest.mark.parametrize(
    ("make", "error", "text"),
    [
        (lambda: RNN(layers.Dense(3)), ArgumentTypeError, "a cell is a layer with a state_size"),
        (lambda: RNN([LSTMCell(3), 3]), ArgumentTypeError, "a cell is a layer"),
        (lambda: RNN([]), ArgumentError, "a list with at least one cell"),
        (lambda: RNN(LSTMCell(3), stateful=True), ArgumentError, "Carry the state"),
        (lambda: layers.Bidirectional(LSTMCell(3)), ArgumentTypeError, "walks along"),
        (lambda: LSTMCell(3)(X, [X, X]), ShapeError, r"shape \(batch, features\)"),
        (lambda: LSTMCell(0), ArgumentError, "from 1 upwards"),
    ],
)
def test_what_is_no_cell_is_named(make: Any, error: Any, text: str) -> None:
    with pytest.raises(error, match=text):
        make()
