"""TensorBoard only shows: what it cannot write ends no training."""

import errno
import os
from types import SimpleNamespace

import numpy as np
import pytest
from tests.callbacks.tensorboard.event_reader import histograms, read, train_batches

from onfit import Sequential
from onfit.callbacks import TensorBoard
from onfit.callbacks.tensorboard.event_files import EventFiles
from onfit.core import Run
from onfit.core.callback import Callback
from onfit.errors import OnfitWarning
from onfit.layers import Dense


def steps(folder, tag):
    return [point.step for point in read(folder).Scalars(tag)]


class Fails(Callback):
    """The disk under TensorBoard is full in these epochs."""

    def __init__(self, monkeypatch, epochs):
        self.monkeypatch, self.epochs = monkeypatch, epochs

    def on_epoch_begin(self, epoch, logs=None):
        self.monkeypatch.undo()
        if epoch in self.epochs:
            for name in ("add_scalars", "add_histogram", "flush"):
                self.monkeypatch.setattr(EventFiles, name, _full)


def _full(*arguments):
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_a_full_disk_is_said_once_and_when_there_is_room_again_the_curves_go_on(
    tmp_path, monkeypatch
):
    board = TensorBoard(tmp_path, update_freq="batch", histogram_freq=1)
    model = Sequential([Dense(1, input_dim=2)])
    model.compile("sgd", "mse")
    callbacks = [Fails(monkeypatch, (1, 2)), board]
    x = np.ones((8, 2))
    data = {"validation_split": 0.5, "batch_size": 2}
    with pytest.warns(OnfitWarning, match="could not write all: .*No space left.*goes on") as told:
        history = model.fit(x, x[:, :1], epochs=4, verbose=0, callbacks=callbacks, **data)
    assert (len(told), history.epoch) == (1, [0, 1, 2, 3])
    assert steps(tmp_path / "train", "epoch_loss") == [0, 3]
    assert {row[0] for rows in histograms(tmp_path / "train").values() for row in rows} == {0, 3}


def test_a_model_that_fails_when_it_is_looked_at_ends_no_training(tmp_path):
    class Odd(SimpleNamespace):
        def named_weights(self):
            raise RuntimeError("not now")

    model = Odd(named_activations=None)
    with pytest.warns(OnfitWarning, match="could not write all: RuntimeError: not now"):
        train_batches(TensorBoard(tmp_path, histogram_freq=1), 1, epochs=2, model=model)
    assert steps(tmp_path / "train", "epoch_loss") == [0, 1]


@pytest.mark.parametrize(
    ("numbers", "shown"),
    [
        ([np.nan, np.inf, -np.inf, 2.0], (2.0, 2.0, 1)),
        ([np.nan], None),
        ([], None),
        ([True, False], (0.0, 1.0, 2)),
        ([1e308, -1e308, 1.7e308], (-1e308, 1.7e308, 3)),
        ([1.0, np.nextafter(1.0, 2.0)], (1.0, np.nextafter(1.0, 2.0), 2)),
        ([5e-324, 0.0], (0.0, 5e-324, 2)),
        (np.float16([6e4, 1]), (1.0, 60000.0, 2)),
        (np.int64([2**62, 0]), (0.0, 2.0**62, 2)),
        (3, (3.0, 3.0, 1)),
    ],
)
def test_histograms_take_numbers_of_every_kind(tmp_path, numbers, shown):
    files = EventFiles(tmp_path)
    files.add_histogram("train", "numbers", np.array(numbers), 0)
    files.add_scalars("train", {"one": 1.0}, 0)
    files.close()
    expected = {} if shown is None else {"numbers": [(0, *shown)]}
    assert histograms(tmp_path / "train") == expected


# --- loops by hand -----------------------------------------------------------------------------


def by_hand(board, epochs):
    for epoch in range(epochs):
        board.on_epoch_begin(epoch)
        for batch in range(2):
            board.on_train_batch_end(batch, {"loss": 1.0})
        board.on_epoch_end(epoch, {"loss": 1.0})


@pytest.mark.parametrize("ends", [True, False])
def test_two_loops_by_hand_have_curves_of_their_own(tmp_path, ends):
    board = TensorBoard(tmp_path, update_freq="batch")
    for _ in range(2):
        by_hand(board, 3)
        if ends:
            board.on_train_end()
    board.on_train_end()
    for folder in (tmp_path, tmp_path / "fit_2"):
        assert steps(folder / "train", "epoch_loss") == [0, 1, 2]
        assert steps(folder / "train", "batch_loss") == list(range(6))


def test_epochs_alone_by_hand_have_curves_of_their_own_too(tmp_path):
    board = TensorBoard(tmp_path)
    for epoch in (0, 1, 0, 1, 2):
        board.on_epoch_end(epoch, {"loss": 1.0})
    board.on_train_end()
    assert steps(tmp_path / "train", "epoch_loss") == [0, 1]
    assert steps(tmp_path / "fit_2/train", "epoch_loss") == [0, 1, 2]


# --- curves that Keras has, too ----------------------------------------------------------------


@pytest.mark.parametrize("update_freq", ["epoch", "batch"])
def test_steps_a_second_are_written_where_they_are_asked_for(tmp_path, update_freq):
    board = TensorBoard(tmp_path, update_freq=update_freq, write_steps_per_second=True)
    train_batches(board, 3, epochs=2)
    tags = read(tmp_path / "train").Tags()["scalars"]
    assert ("batch_steps_per_second" in tags) == (update_freq == "batch")
    assert steps(tmp_path / "train", "epoch_steps_per_second") == [0, 1]
    rates = [point.value for point in read(tmp_path / "train").Scalars("epoch_steps_per_second")]
    assert min(rates) > 0


def test_steps_a_second_are_not_written_otherwise(tmp_path):
    train_batches(TensorBoard(tmp_path, update_freq="batch"), 3)
    assert not [tag for tag in read(tmp_path / "train").Tags()["scalars"] if "second" in tag]


def test_validations_are_written_over_the_steps_of_the_optimizer(tmp_path):
    model = Sequential([Dense(1, input_dim=2)])
    model.compile("sgd", "mse", metrics=["mae"])
    x = np.ones((8, 2))
    board = TensorBoard(tmp_path)
    data = {"validation_split": 0.5, "batch_size": 2, "verbose": 0}
    model.fit(x, x[:, :1], epochs=3, callbacks=[board], **data)
    for name in ("loss", "mae"):
        assert steps(tmp_path / "validation", f"evaluation_{name}_vs_iterations") == [2, 4, 6]


def test_an_evaluation_on_its_own_is_written_at_once(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    model = Sequential([Dense(1, input_dim=2)])
    model.compile("sgd", "mse")
    board = TensorBoard("logs")
    x = np.ones((8, 2))
    model.evaluate(x, x[:, :1], verbose=0, callbacks=[board])
    model.train_on_batch(x, x[:, :1])
    model.evaluate(x, x[:, :1], verbose=0, callbacks=[board])
    assert steps("logs/validation", "evaluation_loss_vs_iterations") == [0, 1]


def test_a_model_without_an_optimizer_has_no_such_curve(tmp_path):
    with Run(SimpleNamespace(), TensorBoard(tmp_path), epochs=1) as run:
        for _ in run.epochs():
            for _ in run.validation([1]):
                run.log(loss=1.0)
    assert read(tmp_path / "validation").Tags()["scalars"] == ["epoch_loss"]
