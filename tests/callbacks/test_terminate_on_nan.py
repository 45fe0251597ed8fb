"""TerminateOnNaN."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch

from onfit.callbacks.terminate_on_nan import TerminateOnNaN
from onfit.core import Callback, Run
from onfit.errors import InvalidLossError, OnfitError, OnfitWarning


def stopper(**arguments: bool) -> TerminateOnNaN:
    callback = TerminateOnNaN(**arguments)
    callback.set_model(SimpleNamespace(stop_training=False))
    return callback


@pytest.mark.parametrize("loss", [float("nan"), float("inf"), -float("inf"), np.float32("nan")])
def test_a_loss_that_is_no_finite_number_stops(loss, capsys):
    callback = stopper()
    callback.on_train_batch_end(7, {"loss": loss})
    assert callback.model.stop_training is True
    assert capsys.readouterr().out == "Batch 7: Invalid loss, terminating training\n"


@pytest.mark.parametrize("logs", [None, {}, {"loss": 0.5}, {"loss": 1e300}, {"acc": float("nan")}])
def test_anything_else_goes_on(logs, capsys):
    callback = stopper(raise_error=True)
    callback.on_train_batch_end(0, logs)
    assert callback.model.stop_training is False
    assert capsys.readouterr().out == ""


def test_a_zero_dimensional_array_is_a_number():
    callback = stopper()
    callback.on_train_batch_end(0, {"loss": np.array(np.nan)})
    assert callback.model.stop_training is True


def test_raise_error_raises_and_says_what_to_do():
    callback = stopper(raise_error=True)
    with pytest.raises(InvalidLossError, match=r"batch 3 has nan\. Lower the learning rate"):
        callback.on_train_batch_end(3, {"loss": float("nan")})
    assert callback.model.stop_training is False


def test_its_error_is_a_runtime_error_too():
    assert issubclass(InvalidLossError, RuntimeError)
    assert issubclass(InvalidLossError, OnfitError)


def test_the_run_stops_after_the_batch_and_tells_the_epochs_end():
    told = []

    class Ends(Callback):
        def on_epoch_end(self, epoch, logs=None):
            told.append(epoch)

    callback = TerminateOnNaN()
    with Run(SimpleNamespace(), [callback, Ends()], epochs=5) as run:
        for _ in run.epochs():
            for value in run.batches([1.0, float("nan"), 1.0]):
                run.log(loss=value)
    assert run.progress.step == 2
    assert told == [0]
    assert run.outcome == "stopped"
    assert (run.stopped_by, run.stopped.means) == ("TerminateOnNaN", "failure")


def test_with_raise_error_the_run_fails():
    run = Run(SimpleNamespace(), [TerminateOnNaN(raise_error=True)], epochs=5)

    def train():
        with run:
            for _ in run.epochs():
                for value in run.batches([1.0, float("inf")]):
                    run.log(loss=value)

    with pytest.raises(InvalidLossError):
        train()
    assert run.outcome == "failed"
    assert run.progress.step == 2


def test_where_batches_log_no_loss_that_of_the_epoch_is_checked(capsys):
    callback = TerminateOnNaN()
    with Run(SimpleNamespace(), [callback], epochs=5) as run:
        for epoch in run.epochs():
            for _ in run.batches([1.0]):
                pass
            run.log(loss=[0.5, float("nan")][epoch])
    assert run.progress.epoch == 2
    assert [decision.why for decision in callback.decisions] == ["the loss of epoch 1 was nan"]
    assert "Epoch 1: Invalid loss, terminating training" in capsys.readouterr().out


def train_in_epochs():
    with Run(SimpleNamespace(), [TerminateOnNaN()], epochs=2) as run:
        for _ in run.epochs():
            for _ in run.batches([1.0]):
                pass
            run.validated(logloss=1.0)


def train_in_steps():
    with Run(SimpleNamespace(), [TerminateOnNaN()]) as run:
        for _ in run.steps([1.0], until="4 steps", validate_every="2 steps"):
            if run.validation_due:
                run.validated(logloss=1.0)


@pytest.mark.parametrize("train", [train_in_epochs, train_in_steps])
def test_a_training_that_logs_no_loss_is_warned_of_once(train):
    with pytest.warns(OnfitWarning, match="monitors 'loss', which is not in the logs") as warned:
        train()
    assert len(warned) == 1


@pytest.mark.parametrize("losses", [np.array([1.0, np.nan]), torch.tensor([1.0, np.nan])])
def test_an_array_of_losses_stops_for_any_of_them(losses, capsys):
    callback = stopper(raise_error=True)
    callback.on_train_batch_end(0, {"loss": losses[:1]})
    with pytest.raises(InvalidLossError, match="batch 1 has nan"):
        callback.on_train_batch_end(1, {"loss": losses})
