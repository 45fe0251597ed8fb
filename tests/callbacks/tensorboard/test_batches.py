"""The points of batches: noted at each, written together, and none of them lost or late."""

from types import SimpleNamespace

import pytest
from tests.callbacks.tensorboard.event_reader import read

from onfit.callbacks.tensorboard import TensorBoard
from onfit.callbacks.tensorboard import batch_points as batch_points_module
from onfit.callbacks.tensorboard.batch_points import BatchPoints
from onfit.core import Run
from onfit.core.logs import Logs
from onfit.errors import OnfitWarning, StorageError


class Clock:
    """A clock that the test moves on."""

    def __init__(self):
        self.now = 100.0

    def monotonic(self):
        return self.now

    def time(self):
        return 1_000_000.0 + self.now


@pytest.fixture
def clock(monkeypatch):
    clock = Clock()
    monkeypatch.setattr(batch_points_module, "time", clock)
    return clock


def points(folder, tag="batch_loss"):
    return [(point.step, point.value) for point in read(folder).Scalars(tag)]


def shown(board, folder, tag="batch_loss"):
    """What can be seen while training goes on, once the writer's thread has written."""
    board._output._files.flush()
    return points(folder, tag)


def begun(folder):
    board = TensorBoard(folder, update_freq="batch", write_graph=False)
    board.on_train_begin()
    return board


def test_the_points_of_a_second_are_written_together(tmp_path, clock):
    board = begun(tmp_path)
    for batch in range(4):
        board.on_train_batch_end(batch, {"loss": float(batch)})
        clock.now += 0.4
    # The first at once; then those that a second has brought.
    assert shown(board, tmp_path / "train") == [(0, 0.0), (1, 1.0), (2, 2.0), (3, 3.0)]
    board.on_train_batch_end(4, {"loss": 4.0})
    assert shown(board, tmp_path / "train")[-1] == (3, 3.0)
    board.on_train_end()
    assert points(tmp_path / "train")[-1] == (4, 4.0)


def test_a_point_after_a_pause_is_written_at_once(tmp_path, clock):
    board = begun(tmp_path)
    for batch in range(3):
        board.on_train_batch_end(batch, {"loss": float(batch)})
        assert shown(board, tmp_path / "train")[-1] == (batch, float(batch))
        clock.now += 60
    board.on_train_end()


def test_no_more_than_some_hundred_wait(clock):
    kept = BatchPoints()
    assert len(list(kept.take())) == 0
    for step in range(511):
        kept.note(step, {})
        assert not kept.due
    kept.note(511, {})
    assert kept.due


def test_a_point_says_when_its_batch_ended(tmp_path, clock):
    board = begun(tmp_path)
    for batch in range(3):
        board.on_train_batch_end(batch, {"loss": 1.0})
        clock.now += 0.25
    board.on_train_end()
    times = [point.wall_time for point in read(tmp_path / "train").Scalars("batch_loss")]
    assert times == [1_000_100.0, 1_000_100.25, 1_000_100.5]


def test_what_is_noted_is_not_read_before_it_is_written(clock):
    read_by = []
    logs = Logs(batch=0, size=2)
    logs.defer(["loss"], lambda: read_by.append("writing") or [0.25])
    kept = BatchPoints()
    kept.note(7, logs)
    assert read_by == []
    (point,) = kept.take()
    assert (point.step, point.values()) == (7, {"loss": 0.25})
    assert read_by == ["writing"]


def test_a_point_has_what_was_logged_when_its_turn_came(tmp_path, clock):
    board = begun(tmp_path)
    for batch in range(2):
        logs = {"loss": 1.0}
        board.on_train_batch_end(batch, logs)
        logs["loss"], logs["later"] = 9.0, 1.0  # a callback behind it
    board.on_train_end()
    assert points(tmp_path / "train") == [(0, 1.0), (1, 1.0)]
    assert read(tmp_path / "train").Tags()["scalars"] == ["batch_loss"]


def test_a_batch_is_one_event_however_much_it_logs(tmp_path):
    from tensorboard.backend.event_processing.event_file_loader import EventFileLoader

    board = begun(tmp_path)
    board.on_train_batch_end(0, {"loss": 1.0, "acc": 0.5})
    board.on_train_end()
    (file,) = (tmp_path / "train").iterdir()
    values = [len(event.summary.value) for event in EventFileLoader(str(file)).Load()]
    assert values == [0, 0, 2]  # the first says the version; the next comes before new tags


def test_batches_of_an_epoch_are_there_when_it_is_over(tmp_path, clock):
    board = TensorBoard(tmp_path, update_freq="batch", write_graph=False)
    with Run(SimpleNamespace(), board, epochs=2) as run:
        for epoch in run.epochs():
            if epoch == 1:
                assert points(tmp_path / "train") == [(0, 0.0), (1, 1.0), (2, 2.0)]
            for batch in run.batches([0.0, 1.0, 2.0], size=lambda batch: 1):
                run.log(loss=batch)
    assert len(points(tmp_path / "train")) == 6


def test_a_second_training_within_the_same_second_loses_nothing(tmp_path, clock):
    board = begun(tmp_path)
    for _ in range(2):
        board.on_train_batch_end(0, {"loss": 1.0})
        board.on_train_batch_end(1, {"loss": 1.0})
        board.on_train_end()
        board.on_train_begin()
    board.on_train_end()
    assert len(points(tmp_path / "train")) == 4


def test_the_files_are_closed_even_if_the_last_points_cannot_be_written(tmp_path, clock):
    board = begun(tmp_path)
    board.on_train_batch_end(0, {"loss": 1.0})
    files, closed = board._output._files, []
    close = files.close

    def fails(*arguments):
        raise StorageError("no room")

    files.add_scalars, files.close = fails, lambda: closed.append(close())
    board.on_train_batch_end(1, {"loss": 1.0})
    with pytest.warns(OnfitWarning, match="could not write all: StorageError: no room"):
        board.on_train_end()
    assert closed == [None]
