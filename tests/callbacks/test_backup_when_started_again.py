"""BackupAndRestore: what the next start finds, and what it makes of it."""

import os
import random
import signal
import time

import pytest
import torch
from tests.callbacks.backed_up import At, Killed, Model, kill, killed, stop, train
from torch.utils.data import DataLoader, TensorDataset

import onfit
from onfit.callbacks import BackupAndRestore, CSVLogger
from onfit.callbacks.backup_and_restore import places
from onfit.core.callback import Callback
from onfit.core.meter import RunningMeans
from onfit.core.run import Run
from onfit.errors import (
    ArgumentError,
    FileFormatError,
    OnfitWarning,
)
from onfit.storage.checkpoints import CheckpointManager


@pytest.mark.parametrize(
    ("change", "what"),
    [
        ({"progress": {"epoch": -5, "batch": 0, "step": 0}}, "epoch -5"),
        ({"progress": {"epoch": 1, "batch": float("nan"), "step": 0}}, "batch nan"),
        ({"progress": {"epoch": 10**400, "batch": 0, "step": 0}}, "epoch 1000"),
        ({"progress": {"epoch": True, "batch": 0, "step": 0}}, "epoch True"),
        ({"progress": {"epoch": 1}}, "KeyError: 'batch'"),
        ({"progress": None}, "TypeError"),
        ({"in_epoch": "yes"}, "in_epoch 'yes'"),
        ({"random": {"python": 3}}, "TypeError"),
        ({"random": {"python": (3, (1,), None)}}, "ValueError"),
        ({"parts": 3}, "AttributeError"),
        ({"callbacks": {"History/0": []}}, "History/0 is '[]' of type list"),
        ({"walk": {}}, "KeyError: 'start'"),
        ({"stop": 5}, "TypeError"),
    ],
)
def test_what_no_run_says_is_a_clear_error_and_the_checkpoint_stays(tmp_path, change, what):
    killed(tmp_path, At(kill, 1))
    manager = CheckpointManager(tmp_path / "backup", keep=9)
    manager.save({**manager.latest(), **change})
    before = sorted(os.listdir(tmp_path / "backup"))
    with pytest.raises(FileFormatError, match="does not say what a run says") as caught:
        train(tmp_path, At(print, 9))
    assert what in str(caught.value)
    assert sorted(os.listdir(tmp_path / "backup")) == before


def test_an_error_of_a_users_callback_stays_what_it_is(tmp_path):
    class Picky(Callback):
        def state_dict(self):
            return {"seen": 1}

        def load_state_dict(self, state):
            raise KeyError("mine")

    killed(tmp_path, Picky(), At(kill, 1))
    with pytest.raises(KeyError, match="mine"):
        train(tmp_path, Picky(), At(print, 9))


# --- the end of a training ----------------------------------------------------------------


class Ends(Callback):
    """Does something in `on_train_end`."""

    remembers = ()

    def __init__(self, act=None):
        self.act, self.trained, self.ends = act, [], 0

    def on_epoch_begin(self, epoch, logs=None):
        self.trained.append(epoch)

    def on_train_end(self, logs=None):
        self.ends += 1
        if self.act is not None:
            self.act()


def fail():
    raise RuntimeError("the upload failed")


@pytest.mark.parametrize("save_freq", ["epoch", "3 batches", "1 hour"])
@pytest.mark.parametrize("place", [0, 1])
def test_an_end_hook_that_fails_leaves_the_end_and_the_next_start_only_calls_the_end_hooks(
    tmp_path, save_freq, place
):
    first, again = [Ends(fail), Ends()], [Ends(), Ends()]
    with pytest.raises(RuntimeError):
        train(tmp_path, *first[:: 1 if place else -1], save_freq=save_freq)
    assert [each.ends for each in first] == [1, 1]
    model, history, run = train(tmp_path, *again, save_freq=save_freq)
    assert (model.weight, history.epoch, run.outcome) == (12, [0, 1, 2], "completed")
    assert [each.trained for each in again] == [[], []]
    assert [each.ends for each in again] == [1, 1]
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGUSR1])
def test_so_does_a_signal_in_an_end_hook(tmp_path, number):
    with pytest.raises(SystemExit) as caught:
        train(tmp_path, Ends(lambda: os.kill(os.getpid(), number)))
    assert caught.value.code == 128 + number
    again = Ends()
    train(tmp_path, again)
    assert (again.trained, again.ends, os.listdir(tmp_path)) == ([], 1, [])


def test_so_does_a_failing_end_after_a_stop_that_ends_training(tmp_path):
    with pytest.raises(RuntimeError):
        train(tmp_path, At(stop, 1, 1), Ends(fail), save_freq="1 hour")
    again = Ends()
    model, _, run = train(tmp_path, At(stop, 9), again, save_freq="1 hour")
    assert (model.weight, run.outcome, again.trained) == (6, "stopped", [])


# --- two trainings with one folder --------------------------------------------------------


@pytest.fixture
def new_process():
    """As if the process began now."""
    places._finished.clear()
    yield places._finished.clear
    places._finished.clear()


def test_two_trainings_of_a_script_with_one_folder_are_kept_apart(tmp_path, new_process, capsys):
    train(tmp_path, epochs=2)
    killed(tmp_path, At(kill, 1))
    assert os.listdir(tmp_path / "backup") == ["fit-2"]
    new_process()
    model, *_ = train(tmp_path, epochs=2, verbose=1)
    assert model.weight == 8  # not that of the second
    assert "fit-2' has the checkpoints of a later training" in capsys.readouterr().out
    model, history, _ = train(tmp_path, At(print, 9), verbose=1)
    assert capsys.readouterr().out.startswith("Resuming from the end of epoch 1.")
    assert (model.weight, history.epoch) == (12, [0, 1, 2])
    assert os.listdir(tmp_path) == []


def test_a_training_that_was_cut_off_goes_on_in_the_same_process(tmp_path, new_process):
    for _ in range(2):
        killed(tmp_path, At(kill, 1))
    model, history, _ = train(tmp_path, At(print, 9))
    assert (model.weight, history.epoch) == (12, [0, 1, 2])


# --- a finished training ------------------------------------------------------------------


def test_a_finished_training_can_be_skipped_by_the_next_start(tmp_path, new_process, capsys):
    train(tmp_path, Ends(), when_finished="skip")
    assert sorted(os.listdir(tmp_path)) == ["backup.finished"]
    new_process()
    ends = Ends()
    model, history, run = train(tmp_path, ends, when_finished="skip", verbose=1)
    assert (model.weight, history.epoch, run.outcome) == (12, [0, 1, 2], "completed")
    assert (ends.trained, ends.ends) == ([], 1)
    assert capsys.readouterr().out == (
        "The training is finished, and its result is back from "
        f"{str(tmp_path / 'backup.finished')!r}. Remove that to train anew.\n"
    )


def test_one_that_a_callback_stopped_is_finished_too(tmp_path, new_process):
    train(tmp_path, At(stop, 1, 1), when_finished="skip")
    new_process()
    model, _, run = train(tmp_path, At(stop, 9), when_finished="skip")
    assert (model.weight, run.outcome, run.stopped_by) == (6, "stopped", "At")


def test_more_epochs_than_were_finished_are_trained(tmp_path, new_process):
    for epochs in (2, 5, 5):
        new_process()
        model, history, _ = train(tmp_path, epochs=epochs, when_finished="skip")
        assert (model.weight, history.epoch) == (4 * epochs, [*range(epochs)])


def test_each_training_of_a_script_is_skipped_by_itself(tmp_path, new_process):
    for _ in range(2):
        new_process()
        for epochs in (1, 3):
            assert train(tmp_path, epochs=epochs, when_finished="skip")[0].weight == 4 * epochs


def test_what_failed_or_was_interrupted_is_not_finished(tmp_path, new_process):
    with pytest.raises(RuntimeError):
        train(tmp_path, Ends(fail), when_finished="skip")
    assert os.listdir(tmp_path) == ["backup"]
    train(tmp_path, Ends(), when_finished="skip")
    assert os.listdir(tmp_path) == ["backup.finished"]


def test_again_trains_anew_whatever_was_finished(tmp_path, new_process):
    train(tmp_path, when_finished="skip")
    new_process()
    ends = Ends()
    train(tmp_path, ends)
    assert ends.trained == [0, 1, 2]


def test_only_these_two_are_known():
    with pytest.raises(ArgumentError, match=r"when_finished='never'.* one of 'again'"):
        BackupAndRestore("x", when_finished="never")


# --- a script that was changed ------------------------------------------------------------


def test_other_settings_are_told_and_what_counts(tmp_path):
    class Set(Model):
        rate = "0.1"

        def settings_for_resume(self):
            return {"optimizer.learning_rate": self.rate, "loss": "mse"}

    def begin(rate):
        model = Set()
        model.rate = rate
        return Run(model, [BackupAndRestore(tmp_path / "backup", verbose=0)], params={"verbose": 0})

    with pytest.raises(Killed), begin("0.1"):
        raise Killed
    with pytest.warns(OnfitWarning) as caught, begin("0.2"):
        pass
    assert str(caught[0].message) == (
        "the script has optimizer.learning_rate=0.2, and had optimizer.learning_rate=0.1 when the "
        "checkpoint was saved. The learning rate, and all of a torch optimizer, go on as in the "
        "checkpoint; else the script counts."
    )


@pytest.mark.parametrize("shuffle", [True, False])
@pytest.mark.parametrize("way", ["fit", "run"])
def test_an_order_that_would_be_lost_is_told_before_training(tmp_path, shuffle, way):
    data = DataLoader(
        TensorDataset(torch.zeros(4, 1), torch.zeros(4, 1)),
        num_workers=1,
        shuffle=shuffle,
        persistent_workers=True,
    )
    backup, trained = BackupAndRestore(tmp_path / "backup", verbose=0), []

    def go_on():
        if way == "fit":
            model = onfit.Sequential([onfit.layers.Dense(1, input_dim=1)])
            model.compile("sgd", "mse")
            model.fit(data, verbose=0, callbacks=[At(trained.append, 0, 0), backup])
        else:
            with Run(Model(), [backup], params={"verbose": 0}) as run:
                for _ in run.epochs():
                    trained.extend(run.batches(data))

    if shuffle:
        with pytest.raises(OnfitWarning, match=r"persistent_workers=True, shuffle=True"):
            go_on()
        assert trained == []
    else:
        go_on()
        assert trained


# --- signals in walks within hooks --------------------------------------------------------


class Looks(Callback):
    """Evaluates in a hook, where a signal may come; counts what it has done."""

    strikes = False

    def __init__(self, hook):
        self.looked = []
        setattr(self, hook, self.look)

    def look(self, index, logs=None):
        inner = Run(Model(), params={"verbose": 0})
        seen = inner.evaluate(self.data(), lambda batch: None, RunningMeans(), size=lambda b: 1)
        self.looked.append((index, dict(seen), random.random()))

    def data(self):
        yield random.random()
        if Looks.strikes and self.model.weight >= 7:
            os.kill(os.getpid(), signal.SIGTERM)
            time.sleep(60)
        yield random.random()


@pytest.mark.parametrize("hook", ["on_epoch_begin", "on_train_batch_end", "on_epoch_end"])
@pytest.mark.parametrize("save_freq", ["epoch", "1 hour"])
def test_a_hook_that_a_signal_cuts_off_is_called_again_by_the_next_start_and_by_no_other(
    tmp_path, hook, save_freq
):
    def draws(strikes):
        Looks.strikes = strikes
        looks = Looks(hook)
        csv = CSVLogger(folder / "log.csv", append=True)
        model, history, _ = train(
            folder, csv, looks, CSVLogger(folder / "b.csv"), save_freq=save_freq
        )
        files = [(folder / name).read_text() for name in ("log.csv", "b.csv")]
        return model.weight, history.history, looks.looked, files

    folder = tmp_path / "whole"
    random.seed(3)
    expected = draws(False)
    folder = tmp_path / "cut"
    random.seed(3)
    with pytest.raises(SystemExit):
        draws(True)
    random.seed(4)
    assert draws(False) == expected
