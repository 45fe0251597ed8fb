"""What was changed of a compiled model in mid-training survives a kill, bit for bit."""

from functools import partial
from typing import Any

import numpy as np
import pytest
import torch
from tests.engine.model.test_resume import KillAt, Killed, same

import onfit
from onfit import backend, layers, losses, optimizers
from onfit.callbacks import BackupAndRestore, Callback
from onfit.errors import FileFormatError, OnfitWarning
from onfit.registered import custom_object_scope

X = np.random.default_rng(0).normal(size=(24, 3)).astype("float32")
Y = X.sum(1, keepdims=True)


class ChangeAt(Callback):
    """Changes the model once, at the end of an epoch or of a batch."""

    remembers = ()

    def __init__(self, change, epoch=1, batch=None):
        self.change, self.epoch, self.batch = change, epoch, batch

    def on_epoch_end(self, epoch, logs=None):
        if epoch == self.epoch and self.batch is None:
            self.change(self.model)

    def on_train_batch_end(self, batch, logs=None):
        if self.run.progress.epoch == self.epoch and batch == self.batch:
            self.change(self.model)


def made(**arguments):
    torch.manual_seed(0)
    model = onfit.Sequential([layers.Dense(4, "tanh", input_dim=3), layers.Dense(1)])
    model.compile(**{"optimizer": "sgd", "loss": "mse", "metrics": ["mae"], **arguments})
    return model


def fit(folder, model, change, *also, epoch=1, batch=None):
    backup = BackupAndRestore(folder, save_freq="batch", verbose=0)
    calls = [ChangeAt(change, epoch, batch), backup, *also]
    model.fit(X, Y, epochs=4, batch_size=4, verbose=0, callbacks=calls)
    return model


def assert_it_goes_on(tmp_path, change, make=made, kills=(13, 16, 20), **when):
    whole = fit(tmp_path / "whole", make(), change, **when)
    for kill in kills:
        with pytest.raises(Killed):
            fit(tmp_path / "cut", make(), change, KillAt(kill), **when)
    again = fit(tmp_path / "cut", make(), change, **when)
    assert same(again, whole)
    assert again.history.history == whole.history.history
    return again


ADAM = {
    "by name": lambda model: setattr(model, "optimizer", "adam"),
    "with a schedule": lambda model: setattr(
        model,
        "optimizer",
        optimizers.Adam(optimizers.schedules.ExponentialDecay(0.1, 5, 0.5), amsgrad=True),
    ),
    "of torch's": lambda model: setattr(
        model, "optimizer", torch.optim.Adam(model.parameters(), lr=0.02)
    ),
    "a factory's": lambda model: setattr(
        model, "optimizer", partial(torch.optim.SGD, lr=0.02, momentum=0.9)
    ),
    "around another": lambda model: setattr(
        model, "optimizer", optimizers.LossScaleOptimizer(optimizers.Adam(0.1), 8.0, 3)
    ),
    "the same kind": lambda model: setattr(model, "optimizer", optimizers.SGD(0.3, momentum=0.0)),
    "by compile": lambda model: model.compile("adam", "mae", metrics=["mse", "mae"]),
    "by compile, of torch's": lambda model: model.compile(
        torch.optim.AdamW, losses.Huber(0.5), metrics=["mse"], loss_weights=[0.5]
    ),
    "the loss": lambda model: setattr(model, "loss", "mae"),
    "the loss weight": lambda model: setattr(model, "loss_weights", [0.125]),
}


@pytest.mark.parametrize("batch", [None, 2])
@pytest.mark.parametrize("name", ADAM)
def test_a_compile_in_mid_training_lasts(tmp_path, name, batch):
    assert_it_goes_on(tmp_path, ADAM[name], batch=batch)


def test_a_second_compile_lasts_too(tmp_path):
    def change(model):
        one = type(model.optimizer).__name__ == "SGD"
        model.compile("adam" if one else "rmsprop", "mae" if one else "mse")

    class Again(ChangeAt):
        def on_epoch_end(self, epoch, logs=None):
            if epoch in (0, 2):
                self.change(self.model)

    def trained(folder, *also):
        model = made()
        calls = [Again(change), BackupAndRestore(folder, save_freq="batch", verbose=0), *also]
        model.fit(X, Y, epochs=4, batch_size=4, verbose=0, callbacks=calls)
        return model

    whole = trained(tmp_path / "whole")
    for kill in (8, 20):
        with pytest.raises(Killed):
            trained(tmp_path / "cut", KillAt(kill))
    assert same(trained(tmp_path / "cut"), whole)


# --- loss weights -----------------------------------------------------------------------------


def two_outputs(weights: Any):
    torch.manual_seed(0)
    x = layers.Input((3,))
    hidden = layers.Dense(3, "tanh")(x)
    outputs = [layers.Dense(1, name="a")(hidden), layers.Dense(1, name="b")(hidden)]
    model = onfit.Model(x, outputs)
    model.compile("sgd", "mse", loss_weights=weights)
    return model


def fit_two(folder, make, change, *also):
    model = make()
    calls = [ChangeAt(change), BackupAndRestore(folder, save_freq="batch", verbose=0), *also]
    model.fit(X, [Y, -Y], epochs=4, batch_size=4, verbose=0, callbacks=calls)
    return model


def set_first(value):
    def change(model):
        held = model.loss_weights
        key = "a" if isinstance(held, dict) else 0
        if isinstance(held[key], torch.Tensor):
            held[key].fill_(value)
        elif hasattr(held[key], "assign"):
            held[key].assign(value)
        else:
            held[key] = value

    return change


HELD = {
    "a list": lambda: [1.0, 0.5],
    "a dict": lambda: {"a": 1.0, "b": 0.5},
    "tensors": lambda: [torch.tensor(1.0), torch.tensor(0.5)],
    "variables": lambda: {"a": backend.variable(1.0), "b": backend.variable(0.5)},
    "an array": lambda: np.array([1.0, 0.5], "float32"),
    "a tensor": lambda: torch.tensor([1.0, 0.5]),
}


@pytest.mark.parametrize("name", HELD)
def test_weights_of_losses_that_moved_stay_moved(tmp_path, name):
    def make():
        return two_outputs(HELD[name]())

    change = set_first(0.125)
    whole = fit_two(tmp_path / "whole", make, change)
    for kill in (13, 20):
        with pytest.raises(Killed):
            fit_two(tmp_path / "cut", make, change, KillAt(kill))
    again = fit_two(tmp_path / "cut", make, change)
    assert same(again, whole)
    assert again.compiled.factors == [0.125, 0.5]
    key = "a" if isinstance(again.loss_weights, dict) else 0
    assert float(getattr(again.loss_weights[key], "value", again.loss_weights[key])) == 0.125


@pytest.mark.parametrize("weights", [None, (1.0, 1.0)])
def test_weights_that_were_set_as_a_whole_last(tmp_path, weights):
    def change(model):
        model.loss_weights = {"a": 0.25, "b": 2.0}

    whole = fit_two(tmp_path / "whole", partial(two_outputs, weights), change)
    with pytest.raises(Killed):
        fit_two(tmp_path / "cut", partial(two_outputs, weights), change, KillAt(14))
    assert same(fit_two(tmp_path / "cut", partial(two_outputs, weights), change), whole)


def test_weights_that_the_script_changed_between_two_starts_count(tmp_path):
    def idle(model):
        pass

    with pytest.raises(Killed):
        fit_two(tmp_path / "cut", partial(two_outputs, [1.0, 1.0]), idle, KillAt(14))
    again = fit_two(tmp_path / "cut", partial(two_outputs, [0.5, 1.0]), idle)
    assert again.compiled.factors == [0.5, 1.0]


# --- what a checkpoint cannot hold ------------------------------------------------------------


class Slow(torch.optim.SGD):
    """An optimizer of a user's own."""


def to_slow(model):
    model.optimizer = Slow(model.parameters(), lr=0.1)


def test_a_class_that_is_not_known_is_said_before_training_goes_on(tmp_path):
    whole = fit(tmp_path / "whole", made(), to_slow)
    with pytest.raises(Killed):
        fit(tmp_path / "cut", made(), to_slow, KillAt(16))
    with pytest.raises(FileFormatError, match=r"Slow in mid-training.*Compile the model with such"):
        fit(tmp_path / "cut", made(), to_slow)
    with custom_object_scope({"Slow": Slow}):
        assert same(fit(tmp_path / "cut", made(), to_slow), whole)


def test_a_loss_that_is_code_is_said_before_training_goes_on(tmp_path):
    def change(model):
        model.loss = lambda y_true, y_pred: (y_true - y_pred).abs()

    with pytest.raises(Killed):
        fit(tmp_path / "cut", made(), change, KillAt(16))
    with pytest.warns(OnfitWarning, match=r"changed in\s+mid-training, to functions"):
        fit(tmp_path / "cut", made(), change)


def test_a_training_that_is_over_leaves_nothing_behind(tmp_path):
    model = fit(tmp_path / "run", made(), ADAM["by compile"])
    assert model._begun is None
    assert "changes" not in model.state_for_resume()
