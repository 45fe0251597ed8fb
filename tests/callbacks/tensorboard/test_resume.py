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
        board._session = Run(SimpleNamespace(), epochs=9)
        board.set_model(board.run.model)
        board.on_train_begin({})

    def batch(self, loss, **more):
        self.step += 1
        self.board.run.progress.step, self.board.run.progress.epoch = self.step, self.epoch
        self.board.on_train_batch_end(0, {"size": 1, "loss": loss, **more})

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


def test_epochs_show_once_where_batches_are_written_beside_them(tmp_path):
    walk = Walk(board(tmp_path, update_freq="batch"))
    walk.batch(9.0)
    walk.end_epoch(loss=9.0)
    walk.batch(8.0)
    state = walk.board.state_dict()
    walk.end_epoch(loss=8.0)
    walk.batch(7.0)
    walk.end_epoch(loss=7.0, rare=1.0)
    again = Walk(board(tmp_path, update_freq="batch"), epoch=1, step=2).resumed(state)
    again.end_epoch(loss=8.0)
    again.batch(7.0)
    again.end_epoch(loss=7.0, rare=1.0)
    again.board.on_train_end({})
    assert shown(tmp_path / "train", "epoch_loss") == [(0, 9.0), (1, 8.0), (2, 7.0)]
    assert shown(tmp_path / "train", "epoch_rare") == [(2, 1.0)]
    assert shown(tmp_path / "train", "batch_loss") == [(0, 9.0), (1, 8.0), (2, 7.0)]


def test_a_value_that_few_batches_log_shows_once(tmp_path):
    walk = Walk(board(tmp_path, update_freq="batch"))
    state = walk.board.state_dict()
    for step in range(6):
        walk.batch(step, **({"norm": 1.0} if step in (2, 5) else {}))
    walk.board.state_dict()
    again = Walk(board(tmp_path, update_freq="batch")).resumed(state)
    for step in range(6):
        again.batch(step, **({"norm": 1.0} if step in (2, 5) else {}))
    again.board.on_train_end({})
    assert [step for step, _ in shown(tmp_path / "train", "batch_norm")] == [2, 5]
    assert [step for step, _ in shown(tmp_path / "train", "batch_loss")] == list(range(6))


# --- several trainings with one callback ---------------------------------------------------


def fit(one, epochs, initial_epoch=0):
    walk = Walk(one, epoch=initial_epoch)
    for epoch in range(initial_epoch, epochs):
        one.on_epoch_begin(epoch, {})
        walk.batch(float(epoch))
        walk.batch(float(epoch))
        walk.end_epoch(loss=float(epoch), val_loss=float(epoch))
    one.on_train_end({})


def steps(folder, tag):
    return [step for step, _ in shown(folder, tag)]


@pytest.mark.parametrize("initial_epoch", [2, 5])
def test_a_training_that_begins_where_the_last_ended_goes_on_in_its_curves(tmp_path, initial_epoch):
    one = board(tmp_path, update_freq="batch")
    fit(one, 2)
    fit(one, initial_epoch + 1, initial_epoch)
    assert steps(tmp_path / "train", "epoch_loss") == [0, 1, initial_epoch]
    assert steps(tmp_path / "validation", "epoch_loss") == [0, 1, initial_epoch]
    assert steps(tmp_path / "train", "batch_loss") == list(range(6))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["train", "validation"]


@pytest.mark.parametrize("initial_epoch", [0, 1])
def test_a_training_that_begins_earlier_has_a_folder_of_its_own(tmp_path, initial_epoch):
    one = board(tmp_path, update_freq="batch")
    fit(one, 2)
    fit(one, 3, initial_epoch)
    fit(one, 4, 3)
    fit(one, 1)
    assert steps(tmp_path / "train", "epoch_loss") == [0, 1]
    assert steps(tmp_path / "train", "batch_loss") == [0, 1, 2, 3]
    assert steps(tmp_path / "fit_2/train", "epoch_loss") == list(range(initial_epoch, 4))
    assert steps(tmp_path / "fit_2/train", "batch_loss") == list(range(2 * (4 - initial_epoch)))
    assert steps(tmp_path / "fit_3/validation", "epoch_loss") == [0]


def test_one_that_goes_on_after_an_interrupted_epoch_takes_that_epoch_up(tmp_path):
    one = board(tmp_path, update_freq="batch")
    walk = Walk(one)
    walk.batch(1.0)
    walk.end_epoch(loss=1.0)
    one.on_epoch_begin(1, {})
    walk.batch(2.0)
    one.on_train_end({})  # interrupted
    fit(one, 2, 1)
    assert steps(tmp_path / "train", "epoch_loss") == [0, 1]
    assert steps(tmp_path / "train", "batch_loss") == [0, 1, 2, 3]


def test_a_later_training_that_is_resumed_finds_its_folder_and_its_steps(tmp_path):
    one = board(tmp_path, update_freq="batch")
    fit(one, 2)
    walk = Walk(one)
    one.on_epoch_begin(0, {})
    walk.batch(5.0)
    state = one.state_dict()
    walk.batch(6.0)
    again = Walk(board(tmp_path, update_freq="batch"), step=1).resumed(state)
    again.batch(6.0)
    again.end_epoch(loss=5.5)
    again.board.on_train_end({})
    assert shown(tmp_path / "fit_2/train", "batch_loss") == [(0, 5.0), (1, 6.0)]
    assert steps(tmp_path / "fit_2/train", "epoch_loss") == [0]
    assert steps(tmp_path / "train", "epoch_loss") == [0, 1]


def test_a_state_taken_before_the_first_epoch_still_knows_where_the_last_training_ended(tmp_path):
    one = board(tmp_path)
    fit(one, 2)
    state = Walk(one).board.state_dict()
    again = board(tmp_path)
    walk = Walk(again).resumed(state)
    again.on_epoch_begin(0, {})
    walk.end_epoch(loss=1.0)
    again.on_train_end({})
    assert steps(tmp_path / "fit_2/train", "epoch_loss") == [0]
