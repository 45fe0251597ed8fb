"""A relative path means one file for a whole training, wherever the program goes meanwhile."""

import os

import numpy as np
import pytest

from onfit import Sequential
from onfit.callbacks import (
    BackupAndRestore,
    CSVLogger,
    LambdaCallback,
    ModelCheckpoint,
    TensorBoard,
)
from onfit.layers import Dense, Embedding

WRITERS = {
    "BackupAndRestore": (lambda: BackupAndRestore("backup", verbose=0), []),
    "CSVLogger": (lambda: CSVLogger("log.csv"), ["log.csv"]),
    "ModelCheckpoint": (
        lambda: ModelCheckpoint("{epoch}.weights.h5", "loss", save_weights_only=True),
        ["1.weights.h5", "2.weights.h5", "3.weights.h5"],
    ),
    "ModelCheckpoint(keep=)": (
        lambda: ModelCheckpoint("in/{epoch}.keras", "loss", keep=1, save_last="in/last.keras"),
        ["in"],
    ),
    "ModelCheckpoint(background=)": (
        lambda: ModelCheckpoint("best.keras", "loss", save_best_only=True, background=True),
        ["best.keras"],
    ),
    "TensorBoard": (lambda: TensorBoard("logs", update_freq="batch", profile_batch=2), ["logs"]),
    "TensorBoard(embeddings=)": (
        lambda: TensorBoard("logs", embeddings_freq=1, embeddings_metadata="words.tsv"),
        ["logs"],
    ),
}


@pytest.fixture
def folders(tmp_path, monkeypatch):
    start, elsewhere = tmp_path / "start", tmp_path / "elsewhere"
    start.mkdir()
    elsewhere.mkdir()
    monkeypatch.chdir(start)
    return start, elsewhere


def model():
    made = Sequential([Embedding(3, 2, input_length=4), Dense(1)])
    made.compile("sgd", "mse")
    return made


@pytest.mark.parametrize("name", WRITERS)
def test_all_is_written_where_it_was_begun(folders, name):
    start, elsewhere = folders
    make, left = WRITERS[name]
    (start / "words.tsv").write_text("a\nb\nc\n")
    moves = LambdaCallback(
        on_train_batch_begin=lambda batch, logs: os.chdir(elsewhere),
        on_epoch_end=lambda epoch, logs: os.chdir(start if epoch == 1 else elsewhere),
        on_train_end=lambda logs: os.chdir(elsewhere),
    )
    x = np.ones((8, 4))
    model().fit(x, np.ones((8, 4, 1)), epochs=3, verbose=0, callbacks=[moves, make()])
    assert os.listdir(elsewhere) == []
    assert sorted({*os.listdir(start)} - {"words.tsv"}) == left


def test_the_lines_of_all_epochs_are_in_one_file(folders):
    start, elsewhere = folders
    moves = LambdaCallback(on_epoch_end=lambda epoch, logs: os.chdir(elsewhere))
    x = np.ones((8, 4))
    model().fit(x, np.ones((8, 4, 1)), epochs=4, verbose=0, callbacks=[moves, CSVLogger("l.csv")])
    assert len((start / "l.csv").read_text().splitlines()) == 5


@pytest.mark.parametrize("hook", ["on_train_begin", "on_epoch_end"])
def test_by_hand_it_is_the_folder_of_the_first_hook(folders, hook):
    start, elsewhere = folders
    logger = CSVLogger("log.csv")
    logger.on_train_begin() if hook == "on_train_begin" else logger.on_epoch_end(0, {"loss": 1})
    os.chdir(elsewhere)
    logger.on_epoch_end(1, {"loss": 1, "acc": 2})
    logger.on_epoch_end(2, {"loss": 1})
    assert os.listdir(elsewhere) == []
    assert "log.csv" in os.listdir(start)


def test_the_next_training_begins_in_the_folder_where_it_is_begun(folders):
    start, elsewhere = folders
    saver = ModelCheckpoint("a.weights.h5", "loss", save_weights_only=True)
    for folder in (start, elsewhere):
        os.chdir(folder)
        model().fit(np.ones((8, 4)), np.ones((8, 4, 1)), verbose=0, callbacks=[saver])
        assert os.listdir(folder) == ["a.weights.h5"]
