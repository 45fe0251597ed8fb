"""Constraints on weights, while a model trains."""

import numpy as np
import pytest
import torch

from onfit import Input, Model, Sequential
from onfit.constraints import Constraint, MaxNorm
from onfit.layers import LSTM, BatchNormalization, Conv2D, Dense, Embedding, Layer

X = np.random.default_rng(0).normal(size=(32, 6)).astype("float32")
Y = X.sum(1, keepdims=True) * 5


def columns(weight):
    return torch.linalg.vector_norm(weight.detach(), dim=0)


def limited(**more):
    torch.manual_seed(0)
    model = Sequential([Dense(4, kernel_constraint=MaxNorm(0.5), input_shape=(6,)), Dense(1)])
    model.compile("sgd", "mse", **more)
    return model


def test_a_weight_is_within_its_limit_after_each_batch():
    model = limited()
    norms = []
    for _ in range(3):
        model.train_on_batch(X, Y)
        norms.append(columns(model.layers[0].kernel))
    assert all((each <= 0.5 + 1e-6).all() for each in norms)
    assert (columns(model.layers[1].kernel) > 0.5).all()


def test_a_replaced_constraint_acts_at_the_next_batch():
    model = limited()
    model.train_on_batch(X, Y)
    model.layers[0].kernel_constraint = MaxNorm(0.1)
    model.train_on_batch(X, Y)
    assert (columns(model.layers[0].kernel) <= 0.1 + 1e-6).all()


def test_it_acts_with_an_optimizer_of_torch_and_in_a_step_of_ones_own():
    model = limited()
    model.compile(torch.optim.SGD(model.parameters(), lr=0.1), "mse")
    model.fit(X, Y, verbose=0)
    assert (columns(model.layers[0].kernel) <= 0.5 + 1e-6).all()

    class Own(Model):
        def __init__(self):
            super().__init__()
            self.dense = Dense(1, kernel_constraint="non_neg", kernel_initializer="ones")

        def call(self, x):
            return self.dense(x)

        def train_step(self, data):
            x, y = data
            loss = (self(x) + y).square().mean()
            self.optimizer.apply(torch.autograd.grad(loss, self.trainable_weights))
            return {"loss": loss}

    own = Own()
    own.compile("sgd", "mse")
    own.fit(X, Y, epochs=40, verbose=0)
    assert own.dense.kernel.min() == 0


def test_weights_that_the_step_has_not_moved_stay_as_they_are():
    model = limited()
    model.layers[0].trainable = False
    before = model.layers[0].get_weights()[0].copy()
    model.fit(X, Y, verbose=0)
    np.testing.assert_array_equal(model.layers[0].get_weights()[0], before)
    assert (columns(model.layers[0].kernel) > 0.5).any()


class Half(Constraint):
    """Halves a weight, which shows in any number."""

    def __call__(self, w):
        return w / 2


@pytest.mark.parametrize(
    ("layer", "shape", "names"),
    [
        (lambda c: Dense(2, kernel_constraint=c, bias_constraint=c), (6,), ["kernel", "bias"]),
        (
            lambda c: Conv2D(2, 2, kernel_constraint=c, bias_constraint=c),
            (3, 3, 1),
            ["kernel", "bias"],
        ),
        (
            lambda c: LSTM(2, kernel_constraint=c, recurrent_constraint=c, bias_constraint=c),
            (3, 2),
            ["kernel", "recurrent_kernel", "bias"],
        ),
        (
            lambda c: BatchNormalization(gamma_constraint=c, beta_constraint=c),
            (4,),
            ["gamma", "beta"],
        ),
        (lambda c: Embedding(5, 2, embeddings_constraint=c), (3,), ["embeddings"]),
    ],
    ids=["dense", "conv2d", "lstm", "batch normalization", "embedding"],
)
def test_every_weight_that_can_have_one_is_limited(layer, shape, names):
    made = layer(Half())
    begin = Input(shape)
    model = Model(begin, made(begin))
    model.compile("sgd", lambda y_true, y_pred: y_pred.sum() * 0.0)
    model.layers[-1].set_weights([np.ones_like(w) for w in model.layers[-1].get_weights()])
    model.fit(np.ones((4, *shape), "float32"), np.ones(4), batch_size=4, verbose=0)
    halves = {name: getattr(made, name).detach().unique().tolist() for name in names}
    assert halves == {name: [0.5] for name in names}


def test_a_layer_of_ones_own_names_a_limit_in_add_weight():
    class Scale(Layer):
        def build(self, input_shape):
            self.add_weight("factor", input_shape[-1:], "ones", constraint="unit_norm")

        def call(self, x):
            return x * self.factor

    model = Sequential([Scale(input_shape=(6,)), Dense(1)])
    model.compile("sgd", "mse")
    model.fit(X, Y, verbose=0)
    assert float(torch.linalg.vector_norm(model.layers[0].factor.detach())) == pytest.approx(1.0)
