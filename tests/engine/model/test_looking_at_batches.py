"""What callbacks see of a batch in `fit`: inputs, targets, outputs and gradients."""

import numpy as np
import pytest
import torch
from torch import nn

from onfit import Model, Run, Sequential
from onfit.callbacks import Callback, LambdaCallback
from onfit.engine.step.step import TrainStep
from onfit.layers import Dense

X = np.random.RandomState(0).rand(8, 4).astype("float32")
Y = np.arange(8) % 3


def classifier(optimizer="sgd"):
    torch.manual_seed(0)
    model = Sequential([Dense(5, activation="relu", input_dim=4), Dense(3, activation="softmax")])
    model.compile(optimizer, "sparse_categorical_crossentropy", metrics=["acc"])
    return model


class Looks(Callback):
    def __init__(self):
        self.at_begin, self.before_step, self.at_end = [], [], []

    def on_train_batch_begin(self, batch, logs=None):
        self.at_begin.append(self.run.batch)

    def on_before_optimizer_step(self, batch, logs=None):
        self.before_step.append(self.run.batch)
        self.weights = self.model.get_weights()

    def on_train_batch_end(self, batch, logs=None):
        self.at_end.append(self.run.batch)


def test_a_batch_has_inputs_targets_and_outputs():
    looks, model = Looks(), classifier()
    model.fit(X, Y, batch_size=4, shuffle=False, verbose=0, callbacks=[looks])
    assert [seen.outputs for seen in looks.at_begin] == [None, None]
    seen = looks.before_step[1]
    assert np.array_equal(seen.x.numpy(), X[4:])
    assert np.array_equal(seen.y.numpy(), Y[4:])
    assert seen.sample_weight is None
    model.set_weights(looks.weights)  # as they were before the last step
    assert np.allclose(seen.outputs.numpy(), model.predict(X[4:], verbose=0), atol=1e-6)
    assert not seen.outputs.requires_grad
    assert torch.equal(looks.at_end[1].outputs, seen.outputs)
    assert looks.run.batch is None


def test_without_a_callback_of_the_users_no_outputs_are_kept(monkeypatch):
    kept = []
    keeps = property(lambda step: False, lambda step, value: kept.append(value))
    monkeypatch.setattr(TrainStep, "keeps_outputs", keeps)
    classifier().fit(X, Y, verbose=0)
    classifier().fit(X, Y, verbose=0, callbacks=[Looks()])
    assert kept == [False, True]


def test_gradients_may_be_changed_before_the_step():
    class Zero(Callback):
        def on_before_optimizer_step(self, batch, logs=None):
            for param in self.model.parameters():
                param.grad.zero_()

    model = classifier()
    before = model.get_weights()
    model.fit(X, Y, verbose=0, callbacks=[Zero()])
    assert all(map(np.array_equal, before, model.get_weights()))


@pytest.mark.parametrize("optimizer", ["sgd", torch.optim.SGD])
def test_gradients_are_there_at_the_end_of_a_batch_and_gone_after_the_run(optimizer):
    norms, model = [], classifier(optimizer)

    def look(batch, logs):
        norms.append([float(p.grad.norm()) for p in model.parameters()])

    model.fit(X, Y, batch_size=4, verbose=0, callbacks=[LambdaCallback(on_batch_end=look)])
    assert np.shape(norms) == (2, 4)
    assert np.min([norm[-1] for norm in norms]) > 0
    assert [p.grad for p in model.parameters()] == [None] * 4


def test_in_a_loop_of_ones_own_the_hook_comes_before_the_optimizers_step():
    net = nn.Linear(4, 1)
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
    seen = []
    hook = LambdaCallback(
        on_before_optimizer_step=lambda batch, logs: seen.append(
            (batch, run.batch, net.weight.grad)
        )
    )
    with Run(net, [hook], optimizer=optimizer, params={"verbose": 0}) as run:
        for _ in run.epochs():
            for batch in run.batches(torch.ones(2, 3, 4)):
                optimizer.zero_grad()
                net(batch).mean().backward()
                assert len(seen) == run.progress.batch
                optimizer.step()
    assert [index for index, *_ in seen] == [0, 1]
    assert torch.equal(seen[0][1], torch.ones(3, 4))
    assert all(grad is not None for *_, grad in seen)


@pytest.mark.parametrize("named", [False, True])
def test_where_a_closure_makes_the_gradients_the_hook_comes_after_it(named):
    net = nn.Linear(4, 1)
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
    before = net.weight.detach().clone()

    def closure():
        optimizer.zero_grad()
        loss = net(torch.ones(3, 4)).mean()
        loss.backward()
        return loss

    hook = LambdaCallback(on_before_optimizer_step=lambda batch, logs: net.weight.grad.zero_())
    with Run(net, [hook], optimizer=optimizer, params={"verbose": 0}) as run:
        for _ in run.epochs():
            for _ in run.batches(["a batch"]):
                loss = optimizer.step(closure=closure) if named else optimizer.step(closure)
    assert loss.shape == ()
    assert torch.equal(net.weight, before)
    assert net.bias != 0


def test_a_wrapped_net_shows_its_outputs():
    looks, net = Looks(), nn.Linear(4, 3)
    model = Model(net)
    model.compile(torch.optim.SGD(net.parameters(), lr=0.0), nn.CrossEntropyLoss())
    model.fit(X, Y, batch_size=8, shuffle=False, verbose=0, callbacks=[looks])
    assert torch.allclose(looks.at_end[0].outputs, net(torch.tensor(X)), atol=1e-6)
