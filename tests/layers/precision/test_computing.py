"""What goes in and out of a layer under a policy, and what stays float32."""

import copy
import pickle

import numpy as np
import pytest
import torch
from torch import nn

from onfit import Input, Sequential, mixed_precision
from onfit import layers as L

HALVES = [("mixed_bfloat16", torch.bfloat16), ("mixed_float16", torch.float16)]
EACH = pytest.mark.parametrize(("policy", "half"), HALVES, ids=["bfloat16", "float16"])
X = torch.linspace(-1, 1, 24).reshape(4, 6)


class Own(L.Layer):
    """A layer of a user's, with a torch module in it."""

    def build(self, input_shape):
        self.factor = self.add_weight("factor", (input_shape[-1],), "ones")
        self.inner = nn.Linear(input_shape[-1], 3)

    def call(self, x, training=False):
        self.seen = x.dtype
        return self.inner(x * self.factor)


class Precise(L.Layer):
    """A layer of a user's that means to give float32."""

    def call(self, x):
        return x.float().softmax(-1)


@EACH
def test_weights_and_gradients_are_float32_and_outputs_half(policy, half):
    layer = L.Dense(3, dtype=policy)
    out = layer(X)
    assert (out.dtype, layer.dtype, layer.compute_dtype) == (half, "float32", layer.compute_dtype)
    out.sum().backward()
    assert {(w.dtype, w.grad.dtype) for w in layer.parameters()} == {(torch.float32, torch.float32)}


@EACH
def test_a_layer_of_a_user_gets_halves_and_gives_what_it_likes(policy, half):
    own = Own(dtype=policy)
    assert own(X).dtype == half
    assert own.seen == half
    assert {weight.dtype for weight in own.parameters()} == {torch.float32}
    assert Precise(dtype=policy)(X).dtype == torch.float32


@EACH
def test_what_is_made_in_build_is_exact(policy, half):
    kernel = L.Dense(6, dtype=policy, kernel_initializer="orthogonal")
    kernel(X)
    torch.testing.assert_close(kernel.kernel @ kernel.kernel.T, torch.eye(6))


@EACH
def test_rows_of_an_embedding_are_not_rounded(policy, half):
    table = torch.zeros(4098, 1)
    table[4097] = 1
    layer = L.Embedding(4098, 1, dtype=policy, weights=[table.numpy()])
    assert layer(torch.tensor([[4097.0]])).dtype == half
    assert layer(torch.tensor([4097.0])).tolist() == [[1.0]]


@EACH
def test_integers_come_in_as_they_are(policy, half):
    seen = L.Lambda(lambda x: x, dtype=policy)
    assert seen(torch.ones(2, 3, dtype=torch.int64)).dtype == torch.int64


@EACH
def test_without_autocast_a_layer_computes_in_the_type_of_its_weights(policy, half):
    assert L.Dense(3, dtype=policy, autocast=False)(X).dtype == torch.float32
    assert L.Lambda(lambda x: x, dtype=policy, autocast=False)(X).dtype == torch.float32


@EACH
def test_what_a_function_gives_keeps_its_type(policy, half):
    assert L.Lambda(lambda x: x.float().softmax(-1), dtype=policy)(X).dtype == torch.float32


@EACH
def test_a_layer_of_one_type_computes_in_it_within_autocast(policy, half):
    exact, free = L.Dense(3, dtype="float32"), L.Dense(3)
    with torch.autocast("cpu", half):
        assert exact(X).dtype == torch.float32
        assert exact(X.to(half)).dtype == torch.float32
        assert free(X).dtype == half


@EACH
def test_a_penalty_on_the_output_is_summed_in_float32(policy, half):
    layer = L.Dense(3, dtype=policy, activity_regularizer="l2", kernel_regularizer="l2")
    layer(X * 300)
    assert {loss.dtype for loss in layer.losses} == {torch.float32}
    assert all(bool(loss.isfinite()) for loss in layer.losses)


@EACH
def test_statistics_of_a_normalization_are_float32(policy, half):
    for plain in (False, True):
        layer = L.BatchNormalization(dtype=policy, center=not plain, scale=not plain).train()
        exact = L.BatchNormalization(center=not plain, scale=not plain).train()
        assert layer(X.to(half)).dtype == half
        exact(X.to(half).float())
        for mine, its in zip(layer.weights, exact.weights, strict=True):
            assert mine.dtype == torch.float32
            torch.testing.assert_close(mine, its)


@EACH
@pytest.mark.parametrize("kind", [L.LSTM, L.GRU, L.SimpleRNN])
@pytest.mark.parametrize("more", [{}, {"recurrent_dropout": 0.5, "dropout": 0.5}], ids=["", "drop"])
def test_recurrent_layers_walk_in_halves_with_a_state_of_any_type(policy, half, kind, more):
    layer = kind(3, dtype=policy, return_state=True, **more).train()
    out, *states = layer(torch.ones(2, 4, 3))
    assert {each.dtype for each in (out, *states)} == {half}
    again, *_ = layer(torch.ones(2, 4, 3), initial_state=[state.float() for state in states])
    assert again.dtype == half


@EACH
def test_a_policy_is_set_at_any_time(policy, half):
    layer = L.Dense(3)
    assert layer(X).dtype == torch.float32
    layer.dtype_policy = policy
    assert layer(X).dtype == half
    layer.dtype_policy = "float64"
    assert (layer(X).dtype, layer.kernel.dtype) == (torch.float64, torch.float64)


@EACH
def test_a_policy_is_copied_pickled_and_described(policy, half):
    layer = L.Dense(3, dtype=policy)
    expected = layer(X)
    for twin in (copy.deepcopy(layer), pickle.loads(pickle.dumps(layer))):
        assert torch.equal(twin(X), expected)
    assert L.Dense.from_config(layer.get_config()).dtype_policy.name == policy


@EACH
def test_symbols_have_the_types_that_tensors_get(policy, half):
    begin = Input((6,))
    assert L.Dense(3, dtype=policy)(begin).dtype == half
    assert L.Dense(3, dtype="float32")(L.Dense(3, dtype=policy)(begin)).dtype == torch.float32
    assert L.TorchModule(nn.Linear(6, 2), dtype=policy)(X).dtype == half


@EACH
def test_torch_modules_in_a_stack_compute_in_halves_too(policy, half):
    mixed_precision.set_global_policy(policy)
    try:
        model = Sequential([L.Dense(8, input_shape=(6,)), nn.Linear(8, 4), nn.ReLU(), L.Dense(2)])
    finally:
        mixed_precision.set_global_policy(None)
    seen = []
    model.layers[1].register_forward_hook(lambda net, args, out: seen.append(out.dtype))
    assert model(X).dtype == half
    assert seen == [half]
    assert np.isfinite(model.predict(X, verbose=0)).all()
