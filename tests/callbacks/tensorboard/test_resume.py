"""TensorBoard in a run that goes on: what is gone through again is shown once."""

import logging
from types import SimpleNamespace

import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from onfit.callbacks import TensorBoard
from onfit.core.run import Run


@pytest.fixture(autouse=True)
def quiet():
    """The accumulator reports each purge."""
    logger = logging.getLogger("tensorboard")
    before, logger.level = logger.level, logging.ERROR
    yield
    logger.level = before


def shown(folder, tag):
    board = EventAccumulator(str(folder), size_guidance={"scalars": 0}).Reload()
    return [(one.step, one.value) for one in board.Scalars(tag)]


class Walk:
    """A run whose hooks the test calls, from a given place on."""

    def __init__(self, board, epoch=0, step=0):
        self.board, self.epoch, self.step = board, epoch, step
        board.run = Run(SimpleNamespace(), epochs=9)
        board.set_model(board.run.model)
        board.on_train_begin({})

    def batch(self, loss):
        self.step += 1
        self.board.run.progress.step, self.board.run.progress.epoch = self.step, self.epoch
        self.board.on_train_batch_end(0, {"size": 1, "loss": loss})

    def end_epoch(self, **logs):
        self.board.on_epoch_end(self.epoch, logs)
        self.epoch += 1

    def resumed(self, state):
        self.board.run.progress.step = self.step
        self.board.load_state_dict(state)
        return self


def board(folder, **arguments):
    return TensorBoard(folder, write_graph=False, **arguments)


def test_epochs_that_are_gone_through_again_show_once(tmp_path):
    walk = Walk(board(tmp_path))
    walk.end_epoch(loss=5.0, val_loss=6.0)
    state = walk.board.state_dict()
    walk.end_epoch(loss=4.0, val_loss=5.0)
    walk.end_epoch(loss=3.0, val_loss=4.0)
    again = Walk(board(tmp_path), epoch=1).resumed(state)
    again.end_epoch(loss=4.0, val_loss=5.0)
    again.board.on_train_end({})
    assert shown(tmp_path / "train", "epoch_loss") == [(0, 5.0), (1, 4.0)]
    assert shown(tmp_path / "validation", "epoch_loss") == [(0, 6.0), (1, 5.0)]


def test_a_run_that_goes_on_from_its_very_beginning_shows_once(tmp_path):
    walk = Walk(board(tmp_path))
    state = walk.board.state_dict()
    walk.end_epoch(loss=5.0)
    again = Walk(board(tmp_path)).resumed(state)
    again.end_epoch(loss=5.0)
    again.board.on_train_end({})
    assert shown(tmp_path / "train", "epoch_loss") == [(0, 5.0)]


def test_batches_that_are_gone_through_again_show_once_and_none_is_lost(tmp_path):
    walk = Walk(board(tmp_path, update_freq="batch"))
    for loss in (9.0, 8.0):
        walk.batch(loss)
    state = walk.board.state_dict()
    for loss in (7.0, 6.0):
        walk.batch(loss)
    walk.end_epoch(loss=7.5)
    again = Walk(board(tmp_path, update_freq="batch"), step=2).resumed(state)
    for loss in (7.0, 6.0, 5.0):
        again.batch(loss)
    again.end_epoch(loss=7.0)
    again.board.on_train_end({})
    points = [(0, 9.0), (1, 8.0), (2, 7.0), (3, 6.0), (4, 5.0)]
    assert shown(tmp_path / "train", "batch_loss") == points


def test_what_the_state_counts_is_in_the_files(tmp_path):
    walk = Walk(board(tmp_path, update_freq="batch"))
    walk.batch(9.0)
    assert walk.board.state_dict()["step"] == 1
    # Nothing was closed: as if the process had been killed here.
    assert shown(tmp_path / "train", "batch_loss") == [(0, 9.0)]
    walk.board.on_train_end({})


def test_a_cadence_goes_on_counting(tmp_path):
    walk = Walk(board(tmp_path, update_freq="3 batches"))
    walk.batch(9.0)
    walk.batch(8.0)
    again = Walk(board(tmp_path, update_freq="3 batches"), step=2).resumed(walk.board.state_dict())
    again.batch(7.0)
    again.board.on_train_end({})
    assert shown(tmp_path / "train", "batch_loss") == [(2, 7.0)]


def test_a_new_training_hides_nothing(tmp_path):
    one = board(tmp_path)
    for loss in (5.0, 4.0):
        walk = Walk(one)
        walk.end_epoch(loss=loss)
        one.on_train_end({})
    assert shown(tmp_path / "train", "epoch_loss") == [(0, 5.0), (0, 4.0)]
