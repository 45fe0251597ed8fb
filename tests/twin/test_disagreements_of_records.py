"""What onfit and Keras do differently on purpose: records, weights, backups, validation data."""

import warnings
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from tests.callbacks.tensorboard.event_reader import read
from tests.twin.exclusions import excluded

import onfit
from onfit import callbacks, layers
from onfit.errors import OnfitWarning

X, Y = np.ones((8, 3), "float32"), np.ones((8, 1), "float32")


def compiled() -> onfit.Sequential:
    model = onfit.Sequential([layers.Dense(1, input_dim=3, name="dense")])
    model.compile("sgd", "mse")
    return model


@pytest.fixture
def logs(tmp_path: Path) -> Path:
    return tmp_path / "logs"


def fit(board: callbacks.TensorBoard, **arguments: Any) -> None:
    compiled().fit(X, Y, verbose=0, callbacks=[board], **arguments)


@excluded("histograms have the weights' own names")
def test_histograms_have_the_weights_own_names(logs: Path) -> None:
    fit(callbacks.TensorBoard(logs, histogram_freq=1, write_images=True), validation_data=(X, Y))
    tags = read(str(logs / "train")).Tags()
    assert {"dense.kernel", "dense.bias"} <= set(tags["histograms"])
    assert {"dense.kernel/image", "dense.bias/image"} <= set(tags["tensors"])


@excluded("histograms of weights need no validation data")
def test_histograms_of_weights_need_no_validation_data(logs: Path) -> None:
    with pytest.warns(OnfitWarning, match="left out"):
        fit(callbacks.TensorBoard(logs, histogram_freq=1))
    assert set(read(str(logs / "train")).Tags()["histograms"]) == {"dense.kernel", "dense.bias"}


@excluded("a second fit has curves of its own")
def test_a_second_fit_has_curves_of_its_own(logs: Path) -> None:
    board, model = callbacks.TensorBoard(logs), compiled()
    for _ in range(2):
        model.fit(X, Y, epochs=2, verbose=0, callbacks=[board])
    assert [event.step for event in read(str(logs / "train")).Scalars("epoch_loss")] == [0, 1]
    assert read(str(logs / "fit_2" / "train")).Tags()["scalars"]


@excluded("the projector's file is where events are")
def test_the_projectors_file_is_where_events_are(logs: Path) -> None:
    model = onfit.Sequential([layers.Embedding(5, 2, input_length=3), layers.Flatten()])
    model.compile("sgd", "mse")
    board = callbacks.TensorBoard(logs, embeddings_freq=1)
    model.fit(np.ones((4, 3), "int64"), np.ones((4, 6)), verbose=0, callbacks=[board])
    assert [path.parent for path in logs.rglob("projector_config.pbtxt")] == [logs / "train"]
    assert list((logs / "train").glob("events.out.*"))


@excluded("the best weights come back at the end")
def test_the_best_weights_come_back_at_the_end() -> None:
    model = compiled()
    stop = callbacks.EarlyStopping("loss", patience=1, restore_best_weights=True)
    stop.set_model(model)
    stop.on_train_begin()
    for epoch, loss in enumerate([0.5, 0.9]):
        model.set_weights([np.full((3, 1), epoch), np.zeros(1)])
        stop.on_epoch_end(epoch, {"loss": loss})
    assert model.stop_training
    assert model.get_weights()[0].tolist() == [[1], [1], [1]]
    stop.on_train_end()
    assert model.get_weights()[0].tolist() == [[0], [0], [0]]


@excluded("a backup at any cadence")
def test_a_backup_may_come_at_any_cadence() -> None:
    for cadence in ("batch", "10 minutes"):
        with pytest.raises(ValueError, match="Invalid value"):
            keras.callbacks.BackupAndRestore("backup", save_freq=cadence)
        assert callbacks.BackupAndRestore("backup", save_freq=cadence).save_freq == cadence


@excluded("the place is the run's")
def test_the_place_is_the_runs(tmp_path: Path) -> None:
    assert keras.callbacks.BackupAndRestore(str(tmp_path))._current_epoch == 0
    ours = callbacks.BackupAndRestore(tmp_path)
    assert not hasattr(ours, "_current_epoch")
    places = []
    look = callbacks.LambdaCallback(
        on_epoch_end=lambda epoch, logs: places.append(look.run.progress.epoch)
    )
    compiled().fit(X, Y, epochs=3, verbose=0, callbacks=[ours, look])
    assert places == [1, 2, 3]  # how many are done


@excluded("validation_data has two entries")
def test_validation_data_has_two_entries_and_weights_of_one() -> None:
    seen: list[Any] = []
    look = callbacks.LambdaCallback(on_train_end=lambda logs: seen.append(look.validation_data))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        compiled().fit(X, Y, validation_data=(X, Y), verbose=0, callbacks=[look])
    x, y = seen[0]
    assert (x.shape, y.shape) == (X.shape, Y.shape)
    assert seen[0][2].tolist() == [1] * 8
