"""CSVLogger in a run that was killed and goes on."""

import os

import pytest
from tests.callbacks.csv_logger.trained import begin, resumed, rows, text, write

from onfit.callbacks.csv_logger import kept
from onfit.errors import OnfitWarning, StorageError
from onfit.storage import durable


@pytest.mark.parametrize("append", [False, True])
def test_a_resumed_run_goes_on_where_its_state_was_taken(path, append):
    state = write(begin(path, append=append), {"loss": 0}, {"loss": 1}).state_dict()
    write(resumed(path, state, append=append), {"loss": 2}, {"loss": 3, "acc": 1}, first=2)
    assert [row["epoch"] for row in rows(path)] == ["0", "1", "2", "3"]


@pytest.mark.parametrize("append", [False, True])
def test_lines_written_after_the_state_was_taken_are_written_anew(path, append):
    logger = write(begin(path, append=append), {"loss": 0}, {"loss": 1})
    state = logger.state_dict()
    write(logger, {"loss": 22, "acc": 1}, {"loss": 33}, first=2)
    write(resumed(path, state, append=append), {"loss": 2, "acc": 0}, first=2)
    assert text(path) == "epoch,acc,loss\r\n0,NA,0\r\n1,NA,1\r\n2,0,2\r\n"


def test_a_state_taken_before_the_first_line_keeps_what_the_file_had(path):
    write(begin(path), {"loss": 0}, {"loss": 1})
    logger = begin(path, append=True)
    state = logger.state_dict()
    write(logger, {"loss": 22}, first=2)
    write(resumed(path, state, append=True), {"loss": 2}, first=2)
    assert [row["loss"] for row in rows(path)] == ["0", "1", "2"]


def test_a_state_taken_before_the_first_line_replaces_what_another_run_left(path):
    state = begin(path).state_dict()
    write(begin(path), {"other": 0})
    write(resumed(path, state), {"loss": 1})
    assert text(path) == "epoch,loss\r\n0,1\r\n"


def test_a_state_taken_between_resuming_and_the_next_line_is_as_good(path):
    state = write(begin(path), {"loss": 0}, {"loss": 1}).state_dict()
    again = resumed(path, state).state_dict()
    assert again == state
    write(resumed(path, again), {"loss": 2}, first=2)
    assert len(rows(path)) == 3


@pytest.mark.parametrize("left", [None, b"", b"epoch,loss\r\n0,"])
def test_resuming_without_the_file_or_parts_of_it_writes_it_whole_again(path, left):
    state = write(begin(path), {"loss": 0}, {"loss": 1}).state_dict()
    path.unlink()
    if left is not None:
        path.write_bytes(left)
    write(resumed(path, state), {"loss": 2}, first=2)
    assert text(path) == "epoch,loss\r\n0,0\r\n1,1\r\n2,2\r\n"
    assert os.listdir(path.parent) == ["training.csv"]


def test_lines_of_another_training_are_kept_beside_those_that_were_saved(path, capsys):
    state = write(begin(path), {"loss": 0}, {"loss": 1}).state_dict()
    write(begin(path), {"mae": 5}, {"mae": 6}, {"mae": 7})
    write(resumed(path, state), {"loss": 2}, first=2)
    assert text(path) == "epoch,loss\r\n0,0\r\n1,1\r\n2,2\r\n"
    assert len(rows(path.with_name("training.1.csv"))) == 3
    assert "has lines of another training, which are now in" in capsys.readouterr().out


def test_a_long_file_is_not_kept_in_checkpoints_and_what_is_missing_is_said(path, monkeypatch):
    monkeypatch.setattr(kept, "_MOST", 20)
    state = write(begin(path), {"loss": 0}, {"loss": 1}).state_dict()
    assert state["content"] is None
    path.unlink()
    with pytest.warns(OnfitWarning) as caught:
        write(resumed(path, state), {"loss": 2}, first=2)
    assert str(caught[0].message) == (
        f"CSVLogger(filename={str(path)!r}) goes on in a file of 0 lines, which had 2 when the "
        "run was saved. What is missing stays so."
    )
    assert text(path) == "epoch,loss\r\n2,2\r\n"


@pytest.mark.parametrize("more", [{}, {"acc": 1}])
def test_a_state_of_an_earlier_version_has_no_bytes_and_is_resumed(path, more):
    logger = write(begin(path), {"loss": 0}, {"loss": 1})
    state = {name: logger.state_dict()[name] for name in ("size", "rows", "columns", "started")}
    write(logger, {"loss": 22, **more}, first=2)
    write(resumed(path, state), {"loss": 2}, first=2)
    assert text(path) == "epoch,loss\r\n0,0\r\n1,1\r\n2,2\r\n"


def test_a_line_cut_in_two_by_the_kill_is_written_anew(path):
    logger = write(begin(path), {"loss": 0})
    state = logger.state_dict()
    write(logger, {"loss": 1234}, first=1)
    os.truncate(path, path.stat().st_size - 3)
    write(resumed(path, state), {"loss": 1234}, first=1)
    assert text(path) == "epoch,loss\r\n0,0\r\n1,1234\r\n"


def test_resuming_keeps_every_byte_that_was_there(path):
    path.write_bytes(b'epoch,loss\n0,"0.50"\n\n')
    logger = write(begin(path, append=True), {"loss": 1}, first=1)
    state = logger.state_dict()
    write(logger, {"loss": 22}, first=2)
    write(resumed(path, state, append=True), {"loss": 2}, first=2)
    assert path.read_bytes() == b'epoch,loss\n0,"0.50"\n\n1,1\r\n2,2\r\n'


@pytest.fixture
def synced(monkeypatch):
    """The files for which the disk was waited for."""
    found = []
    monkeypatch.setattr(durable, "fsync_file", found.append)
    return found


def test_a_state_is_taken_once_the_lines_are_on_the_disk(path, synced, monkeypatch):
    monkeypatch.setattr(kept, "_MOST", 5)
    logger = begin(path)
    logger.state_dict()
    assert synced == []
    write(logger, {"loss": 0})
    synced.clear()
    assert logger.state_dict()["size"] == path.stat().st_size
    assert synced == [path]


def test_a_state_that_has_the_lines_itself_does_not_wait_for_the_disk(path, synced):
    logger = write(begin(path), {"loss": 0})
    synced.clear()
    state = logger.state_dict()
    assert synced == []
    path.write_bytes(b"")  # as after a power cut
    write(resumed(path, state), {"loss": 1}, first=1)
    assert text(path) == "epoch,loss\r\n0,0\r\n1,1\r\n"


def test_the_lines_are_on_the_disk_when_training_is_over(path, synced):
    logger = write(begin(path), {"loss": 0})
    synced.clear()
    logger.on_train_end()
    assert synced == [path]


def test_a_log_that_may_no_longer_be_written_is_one_clear_error(path, monkeypatch):
    def fails(path):
        raise PermissionError(13, "Permission denied")

    logger = write(begin(path), {"loss": 0})
    monkeypatch.setattr(durable, "fsync_file", fails)
    with pytest.raises(StorageError, match="Permission denied"):
        logger.on_train_end()
