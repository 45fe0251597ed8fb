"""Checkpoints: each whole or not there, whatever happens while it is written."""

import copy
import errno
import json
import os
import stat
import tempfile
from pathlib import Path
from types import SimpleNamespace

import pytest
from tests.faults.disk import no_room_for
from tests.storage.some import TREE, as_nobody, hidden_too, names, tree

from onfit.errors import StorageError
from onfit.storage import checkpoints as room
from onfit.storage import durable
from onfit.storage.checkpoints import CheckpointManager


def test_there_is_none_to_begin_with(tmp_path):
    manager = CheckpointManager(tmp_path / "nowhere")
    assert manager.latest() is None
    assert not manager.folder.exists()


def test_the_newest_comes_back_as_it_was_saved(kept):
    latest = kept.latest()
    assert latest["epoch"] == 2
    assert latest["weights"][0].tobytes() == tree(2)["weights"][0].tobytes()


def test_as_many_stay_as_are_to_be_kept(kept):
    kept.save(tree(3), wait=True)
    assert names(kept) == ["checkpoint-00000001", "checkpoint-00000002"]
    assert kept.latest()["epoch"] == 3


def test_numbers_go_on_in_another_process(kept):
    again = CheckpointManager(kept.folder, keep=1)
    again.save(tree(3))
    assert names(again) == ["checkpoint-00000002"]


# --- the folder of one that went is that of the next --------------------------------------


def test_the_folder_of_one_that_went_is_that_of_the_next(tmp_path, monkeypatch):
    manager, made = CheckpointManager(tmp_path / "backup", keep=2), []
    real = room.tempfile.mkdtemp
    monkeypatch.setattr(room.tempfile, "mkdtemp", lambda **more: made.append(1) or real(**more))
    for epoch in range(20):
        manager.save(tree(epoch))
    assert len(made) == 3  # two that stay, and one that changes places with them
    assert CheckpointManager(manager.folder).latest()["weights"][0][0] == 19.0


@pytest.mark.parametrize("end", ["release", "settle"])
def test_no_empty_folder_is_left_when_the_run_is_over(kept, end):
    kept.acquire()
    kept.save(tree(3), wait=True)
    assert len(hidden_too(kept)) == 4
    getattr(kept, end)()
    kept.release()
    assert hidden_too(kept) == [".lock", "checkpoint-00000001", "checkpoint-00000002"]


def test_an_empty_folder_that_a_killed_run_left_is_removed(kept):
    kept.save(tree(3), wait=True)
    assert len(hidden_too(kept)) == 3
    again = CheckpointManager(kept.folder)
    again.acquire()
    again.release()
    assert hidden_too(kept) == [".lock", "checkpoint-00000001", "checkpoint-00000002"]


def test_what_a_user_put_into_a_checkpoint_goes_with_it(kept):
    oldest = kept.folder / "checkpoint-00000000"
    (oldest / "notes.txt").write_text("mine")
    (oldest / "more").mkdir()
    for epoch in range(3, 6):
        kept.save(tree(epoch), wait=True)
    assert names(kept) == ["checkpoint-00000003", "checkpoint-00000004"]
    for name in names(kept):
        assert sorted(os.listdir(kept.folder / name)) == [
            "arrays.bin",
            "manifest.json",
            "state.json",
        ]


@pytest.mark.parametrize("linked", ["checkpoint-00000000", ".writing-checkpoint-00000000"])
def test_where_a_folder_is_a_link_nothing_behind_it_is_removed(kept, tmp_path, linked):
    if linked.startswith("."):
        kept.save(tree(3), wait=True)
    elsewhere = tmp_path / "elsewhere"
    (kept.folder / linked).rename(elsewhere)
    (elsewhere / "precious").write_text("mine")
    (kept.folder / linked).symlink_to(elsewhere)
    before = sorted(os.listdir(elsewhere))
    for epoch in range(3, 8):
        kept.save(tree(epoch), wait=True)
    kept.acquire()  # this removes what killed runs left
    assert linked not in hidden_too(kept)
    kept.clear()
    kept.release()
    assert sorted(os.listdir(elsewhere)) == before


def test_a_copy_of_a_manager_leaves_the_empty_folder_to_the_first(kept):
    kept.save(tree(3))
    twin = copy.deepcopy(kept)
    twin.save(tree(4))
    kept.save(tree(5))
    assert kept.latest()["epoch"] == 5


# --- in which order, so that a power cut at any moment leaves the last one whole ---------


def test_files_are_on_the_disk_before_the_name_and_the_name_before_it_counts(tmp_path, monkeypatch):
    done = []
    for step in ("fsync_file", "rename", "fsync_folder"):
        real = getattr(durable, step)

        def noted(*paths, step=step, real=real):
            done.append((step, *(path.name for path in paths)))
            real(*paths)

        monkeypatch.setattr(durable, step, noted)
    removed = []
    monkeypatch.setattr(CheckpointManager, "_empty", lambda self, old: removed.append(len(done)))
    (tmp_path / "backup").mkdir()
    manager = CheckpointManager(tmp_path / "backup", keep=1)
    manager.save(TREE)
    hidden = done[3][1]
    assert hidden.startswith(".writing-")
    assert done == [
        ("fsync_file", "state.json"),
        ("fsync_file", "arrays.bin"),
        ("fsync_file", "manifest.json"),
        ("fsync_folder", hidden),
        ("rename", hidden, "checkpoint-00000000"),
        ("fsync_folder", "backup"),
    ]
    manager.save(TREE, wait=True)
    # The older one goes only when the newer is there for good.
    assert removed == [12]


def test_each_of_these_steps_asks_the_system(kept, monkeypatch):
    asked = []
    fsync, replace = os.fsync, os.replace

    def noted_fsync(descriptor):
        asked.append("folder" if stat.S_ISDIR(os.fstat(descriptor).st_mode) else "file")
        fsync(descriptor)

    def noted_replace(source, target):
        asked.append("rename")
        replace(source, target)

    monkeypatch.setattr(os, "fsync", noted_fsync)
    monkeypatch.setattr(os, "replace", noted_replace)
    kept.save(tree(3), wait=True)
    assert asked == ["file", "file", "file", "folder", "rename", "folder"]


@pytest.fixture
def clock(monkeypatch):
    """The seconds that checkpoints see; a test sets them."""
    now = SimpleNamespace(seconds=100.0)
    monkeypatch.setattr(room.time, "monotonic", lambda: now.seconds)
    return now


def test_one_that_comes_within_a_second_does_not_wait_for_the_disk(tmp_path, monkeypatch, clock):
    manager, waited = CheckpointManager(tmp_path), []
    monkeypatch.setattr(os, "fsync", lambda descriptor: waited.append(clock.seconds))
    for seconds in (100.0, 100.5, 100.9, 101.0, 101.5):
        clock.seconds = seconds
        manager.save(TREE)
    assert sorted(set(waited)) == [100.0, 101.0]
    assert manager.latest()["epoch"] == 0


def test_that_on_the_disk_stays_until_a_newer_one_is(tmp_path, clock):
    manager = CheckpointManager(tmp_path, keep=2)
    for number in range(5):
        manager.save(tree(number))
    assert names(manager) == ["checkpoint-00000000", "checkpoint-00000004"]
    clock.seconds += 1
    manager.save(tree(5))
    assert names(manager) == ["checkpoint-00000004", "checkpoint-00000005"]
    assert manager.latest()["epoch"] == 5


def test_it_stays_beside_the_only_one_to_be_kept(tmp_path, clock):
    manager = CheckpointManager(tmp_path, keep=1)
    for number in range(3):
        manager.save(tree(number))
    assert names(manager) == ["checkpoint-00000000", "checkpoint-00000002"]
    manager.save(tree(3), wait=True)
    assert names(manager) == ["checkpoint-00000003"]


def test_a_folder_that_is_made_for_them_is_on_the_disk_before_anything_is_in_it(
    tmp_path, monkeypatch
):
    synced = []
    monkeypatch.setattr(durable, "fsync_folder", synced.append)
    CheckpointManager(tmp_path / "runs" / "backup").save(TREE)
    assert synced[:2] == [tmp_path, tmp_path / "runs"]


# --- when it cannot be written -----------------------------------------------------------


def test_on_a_full_disk_earlier_checkpoints_stay_and_no_litter(kept):
    before = names(kept)
    with no_room_for(1000), pytest.raises(StorageError) as caught:
        kept.save(tree(3))
    text = str(caught.value)
    assert text.startswith(f"the checkpoint {str(kept.folder / 'checkpoint-00000002')!r} could not")
    assert os.strerror(errno.EFBIG) in text
    assert text.endswith(
        "Earlier ones are as they were. Make room there, or choose another folder."
    )
    assert names(kept) == before
    assert kept.latest()["epoch"] == 2
    kept.save(tree(4))
    assert kept.latest()["epoch"] == 4


@pytest.mark.parametrize("step", ["fsync_file", "rename"])
def test_a_failing_step_leaves_what_was_there(kept, monkeypatch, step):
    def full(*paths):
        raise OSError(errno.ENOSPC, "No space left on device")

    before = names(kept)
    monkeypatch.setattr(durable, step, full)
    with pytest.raises(StorageError, match="No space left"):
        kept.save(tree(3), wait=True)
    assert names(kept) == before


@pytest.fixture
def read_only():
    """A folder that may be read and not written."""
    with tempfile.TemporaryDirectory() as outer:
        os.chmod(outer, 0o755)
        folder = Path(outer) / "read-only"
        folder.mkdir(0o555)
        yield folder
        folder.chmod(0o755)


def test_a_read_only_folder_is_an_error_before_training(read_only):
    for folder in (read_only, read_only / "new"):
        with as_nobody(), pytest.raises(StorageError) as caught:
            CheckpointManager(folder).acquire()
        assert str(caught.value) == (
            f"checkpoints cannot be kept in {str(folder)!r}: Permission denied. "
            "Choose a folder that you may write to."
        )


def test_a_folder_below_a_file_is_an_error_that_says_so(tmp_path):
    (tmp_path / "taken").write_text("a file")
    for manage in (CheckpointManager.acquire, lambda manager: manager.save(TREE)):
        with pytest.raises(StorageError, match=r"taken.*Choose a folder|taken.*choose another"):
            manage(CheckpointManager(tmp_path / "taken" / "backup"))
    assert (tmp_path / "taken").read_text() == "a file"


def test_a_read_only_folder_is_an_error_when_saving(read_only):
    with as_nobody(), pytest.raises(StorageError, match=r"could not be written: .*Permission"):
        CheckpointManager(read_only).save(TREE)


def test_what_is_no_plain_data_is_refused_before_anything_is_written(kept):
    before = names(kept)
    with pytest.raises(TypeError, match="is no plain data"):
        kept.save({"weights": print})
    assert names(kept) == before


def test_other_files_in_the_folder_are_left_alone(kept):
    (kept.folder / "notes.txt").write_text("mine")
    (kept.folder / "checkpoint-best").mkdir()
    assert kept.latest()["epoch"] == 2
    kept.clear()
    assert names(kept) == ["checkpoint-best", "notes.txt"]


# --- removing ----------------------------------------------------------------------------


def test_clearing_removes_all_and_the_folder(kept):
    kept.acquire()
    kept.clear()
    kept.release()
    assert not kept.folder.exists()


def test_a_crash_while_clearing_leaves_the_newest_or_nothing(kept, monkeypatch):
    class Killed(BaseException):
        pass

    def killed(path, **arguments):
        raise Killed

    monkeypatch.setattr(room.shutil, "rmtree", killed)
    with pytest.raises(Killed):
        kept.clear()
    monkeypatch.undo()
    again = CheckpointManager(kept.folder)
    assert again.latest()["epoch"] == 2  # the older one was to go first
    monkeypatch.setattr(room.shutil, "rmtree", killed)
    with pytest.raises(Killed):
        again.clear()
    monkeypatch.undo()
    assert again.latest() is None
    again.acquire()
    again.release()
    assert names(again) == [".lock"]


def test_a_manifest_lists_size_and_checksum_of_each_file(kept):
    folder = kept.folder / "checkpoint-00000001"
    manifest = json.loads((folder / "manifest.json").read_text())
    assert manifest["format"] == 3
    assert {name: facts["size"] for name, facts in manifest["files"].items()} == {
        name: (folder / name).stat().st_size for name in ("state.json", "arrays.bin")
    }


def test_a_file_where_the_folder_should_be_is_an_error_that_says_so(tmp_path):
    file = tmp_path / "backup"
    file.write_text("mine")
    with pytest.raises(StorageError, match=r"it is a file\. Choose a folder"):
        CheckpointManager(file).acquire()
    assert file.read_text() == "mine"
