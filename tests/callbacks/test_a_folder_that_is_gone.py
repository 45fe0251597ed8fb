"""Callbacks in a program whose own folder was removed: whole paths work, others are one error."""

from types import SimpleNamespace

import pytest

from onfit.callbacks import BackupAndRestore, CSVLogger, History, ModelCheckpoint, TensorBoard
from onfit.core.run import Run
from onfit.errors import StorageError


@pytest.fixture
def gone(tmp_path, monkeypatch):
    """The folder in which the program is; it is there no more."""
    folder = tmp_path / "gone"
    folder.mkdir()
    monkeypatch.chdir(folder)
    folder.rmdir()


class Model(SimpleNamespace):
    def save(self, filepath):
        with open(filepath, "w") as file:
            file.write("model")

    save_weights = load_weights = save

    def state_for_resume(self):
        return {}

    def load_state_for_resume(self, state):
        pass


def train(callback):
    history = History()
    model = Model(optimizer=SimpleNamespace(learning_rate=1.0), stop_training=False)
    with Run(model, [callback, history], epochs=2, params={"verbose": 0}) as run:
        for _ in run.epochs():
            for _ in run.batches([[1]]):
                run.log(loss=1.0)
    return history.history


CALLBACKS = {
    "CSVLogger": lambda folder: CSVLogger(f"{folder}log.csv"),
    "ModelCheckpoint": lambda folder: ModelCheckpoint(f"{folder}best.h5", monitor="loss"),
    "BackupAndRestore": lambda folder: BackupAndRestore(f"{folder}backup", verbose=0),
    "TensorBoard": lambda folder: TensorBoard(f"{folder}board"),
}


@pytest.mark.parametrize("name", CALLBACKS)
@pytest.mark.usefixtures("gone")
def test_a_whole_path_needs_no_folder_to_begin_from(tmp_path, name):
    assert train(CALLBACKS[name](f"{tmp_path}/")) == {"loss": [1.0, 1.0]}


@pytest.mark.parametrize("name", CALLBACKS)
@pytest.mark.usefixtures("gone")
def test_a_path_that_begins_there_is_an_error_before_training(name):
    with pytest.raises(StorageError, match=r"begins from the folder .* which is gone"):
        train(CALLBACKS[name](""))
