"""BackupAndRestore: when a run is saved, and how it goes on. (tests/crash kills real ones.)"""

import os
import signal

import pytest
from tests.callbacks.backed_up import At, Model, kill, killed, stop, train

from onfit.callbacks import BackupAndRestore, CSVLogger, History, TerminateOnNaN, TimeLimit
from onfit.callbacks.backup_and_restore.affordable import Affordable
from onfit.core.callback import Callback
from onfit.core.run import Run
from onfit.errors import (
    ArgumentError,
    CapabilityError,
    FileFormatError,
    OnfitWarning,
    StorageError,
)
from onfit.storage.checkpoints import CheckpointManager


def saves(folder, monkeypatch, **arguments):
    """Where an undisturbed run is saved: epoch, batches done in it."""
    places = []
    real = CheckpointManager.save

    def noted(self, tree, **how):
        places.append((tree["progress"]["epoch"], tree["progress"]["batch"]))
        real(self, tree, **how)

    monkeypatch.setattr(CheckpointManager, "save", noted)
    train(folder, epochs=2, **arguments)
    return places


# --- when --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("save_freq", "places"),
    [
        ("epoch", [(0, 0), (1, 0), (2, 0)]),
        ("2 epochs", [(0, 0), (2, 0)]),
        ("2 batches", [(0, 0), (0, 2), (0, 4), (1, 2), (1, 4), (2, 0)]),
        ("3 batches", [(0, 0), (0, 3), (1, 2), (2, 0)]),
        ("1 hour", [(0, 0), (2, 0)]),
    ],
)
def test_a_run_is_saved_before_it_begins_as_often_as_asked_and_at_its_end(
    tmp_path, monkeypatch, save_freq, places
):
    assert saves(tmp_path, monkeypatch, save_freq=save_freq) == places


def test_a_bare_number_counts_samples(tmp_path, monkeypatch):
    with pytest.warns(OnfitWarning, match="means every 40 samples, and a batch has 10"):
        assert saves(tmp_path, monkeypatch, save_freq=40) == [(0, 0), (0, 4), (1, 4), (2, 0)]


def test_where_epochs_are_counted_batches_cost_nothing():

    assert not BackupAndRestore("x").hears("on_train_batch_end")
    assert BackupAndRestore("x", save_freq="2 batches").hears("on_train_batch_end")


def test_auto_saves_as_often_as_it_costs_one_percent():
    cadence = Affordable(None)
    assert cadence.due_after_batch(1)
    cadence.saving_took(0.5)
    cadence._since -= 49
    assert not cadence.due_after_batch(1)
    cadence._since -= 1
    assert cadence.due_after_batch(1)
    assert cadence.due_after_epoch()


def test_auto_saves_at_the_best_interval_for_failures_that_are_rare():
    cadence = Affordable(mean_time_between_failures=3600 * 24)
    cadence.saving_took(0.5)
    assert cadence._interval == pytest.approx((2 * 0.5 * 3600 * 24) ** 0.5)
    cadence.saving_took(50)
    assert cadence._interval == pytest.approx(5000)


def test_auto_saves_at_once_to_learn_what_it_costs(tmp_path, monkeypatch):
    assert saves(tmp_path, monkeypatch, save_freq="auto")[0] == (0, 0)


# --- going on ----------------------------------------------------------------------------


@pytest.mark.parametrize("save_freq", ["epoch", "batch", "3 batches"])
@pytest.mark.parametrize(("epoch", "batch"), [(0, 0), (0, 3), (1, 1), (1, None), (2, 3)])
def test_a_killed_run_goes_on_and_ends_the_same(tmp_path, save_freq, epoch, batch):
    killed(tmp_path, At(kill, epoch, batch), save_freq=save_freq)
    model, history, run = train(tmp_path, At(print, 9), save_freq=save_freq)
    assert model.weight == 12
    assert history.history == {"weight": [2.5, 6.5, 10.5]}
    assert history.epoch == [0, 1, 2]
    assert run.outcome == "completed"


def test_it_says_from_where(tmp_path, capsys):
    killed(tmp_path, At(kill, 1, 2), save_freq="2 batches")
    killed(tmp_path, At(kill, 2, 1), save_freq="epoch", verbose=1)
    train(tmp_path, At(print, 9), save_freq="epoch", verbose=1)
    assert capsys.readouterr().out == (
        "Resuming from epoch 2, after batch 2.\n"
        "Loading 2 batches of this epoch again, to go on after them.\n"
        "Resuming from the end of epoch 2.\n"
    )


def test_more_epochs_than_before_are_normal(tmp_path):
    train(tmp_path, epochs=2, delete_checkpoint=False)
    model, history, _ = train(tmp_path, epochs=5, delete_checkpoint=False)
    assert (model.weight, history.epoch) == (20, [0, 1, 2, 3, 4])


def test_a_run_that_is_complete_does_nothing_more(tmp_path):
    train(tmp_path, delete_checkpoint=False)
    model, history, _ = train(tmp_path, delete_checkpoint=False)
    assert (model.weight, len(history.epoch)) == (12, 3)


def test_a_line_written_before_the_first_epoch_was_saved_is_not_there_twice(tmp_path):
    for _ in range(2):
        killed(tmp_path, CSVLogger(tmp_path / "log.csv", append=True), At(kill, 0))
    train(tmp_path, CSVLogger(tmp_path / "log.csv", append=True), At(print, 9))
    epochs = [line.split(",")[0] for line in (tmp_path / "log.csv").read_text().splitlines()]
    assert epochs == ["epoch", "0", "1", "2"]


def test_a_second_fit_of_one_instance_begins_anew(tmp_path):
    backup = BackupAndRestore(tmp_path / "backup", verbose=0)
    for _ in range(2):
        run = Run(Model(), [backup], epochs=1, params={"verbose": 0})
        with run:
            assert list(run.epochs()) == [0]


def test_it_is_told_last_wherever_it_stands():
    told = Run(Model(), [BackupAndRestore("x"), History(), At(print)]).callbacks
    assert [type(one).__name__ for one in told] == ["History", "At", "BackupAndRestore"]


# --- which checkpoints stay --------------------------------------------------------------


def test_when_training_is_complete_nothing_stays(tmp_path):
    train(tmp_path)
    assert os.listdir(tmp_path) == []


def test_unless_it_was_asked_for(tmp_path):
    train(tmp_path, delete_checkpoint=False, keep=3)
    assert sorted(os.listdir(tmp_path / "backup")) == [
        ".lock",
        # The first is the one that had waited for the disk when the last was written.
        *(f"checkpoint-0000000{number}" for number in (0, 2, 3)),
    ]


@pytest.mark.parametrize("batch", [1, None])
def test_a_stop_that_ends_training_removes_them(tmp_path, batch):
    train(tmp_path, At(stop, 1, batch))
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("means", ["pause", "failure"])
@pytest.mark.parametrize("batch", [1, None])
def test_another_stop_leaves_them(tmp_path, means, batch):
    train(tmp_path, At(stop, 1, batch, means))
    assert len(list(tmp_path.glob("backup/checkpoint-*"))) == 2


def test_a_stop_by_nobody_leaves_them(tmp_path):
    train(tmp_path, validation=lambda run: run.stop())
    assert list(tmp_path.glob("backup/checkpoint-*"))


def test_a_run_that_was_killed_after_a_stop_stays_stopped(tmp_path):
    class Dies(Callback):
        remembers = ()

        def on_train_end(self, logs=None):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(tmp_path, At(stop, 1), Dies(), delete_checkpoint=False)
    model, history, run = train(tmp_path, At(stop, 1))
    assert (model.weight, history.epoch, run.outcome) == (8, [0, 1], "stopped")
    assert (run.stopped_by, run.stop_reason) == ("At", "enough")


def test_what_went_wrong_is_not_saved(tmp_path):
    class Breaks(Callback):
        remembers = ()

        def on_train_batch_end(self, batch, logs=None):
            logs["loss"] = float("nan") if self.model.weight >= 6 else 0.0

    train(tmp_path, Breaks(), TerminateOnNaN(), save_freq="batch", epochs=3)
    model, history, _ = train(tmp_path, At(print, 9), save_freq="batch")
    assert model.weight == 12
    assert history.history["weight"] == [2.5, 6.5, 10.5]


# --- pauses ------------------------------------------------------------------------------


def test_a_pause_in_an_epoch_saves_that_batch_whatever_the_cadence(tmp_path):
    _, history, run = train(tmp_path, At(stop, 1, 1, "pause"))
    assert history.epoch == [0, 1]  # on_epoch_end is called, with what there is
    assert run.outcome == "stopped"
    saved = CheckpointManager(tmp_path / "backup").latest()
    assert (saved["progress"]["epoch"], saved["progress"]["batch"]) == (1, 2)
    model, history, _ = train(tmp_path, At(print, 9))
    assert model.weight == 12
    assert history.history == {"weight": [2.5, 6.5, 10.5]}


@pytest.mark.parametrize("save_freq", ["epoch", "9 epochs", "batch", "1 hour"])
def test_a_pause_at_the_end_of_an_epoch_saves_the_whole_epoch(tmp_path, save_freq):
    train(tmp_path, At(stop, 1, None, "pause"), save_freq=save_freq)
    saved = CheckpointManager(tmp_path / "backup").latest()
    assert (saved["progress"]["epoch"], saved["in_epoch"]) == (2, False)
    model, history, _ = train(tmp_path, At(print, 9), save_freq=save_freq)
    assert (model.weight, history.epoch) == (12, [0, 1, 2])


def test_a_time_limit_pauses(tmp_path):
    clock = iter(range(1000))
    train(tmp_path, TimeLimit(6, clock=lambda: next(clock)))
    assert list(tmp_path.glob("backup/checkpoint-*"))
    model, history, run = train(tmp_path, TimeLimit("1 hour"))
    assert (model.weight, run.outcome) == (12, "completed")
    assert history.history == {"weight": [2.5, 6.5, 10.5]}


@pytest.mark.parametrize(
    ("means", "said"),
    [
        ("pause", "At: enough. Start the script again to go on from its checkpoint."),
        ("end", "At: enough."),
    ],
)
def test_a_stop_that_saves_the_run_says_how_to_go_on(tmp_path, capsys, means, said):
    listed = [At(stop, epoch=1, batch=0, stop_means=means), BackupAndRestore(tmp_path / "backup")]
    with Run(Model(), listed, epochs=3, params={"verbose": 1}) as run:
        for _ in run.epochs():
            for _ in run.batches(range(4), size=lambda batch: 10):
                run.log(weight=1)
    assert capsys.readouterr().out == f"Stopped in epoch 2 by {said}\n"


def signal_in(epoch, number):
    def validation(run):
        if run.progress.epoch == epoch:
            os.kill(os.getpid(), number)

    return validation


def test_sigterm_in_a_batch_saves_that_batch(tmp_path):
    def terminate(callback):
        os.kill(os.getpid(), signal.SIGTERM)

    with pytest.raises(SystemExit):
        train(tmp_path, At(terminate, 1, 1))
    model, history, _ = train(tmp_path, At(print, 9))
    assert (model.weight, history.history) == (12, {"weight": [2.5, 6.5, 10.5]})


def test_sigterm_in_validation_saves_the_whole_epoch(tmp_path):
    with pytest.raises(SystemExit):
        train(tmp_path, validation=signal_in(1, signal.SIGTERM))
    saved = CheckpointManager(tmp_path / "backup").latest()
    assert (saved["progress"]["epoch"], saved["in_epoch"]) == (2, False)


def test_an_error_leaves_the_last_save(tmp_path):
    def fail(callback):
        raise RuntimeError("boom")

    with pytest.raises(RuntimeError, match="boom"):
        train(tmp_path, At(fail, 2, 2))
    assert CheckpointManager(tmp_path / "backup").latest()["progress"]["epoch"] == 2


# --- what is refused ---------------------------------------------------------------------


def test_two_runs_on_one_folder_are_an_error_and_the_first_goes_on(tmp_path):
    errors = []

    def second(callback):
        with pytest.raises(StorageError, match="another run keeps its checkpoints in") as caught:
            train(tmp_path)
        errors.append(caught.value)

    _, _, run = train(tmp_path, At(second, 1, 1))
    assert errors
    assert run.outcome == "completed"


def test_another_model_is_an_error_that_says_where_the_checkpoint_is(tmp_path):
    class Other(Model):
        def load_state_for_resume(self, state):
            raise FileFormatError("other weights")

    killed(tmp_path, At(kill, 1))
    before = sorted(os.listdir(tmp_path / "backup"))
    with pytest.raises(FileFormatError) as caught:
        Run(Other(), [BackupAndRestore(tmp_path / "backup")]).__enter__()
    folder = str(tmp_path / "backup")
    assert f"the checkpoint is in {folder!r}" in caught.value.__notes__
    assert sorted(os.listdir(tmp_path / "backup")) == before
    model, *_ = train(tmp_path, At(print, 9))  # the folder is free, and whole
    assert model.weight == 12


def test_a_damaged_checkpoint_is_told_and_the_one_before_is_used(tmp_path):
    killed(tmp_path, At(kill, 2, 1))
    newest = max(tmp_path.glob("backup/checkpoint-*"))
    content = bytearray((newest / "arrays.bin").read_bytes())
    content[len(content) // 2] ^= 1
    (newest / "arrays.bin").write_bytes(content)
    with pytest.warns(OnfitWarning, match="is damaged .*; the one before it is used"):
        model, history, _ = train(tmp_path, At(print, 9))
    assert (model.weight, history.epoch) == (12, [0, 1, 2])


def test_a_disk_that_is_full_before_training_is_an_error_at_once(tmp_path, monkeypatch):
    def full(self, tree, **how):
        raise StorageError("the checkpoint could not be written: No space left on device")

    monkeypatch.setattr(CheckpointManager, "save", full)
    with pytest.raises(StorageError, match="No space left"):
        train(tmp_path)


def test_a_callback_that_cannot_be_saved_is_found_out_before_training(tmp_path):
    class Holds(Callback):
        def state_dict(self):
            return {"handle": print}

    trained = []
    with pytest.raises(TypeError, match="is no plain data"):
        train(tmp_path, Holds(), At(trained.append, 0, 0))
    assert trained == []


def test_a_model_that_cannot_be_saved_is_an_error_that_says_what_it_lacks(tmp_path):
    class Bare:
        stop_training = False

    with pytest.raises(CapabilityError, match="needs state_for_resume and load_state_for_resume"):
        Run(Bare(), [BackupAndRestore(tmp_path)]).__enter__()


@pytest.mark.parametrize("keep", [0, -1, True, 1.5, None])
def test_at_least_one_checkpoint_is_kept(keep):
    with pytest.raises(ArgumentError) as caught:
        BackupAndRestore("x", keep=keep)
    assert str(caught.value) == (
        f"BackupAndRestore(keep={keep!r}): keep is how many checkpoints stay, 1 or more. Keras 3 "
        "has double_checkpoint in this place; keep=2 is its True, keep=1 its False."
    )


@pytest.mark.parametrize("folder", ["", None, 3])
def test_a_folder_without_a_name_is_refused(folder, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ArgumentError, match=r"BackupAndRestore\(backup_dir=.*Name one, such as"):
        BackupAndRestore(folder)
    assert os.listdir() == []


def test_a_frequency_that_is_none_is_an_error():
    with pytest.raises(ArgumentError, match=r"BackupAndRestore\(save_freq='sometimes'\)"):
        BackupAndRestore("x", save_freq="sometimes")
