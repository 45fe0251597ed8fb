"""A disk that is full, broken or read-only ends a training, and costs nothing that was there."""

import os
import re

import numpy as np
import pytest
import torch
from tests.faults.disk import FAULTS, Fails, contents, no_room_for

import onfit
from onfit import layers
from onfit.callbacks import BackupAndRestore, CSVLogger, ModelCheckpoint
from onfit.core.callback import Callback
from onfit.errors import OnfitWarning, StorageError

WIDTH = 120
EPOCHS = 4


@pytest.fixture(autouse=True)
def every_checkpoint_waits_for_the_disk(monkeypatch):
    """These epochs are so short that only the first would."""
    monkeypatch.setattr("onfit.storage.checkpoints._SOON", 0.0)


class NewColumn(Callback):
    """Logs something more from the second epoch on, so that a CSV file has to be replaced."""

    remembers = ()

    def on_epoch_end(self, epoch, logs=None):
        if epoch:
            logs["a name as long as the room that is left on the disk " * 1000] = 1.0


class Dies(Callback):
    """Ends training at the end of an epoch, as a fault of the user's own."""

    remembers = ()

    def on_epoch_end(self, epoch, logs=None):
        if epoch == 2:
            raise ZeroDivisionError


def train(*callbacks):
    """Train a net whose first kernel is too large for a disk that is full; its weights."""
    torch.manual_seed(0)
    model = onfit.Sequential([layers.Dense(WIDTH, input_dim=WIDTH), layers.Dense(1)])
    model.compile(onfit.optimizers.SGD(1e-3, momentum=0.9), "mse")
    x = np.random.default_rng(0).normal(size=(8, WIDTH)).astype("float32")
    model.fit(x, x[:, :1], batch_size=4, epochs=EPOCHS, verbose=0, callbacks=list(callbacks))
    return [weight.tobytes() for weight in model.get_weights()]


def backup(folder):
    return BackupAndRestore(folder / "backup", verbose=0)


WRITERS = {
    "checkpoint-00000002": lambda folder: [backup(folder)],
    "best.h5": lambda folder: [ModelCheckpoint(folder / "best.h5")],
    "log.csv": lambda folder: [NewColumn(), CSVLogger(folder / "log.csv")],
}


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("written", WRITERS)
def test_training_ends_with_an_error_and_all_that_was_there_is_there(tmp_path, written, fault):
    context, code = FAULTS[fault]
    fails = Fails(context(), tmp_path)
    with pytest.raises(StorageError) as caught:
        train(fails, *WRITERS[written](tmp_path))
    text = str(caught.value)
    assert written in text
    assert os.strerror(code).lower() in text.lower()
    assert re.search(r"Make room there|Choose a folder", text)
    assert any(written[:7] in name for name in fails.before)
    assert contents(tmp_path) == fails.before


@pytest.mark.parametrize("fault", ["full", "broken at the last step"])
@pytest.mark.parametrize("written", WRITERS)
def test_the_error_says_that_what_was_there_is_whole(tmp_path, written, fault):
    with pytest.raises(StorageError, match=r"as it was\.|as they were\."):
        train(Fails(FAULTS[fault][0](), tmp_path), *WRITERS[written](tmp_path))


@pytest.mark.parametrize("fault", FAULTS)
def test_when_there_is_room_again_the_run_goes_on_to_the_same_end(tmp_path, fault):
    expected = train()
    with pytest.raises(StorageError):
        train(Fails(FAULTS[fault][0](), tmp_path), backup(tmp_path))
    assert train(backup(tmp_path)) == expected


def test_a_line_for_which_there_is_no_room_is_not_begun(tmp_path):
    path = tmp_path / "log.csv"
    train(CSVLogger(tmp_path / "whole.csv"))
    lines = (tmp_path / "whole.csv").read_bytes().splitlines(keepends=True)
    there = b"".join(lines[:2])
    fails = Fails(no_room_for(len(there) + 3), tmp_path)
    with pytest.raises(
        StorageError, match=r"log\.csv': File too large\. What was there before is as"
    ):
        train(fails, CSVLogger(path), backup(tmp_path))
    assert fails.before["log.csv"] == there
    assert path.read_bytes() == there
    train(CSVLogger(path), backup(tmp_path))
    assert path.read_bytes() == b"".join(lines)


@pytest.mark.parametrize(
    "callback",
    [
        lambda folder: BackupAndRestore(folder / "backup"),
        lambda folder: ModelCheckpoint(folder / "best.h5"),
        lambda folder: CSVLogger(folder / "log.csv"),
    ],
)
def test_a_place_where_nothing_can_be_written_is_an_error_before_training(tmp_path, callback):
    (tmp_path / "taken").write_bytes(b"a file")
    begun = Fails(no_room_for(0), tmp_path, epoch=0)
    with pytest.raises(StorageError, match=re.escape(str(tmp_path / "taken"))):
        train(begun, callback(tmp_path / "taken"))
    assert begun.before is None
    assert contents(tmp_path) == {"taken": b"a file"}


# --- checkpoints that are damaged between two trainings ------------------------------------


@pytest.mark.parametrize("name", ["arrays.bin", "state.json", "manifest.json"])
@pytest.mark.parametrize("damage", ["flipped", "missing", "empty"])
def test_a_damaged_checkpoint_costs_an_epoch_and_not_the_run(tmp_path, name, damage):
    expected = train()
    with pytest.raises(ZeroDivisionError):
        train(Dies(), backup(tmp_path))
    newest = max(tmp_path.glob("backup/checkpoint-*"))
    _damage(newest / name, damage)
    with pytest.warns(OnfitWarning, match=r"is damaged \(.*\); the one before it is used"):
        assert train(backup(tmp_path)) == expected


def _damage(path, how):
    if how == "missing":
        path.unlink()
        return
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content if how == "flipped" else b"")
