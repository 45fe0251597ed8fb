"""How long fit trains: fit(steps=...), a training without epochs; and epochs that are none."""

import contextlib
import os
import signal

import numpy as np
import pytest
import torch

import onfit
from onfit import layers
from onfit.callbacks import BackupAndRestore, Callback, EarlyStopping, ModelCheckpoint
from onfit.errors import ArgumentError, OnfitWarning

X = np.random.RandomState(0).randn(20, 3).astype("float32")
Y = X.sum(1, keepdims=True)


def linear():
    torch.manual_seed(0)
    model = onfit.Sequential([layers.Dense(4, input_shape=(3,)), layers.Dense(1)])
    model.compile(onfit.optimizers.SGD(0.05, momentum=0.9), "mse")
    return model


def test_the_history_has_a_row_at_each_validation_and_at_the_end():
    more = {"validation_data": (X, Y), "validation_freq": "4 steps"}
    history = linear().fit(X, Y, batch_size=8, steps=10, verbose=0, **more)
    assert history.step == [4, 8, 10]
    assert history.epoch == []
    assert [len(history.history[name]) for name in ("loss", "val_loss")] == [3, 3]
    assert repr(history).startswith("History(3 rows, loss=")


def test_the_steps_of_whole_passes_train_as_epochs_do():
    by_steps, by_epochs = linear(), linear()
    np.random.seed(1)
    torch.manual_seed(1)
    by_steps.fit(X, Y, batch_size=8, steps="9 steps", verbose=0)
    np.random.seed(1)
    torch.manual_seed(1)
    by_epochs.fit(X, Y, batch_size=8, epochs=3, verbose=0)
    for found, expected in zip(by_steps.get_weights(), by_epochs.get_weights(), strict=True):
        assert (found == expected).all()


def test_callbacks_know_before_training_that_there_are_no_epochs():
    told = []

    class Look(Callback):
        def on_train_begin(self, logs=None):
            told.append((self.params["epochs"], self.params["decide_at"]))

    linear().fit(X, Y, steps=3, verbose=0, callbacks=Look())
    assert told == [(None, "validations")]


def test_the_best_model_is_saved_and_training_stops_at_validations(tmp_path):
    stop = EarlyStopping(patience=1, min_delta=1e9)
    save = ModelCheckpoint(tmp_path / "at{step}.h5", save_best_only=True)
    more = {"validation_data": (X, Y), "validation_freq": "2 steps", "callbacks": [stop, save]}
    history = linear().fit(X, Y, steps=100, verbose=0, **more)
    assert history.step == [2, 4]
    assert (tmp_path / "at2.h5").exists()


def test_a_generator_ends_the_training_and_that_is_said():
    batches = ((X[:4], Y[:4]) for _ in range(3))
    with pytest.warns(OnfitWarning, match="ended after step 3"):
        assert linear().fit(batches, steps=5, verbose=0).step == [3]


@pytest.mark.parametrize(
    ("more", "text"),
    [
        ({"epochs": 3}, "Leave out epochs, or steps"),
        ({"initial_epoch": 1, "steps_per_epoch": 2}, "initial_epoch and steps_per_epoch"),
        ({"validation_freq": 2, "validation_data": (X, Y)}, "no epochs to count"),
        ({"validation_freq": "2 epochs", "validation_data": (X, Y)}, "no epochs to count"),
    ],
)
def test_epochs_beside_steps_are_an_error(more, text):
    with pytest.raises(ArgumentError, match=text):
        linear().fit(X, Y, steps=5, verbose=0, **more)


class DiedError(Exception):
    pass


class Die(Callback):
    def __init__(self, at, hook):
        self.at = at
        setattr(self, hook, self.look)

    remembers = ()

    def look(self, index, logs=None):
        if self.run.progress.step == self.at:
            raise DiedError


def trained(folder, at=None, hook="on_train_batch_end"):
    model, stop = linear(), EarlyStopping(patience=9, restore_best_weights=True)
    backup = BackupAndRestore(folder, "2 batches", delete_checkpoint=False, verbose=0)
    more = {"validation_data": (X, Y), "validation_freq": "5 steps"}
    history = model.fit(
        X, Y, batch_size=8, steps=12, verbose=0, callbacks=[stop, Die(at, hook), backup], **more
    )
    rows = {name: history.history[name] for name in ("loss", "val_loss")}
    return [weight.tolist() for weight in model.get_weights()], history.step, rows, stop.best


@pytest.mark.parametrize("hook", ["on_train_batch_end", "on_validation_end"])
@pytest.mark.parametrize("at", [1, 5, 10, 12])
def test_a_training_by_steps_that_died_ends_as_one_that_did_not(tmp_path, hook, at):
    expected = trained(tmp_path / "whole")
    with contextlib.suppress(DiedError):
        trained(tmp_path / "died", at, hook)
    assert trained(tmp_path / "died") == expected


class Interrupt(Callback):
    """Sends this process a SIGTERM in its n-th validation."""

    remembers = ()

    def __init__(self, at):
        self.at, self.seen = at, 0

    def on_test_begin(self, logs=None):
        self.seen += 1
        if self.seen == self.at:
            os.kill(os.getpid(), signal.SIGTERM)


@pytest.mark.parametrize(("freq", "at"), [(1, 1), ("5 steps", 1), ("5 steps", 3)])
def test_a_validation_that_a_signal_cuts_off_is_made_up_for(tmp_path, freq, at):
    def fitted(folder, interrupt):
        backup = BackupAndRestore(tmp_path / folder, "2 batches", verbose=0)
        more = {"validation_data": (X, Y), "validation_freq": freq, "validation_batch_size": 5}
        callbacks = [Interrupt(interrupt), backup]
        history = linear().fit(X, Y, batch_size=8, steps=12, verbose=0, callbacks=callbacks, **more)
        return history.step, history.history["loss"], history.history["val_loss"]

    expected = fitted("whole", None)
    with pytest.raises(SystemExit) as ended:
        fitted("cut", at)
    assert ended.value.code == 143
    assert fitted("cut", None) == expected


def test_an_initial_epoch_behind_the_last_one_is_warned_of():
    with pytest.warns(OnfitWarning, match=r"trains nothing: .* For 2 more write epochs=7\.$"):
        assert linear().fit(X, Y, epochs=2, initial_epoch=5, verbose=0).history == {}
