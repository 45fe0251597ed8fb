"""A disk that is full under TensorBoard's writer, which writes in a thread of its own."""

import os
import threading

import pytest
from tests.callbacks.tensorboard.event_reader import read
from tests.faults.disk import no_room_for

from onfit.callbacks.tensorboard.event_files import EventFiles
from onfit.errors import StorageError


@pytest.fixture
def told(monkeypatch):
    """The error that ended the thread; else it would go to stderr."""
    errors = []
    monkeypatch.setattr(threading, "excepthook", lambda why: errors.append(why.exc_value))
    return errors


def write(files, losses):
    for step, loss in losses.items():
        files.add_scalars("train", {"loss": loss}, step)
    files.flush()


def test_the_error_names_the_folder_and_earlier_points_are_there(tmp_path, told):
    files = EventFiles(tmp_path)
    write(files, {0: 3.0})
    (name,) = os.listdir(tmp_path / "train")
    before = (tmp_path / "train" / name).read_bytes()
    with no_room_for(len(before) + 20), pytest.raises(StorageError) as caught:
        write(files, {1: 2.0})
    assert str(caught.value) == (
        f"event files cannot be written in {str(tmp_path)!r}: File too large. What was there "
        "before is as it was. Make room there, or choose another log_dir."
    )
    assert (tmp_path / "train" / name).read_bytes().startswith(before)
    assert [(point.step, point.value) for point in read(tmp_path / "train").Scalars("loss")] == [
        (0, 3.0)
    ]


def test_when_there_is_room_again_new_files_go_on(tmp_path, told):
    files = EventFiles(tmp_path)
    with no_room_for(20), pytest.raises(StorageError, match="File too large"):
        write(files, dict.fromkeys(range(50), 3.0))
    again = EventFiles(tmp_path)
    write(again, {0: 3.0})
    again.close()
    assert [point.step for point in read(tmp_path / "train").Scalars("loss")] == [0]
