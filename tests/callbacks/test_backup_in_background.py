"""BackupAndRestore(background=True): the training goes on while a checkpoint is written."""

import threading

import numpy as np
import pytest
import torch

from onfit import Sequential, layers
from onfit.callbacks import BackupAndRestore, Callback, EarlyStopping
from onfit.callbacks.backup_and_restore.affordable import Affordable
from onfit.errors import StorageError
from onfit.storage.checkpoints import CheckpointManager

X = np.linspace(-1, 1, 96).reshape(32, 3).astype("float32")
Y = X.sum(1, keepdims=True)


class Killed(Exception):  # noqa: N818 - it stands for what is no error
    pass


class Breaks(Callback):
    remembers = ()

    def __init__(self, step):
        self.step = step

    def on_train_batch_end(self, batch, logs=None):
        if self.run.progress.step == self.step:
            raise Killed


def stack():
    torch.manual_seed(3)
    model = Sequential([layers.Dense(4, "relu", input_dim=3), layers.Dropout(0.2), layers.Dense(1)])
    model.compile("adam", "mse")
    return model


def trained(folder, *callbacks, breaks_at=0, freq="batch", **more):
    """The history and weights of a training; None if it broke."""
    model = stack()
    best = EarlyStopping("loss", patience=9, restore_best_weights=True)
    backup = BackupAndRestore(folder, freq, verbose=0, background=True, **more)
    try:
        history = model.fit(X, Y, 8, 3, 0, [best, *callbacks, Breaks(breaks_at), backup])
    except Killed:
        return None
    return history.history, [weight.tolist() for weight in model.get_weights()]


class Slow:
    """Holds up every save of a folder but the first, which comes before training."""

    def __init__(self, monkeypatch):
        self.let_go, self.begun, self.saved = threading.Event(), threading.Event(), []
        plain = CheckpointManager.save

        def save(checkpoints, tree, *, wait=False):
            if self.saved:
                self.begun.set()
                assert self.let_go.wait(60)
            plain(checkpoints, tree, wait=wait)
            self.saved.append(tree)

        monkeypatch.setattr(CheckpointManager, "save", save)


class Goes(Callback):
    """Lets the first save in the background go on two batches after it began; notes the weights."""

    remembers = ()

    def __init__(self, slow):
        self.slow, self.weights, self.ahead = slow, {}, None

    def on_train_batch_end(self, batch, logs=None):
        step = self.run.progress.step
        self.weights[step] = self.model.get_weights()
        if step == 5:
            assert self.slow.begun.wait(60)
            self.ahead = step, len(self.slow.saved)
            self.slow.let_go.set()


def test_a_broken_training_goes_on_as_if_it_had_run_through(tmp_path):
    whole = trained(tmp_path / "whole")
    assert trained(tmp_path / "broken", breaks_at=7) is None
    assert trained(tmp_path / "broken") == whole


def test_the_training_goes_on_while_a_checkpoint_is_written(tmp_path, monkeypatch):
    slow = Slow(monkeypatch)
    goes = Goes(slow)
    trained(tmp_path, goes, freq="3 batches")
    assert goes.ahead == (5, 1)  # two batches after the save, of which nothing was written yet
    state = slow.saved[1]
    assert state["progress"]["step"] == 3
    for name, array in zip(state["model"]["weights"].values(), goes.weights[3], strict=True):
        np.testing.assert_array_equal(name, array)


def test_what_callbacks_refill_in_place_is_copied(tmp_path, monkeypatch):
    slow = Slow(monkeypatch)
    trained(tmp_path, Goes(slow), freq="epoch")
    first, second = (one["callbacks"]["EarlyStopping/0"]["best_weights"] for one in slow.saved[1:3])
    assert any((mine != its).any() for mine, its in zip(first, second, strict=True))


def test_an_error_in_the_background_is_raised_and_end_hooks_are_called(tmp_path, monkeypatch):
    plain, calls, ended = CheckpointManager.save, [], []

    def full(checkpoints, tree, *, wait=False):
        calls.append(threading.current_thread() is threading.main_thread())
        if len(calls) > 1:
            raise StorageError("the checkpoint could not be written: No space left on device")
        plain(checkpoints, tree, wait=wait)

    class Ends(Callback):
        def on_train_end(self, logs=None):
            ended.append(self.run.outcome)

    monkeypatch.setattr(CheckpointManager, "save", full)
    with pytest.raises(StorageError, match="No space left"):
        trained(tmp_path, Ends(), freq="epoch")
    assert calls == [True, False]
    assert ended == ["failed"]


def test_an_error_of_the_last_save_is_said_if_another_one_ends_the_training(
    tmp_path, monkeypatch, capsys
):
    plain, calls = CheckpointManager.save, []

    def full(checkpoints, tree, *, wait=False):
        calls.append(tree)
        if len(calls) > 1:
            raise StorageError("No space left on device")
        plain(checkpoints, tree, wait=wait)

    monkeypatch.setattr(CheckpointManager, "save", full)
    assert trained(tmp_path, freq="4 batches", breaks_at=5) is None
    said = capsys.readouterr().err
    assert said == "BackupAndRestore(background=True): No space left on device\n"


def test_auto_waits_for_the_save_that_is_being_written():
    class Saves:
        busy = True

    cadence = Affordable(None)
    cadence.saves = Saves()
    assert not cadence.due_after_batch(8)
    cadence.saves.busy = False
    assert cadence.due_after_batch(8)


def test_a_pause_is_saved_when_it_returns(tmp_path, monkeypatch):
    threads = []
    plain = CheckpointManager.save

    def save(checkpoints, tree, *, wait=False):
        threads.append((threading.current_thread() is threading.main_thread(), wait))
        plain(checkpoints, tree, wait=wait)

    class Pauses(Callback):
        stop_means = "pause"

        def on_train_batch_end(self, batch, logs=None):
            if self.run.progress.step == 6:
                self.request_stop("time is up")

    monkeypatch.setattr(CheckpointManager, "save", save)
    trained(tmp_path, Pauses(), freq="4 batches")
    assert threads == [(True, False), (False, False), (True, True)]
