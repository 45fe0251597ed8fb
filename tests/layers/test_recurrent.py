"""LSTM and GRU: kernel and loop agree, states go in and out, and what does not fit is named."""

from typing import Any

import pytest
import torch

from onfit.errors import ShapeError
from onfit.layers import GRU, LSTM, Input
from onfit.layers.recurrent import through

X = torch.rand(5, 7, 3)
KINDS: Any = pytest.mark.parametrize("kind", [LSTM, GRU])


@KINDS
@pytest.mark.parametrize("options", [{}, {"use_bias": False}, {"go_backwards": True}])
def test_the_loop_computes_what_the_kernel_does(kind: Any, options: dict[str, Any]) -> None:
    layer = kind(4, bias_initializer="normal", return_sequences=True, return_state=True, **options)
    fast = layer(X)
    layer._by_kernel = layer._by_loop
    for one, other in zip(layer(X), fast, strict=True):
        torch.testing.assert_close(one, other)


@KINDS
def test_what_the_kernel_cannot_is_done_by_the_loop(kind: Any) -> None:
    def not_called(*_: Any) -> Any:
        raise AssertionError

    layer = kind(4, activation="relu")
    layer._by_kernel = not_called
    layer(X)
    layer = kind(4, recurrent_dropout=0.5)
    layer._by_kernel = not_called
    layer.train()(X)
    with pytest.raises(AssertionError):
        layer.eval()(X)


@KINDS
def test_the_last_output_is_the_last_of_the_sequence(kind: Any) -> None:
    layer = kind(4, return_state=True)
    last, *states = layer(X)
    layer.return_sequences = True
    every, *_ = layer(X)
    assert torch.equal(every[:, -1], last)
    assert torch.equal(states[0], last)
    assert len(states) == layer.states


@KINDS
def test_a_sequence_may_be_walked_in_two_parts(kind: Any) -> None:
    layer = kind(4, return_state=True)
    whole, *_ = layer(X)
    _, *states = layer(X[:, :3])
    rest, *_ = layer(X[:, 3:], initial_state=states)
    torch.testing.assert_close(rest, whole)


def test_one_state_need_not_be_in_a_list() -> None:
    layer = GRU(4)
    start = torch.rand(5, 4)
    assert torch.equal(layer(X, initial_state=start), layer(X, initial_state=[start]))


@KINDS
def test_going_backwards_is_walking_the_reversed_sequence(kind: Any) -> None:
    layer = kind(4, return_sequences=True)
    turned = layer(X.flip(1))
    layer.go_backwards = True
    assert torch.equal(layer(X), turned)


def test_an_lstm_begins_by_remembering() -> None:
    layer = LSTM(2, bias_initializer="normal")
    layer(X)
    assert layer.bias is not None
    assert layer.bias[2:4].tolist() == [1.0, 1.0]
    assert 1.0 not in layer.bias[:2].tolist() + layer.bias[4:].tolist()
    plain = LSTM(2, unit_forget_bias=False)
    plain(X)
    assert plain.bias is not None
    assert not plain.bias.any()


@pytest.mark.parametrize(("reset_after", "shape"), [(True, (2, 12)), (False, (12,))])
def test_a_gru_has_keras_biases(reset_after: bool, shape: tuple[int, ...]) -> None:
    layer = GRU(4, reset_after=reset_after)
    layer(X)
    assert [tuple(w.shape) for w in layer.weights] == [(3, 12), (4, 12), shape]


def test_an_lstm_has_one_bias() -> None:
    layer = LSTM(4)
    layer(X)
    assert [tuple(w.shape) for w in layer.weights] == [(3, 16), (4, 16), (16,)]


@KINDS
def test_the_kernels_lie_in_memory_as_torch_reads_them(kind: Any) -> None:
    layer = kind(4)
    layer(X)
    assert layer.kernel.T.is_contiguous()
    assert layer.recurrent_kernel.T.is_contiguous()


@KINDS
@pytest.mark.parametrize("which", ["dropout", "recurrent_dropout"])
def test_dropout_acts_in_training_alone(kind: Any, which: str) -> None:
    layer = kind(4, **{which: 0.5})
    layer.train()
    torch.manual_seed(0)
    assert not torch.equal(layer(X), layer(X))
    layer.eval()
    assert torch.equal(layer(X), layer(X))


def test_the_same_features_are_dropped_at_every_step() -> None:
    layer = LSTM(4, dropout=0.5)
    layer(X)
    seen = []
    layer._walked = lambda x, states: seen.append(x) or (x, states)
    layer.train()(torch.ones(64, 7, 3))
    assert set(seen[0].unique().tolist()) == {0.0, 2.0}
    assert torch.equal(seen[0], seen[0][:, :1].expand(-1, 7, -1))
    assert not torch.equal(seen[0], seen[0][:1].expand(64, -1, -1))


@KINDS
def test_copies_in_one_piece_are_equal_and_behind_each_other(kind: Any) -> None:
    weights = [torch.rand(3, 4).T, torch.rand(4, 4), torch.rand(4), torch.rand(4)]

    class OnGPU:
        is_cuda = True

    _, _, pieces, has_bias, *_ = through(lambda *given: given, OnGPU(), [], weights)
    assert has_bias
    starts = [piece.storage_offset() for piece in pieces]
    assert starts == [0, 12, 28, 32]
    assert all(
        torch.equal(a, b) and a.is_contiguous() for a, b in zip(pieces, weights, strict=True)
    )


@KINDS
def test_shapes_are_found_without_walking(kind: Any) -> None:
    x = Input((None, 3))
    assert kind(4)(x).shape == (None, 4)
    assert kind(4, return_sequences=True)(x).shape == (None, None, 4)
    outputs = kind(4, return_state=True, return_sequences=True)(Input((7, 3)))
    assert [y.shape for y in outputs][:2] == [(None, 7, 4), (None, 4)]


def test_the_penalty_on_the_recurrent_kernel_has_keras_name() -> None:
    layer = LSTM(4, recurrent_regularizer="l2")
    assert layer.recurrent_regularizer is layer.recurrent_kernel_regularizer
    layer.recurrent_regularizer = "l1"
    assert layer.recurrent_kernel_regularizer.l1 == 0.01


def test_wrong_inputs_are_errors_that_name_the_layer() -> None:
    layer = LSTM(4, name="memory")
    with pytest.raises(
        ShapeError, match=r"'memory' \(LSTM\) expected .*\(batch, steps, features\)"
    ):
        layer(torch.rand(5, 3))
    layer(X)
    with pytest.raises(ShapeError, match=r"for 3 features \(axis -1\); got .*\(5, 7, 2\)"):
        layer(torch.rand(5, 7, 2))
    with pytest.raises(ShapeError, match=r"2 states of shape \(batch, 4\); got .*\[\(5, 4\)\]"):
        layer(X, initial_state=torch.rand(5, 4))
