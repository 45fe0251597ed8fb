"""CSVLogger: no other callback of the training writes its file."""

import pytest
from tests.callbacks.csv_logger.trained import text

from onfit.callbacks import CSVLogger, ModelCheckpoint
from onfit.core import Run
from onfit.errors import ArgumentError


class Saved:
    def save(self, path): ...

    save_weights = load_weights = save


def train(*callbacks):
    with Run(Saved(), callbacks) as run:
        for _ in run.epochs():
            run.log(loss=0.5, val_loss=0.5)


def test_two_loggers_of_one_file_are_an_error_before_training(path):
    with pytest.raises(ArgumentError, match=r"CSVLogger\(filename=.*writes the same file"):
        train(CSVLogger(path), CSVLogger(path, separator=";"))
    assert not path.exists()


def test_relative_and_absolute_paths_of_one_file_are_the_same(path, monkeypatch):
    monkeypatch.chdir(path.parent)
    with pytest.raises(ArgumentError, match="writes the same file"):
        train(CSVLogger(path), CSVLogger(path.name))


def test_a_checkpoint_of_the_same_file_is_named(path):
    with pytest.raises(ArgumentError, match=r"ModelCheckpoint\(filepath="):
        train(CSVLogger(path), ModelCheckpoint(path))


def test_loggers_of_two_files_write_both(path):
    other = path.with_name("other.csv")
    train(CSVLogger(path), CSVLogger(other))
    assert text(path) == text(other) == "epoch,loss,val_loss\r\n0,0.5,0.5\r\n"
