"""Event files sort in the order they were written in, however soon one follows the other."""

import os
import time

import pytest
from tests.callbacks.tensorboard.event_reader import read

from onfit.callbacks.tensorboard.event_files import EventFiles
from onfit.callbacks.tensorboard.writer import _later


def write(folder, step):
    """One more file, of one point; its name."""
    before = set(os.listdir(folder))
    files = EventFiles(folder.parent)
    files.add_scalars(folder.name, {"loss": float(step)}, step)
    files.close()
    (name,) = set(os.listdir(folder)) - before
    return name


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "train").mkdir()
    return tmp_path / "train"


def test_files_of_one_second_sort_as_they_were_written_and_so_does_the_curve(folder):
    names = [write(folder, step) for step in range(12)]  # the eleventh would come after the first
    assert sorted(names) == names
    assert [point.step for point in read(folder).Scalars("loss")] == list(range(12))


def test_after_a_clock_was_set_back_the_new_file_still_comes_last(folder):
    ahead = int(time.time()) + 5000
    (folder / f"events.out.tfevents.{ahead}.zebra.9.9").write_bytes(b"")
    assert write(folder, 0).startswith(f"events.out.tfevents.{ahead + 1}.")


def test_where_no_other_stands_a_file_is_named_by_the_clock(folder):
    (folder / "notes.txt").write_text("mine")
    (folder / "events.out.tfevents.later").write_bytes(b"")
    begin = int(time.time())
    second = int(write(folder, 0).split(".")[3])
    assert begin <= second <= time.time()


def test_the_files_that_stand_there_are_left_as_they_are(folder):
    first = folder / write(folder, 0)
    content = first.read_bytes()
    write(folder, 1)
    assert first.read_bytes() == content


def test_a_name_that_is_made_otherwise_stays(folder):
    assert _later("run/curve.tfevents", ["events.out.tfevents.7.pc"]) == "run/curve.tfevents"


def test_only_the_second_of_a_name_is_changed():
    taken = ["events.out.tfevents.0000000041.a", "x", "events.out.tfevents.0000000040.b"]
    name = "a.b/events.out.tfevents.0000000007.pc.example.1.0"
    assert _later(name, taken) == "a.b/events.out.tfevents.0000000042.pc.example.1.0"
