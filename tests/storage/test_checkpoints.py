"""Checkpoints: each whole or not there, whatever happens while it is written."""

import builtins
import errno
import hashlib
import io
import json
import os
import stat
import tempfile
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from tests.faults.disk import no_room_for

from onfit.errors import FileFormatError, OnfitWarning, StorageError
from onfit.storage import checkpoints as room
from onfit.storage import durable
from onfit.storage.checkpoints import CheckpointManager

TREE = {"epoch": 0, "weights": [np.arange(3000.0)]}


def tree(epoch: int):
    return {"epoch": epoch, "weights": [np.arange(3000.0) + epoch]}


@pytest.fixture
def kept(tmp_path):
    """A manager, and two checkpoints in its folder."""
    manager = CheckpointManager(tmp_path / "backup", keep=2)
    manager.save(tree(1))
    manager.save(tree(2))
    return manager


def names(manager) -> list[str]:
    return sorted(os.listdir(manager.folder))


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
    monkeypatch.setattr(CheckpointManager, "_remove", lambda self, old: removed.append(len(done)))
    (tmp_path / "backup").mkdir()
    manager = CheckpointManager(tmp_path / "backup", keep=1)
    manager.save(TREE)
    hidden = done[3][1]
    assert hidden.startswith(".writing-")
    assert done == [
        ("fsync_file", "state.json"),
        ("fsync_file", "arrays.npz"),
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


@contextmanager
def as_nobody():
    """Without the rights of root, which may write everywhere."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


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


# --- when it is damaged ------------------------------------------------------------------


def flip(path: Path, position: int) -> None:
    content = bytearray(path.read_bytes())
    content[position] ^= 1
    path.write_bytes(content)


@pytest.mark.parametrize("name", ["arrays.npz", "state.json"])
@pytest.mark.parametrize("position", [0, 20, -1])
def test_a_flipped_bit_is_told_and_the_one_before_is_used(kept, name, position):
    newest = kept.folder / "checkpoint-00000001"
    flip(newest / name, position)
    with pytest.warns(OnfitWarning) as caught:
        assert kept.latest()["epoch"] == 1
    assert str(caught[0].message) == (
        f"the checkpoint {str(newest)!r} is damaged ({name} has another content than was "
        "written); the one before it is used."
    )
    assert newest.exists()


def test_a_file_cut_short_is_told(kept):
    os.truncate(kept.folder / "checkpoint-00000001" / "arrays.npz", 100)
    with pytest.warns(OnfitWarning, match=r"\(arrays.npz has another size than was written\)"):
        assert kept.latest()["epoch"] == 1


@pytest.mark.parametrize("name", ["arrays.npz", "state.json", "manifest.json"])
def test_a_missing_file_is_told(kept, name):
    (kept.folder / "checkpoint-00000001" / name).unlink()
    with pytest.warns(OnfitWarning, match=r"is damaged \(its manifest cannot be read: .*No such"):
        assert kept.latest()["epoch"] == 1


def test_any_flipped_bit_of_a_manifest_is_told(kept):
    manifest = kept.folder / "checkpoint-00000001" / "manifest.json"
    for position in range(manifest.stat().st_size):
        flip(manifest, position)
        with pytest.warns(OnfitWarning, match="is damaged"):
            assert kept.latest()["epoch"] == 1
        flip(manifest, position)
    assert kept.latest()["epoch"] == 2


@pytest.mark.parametrize("version", [0, -1, True, "1", None, 1.5, [1]])
def test_a_format_that_never_was_is_damage(kept, version):
    manifest = kept.folder / "checkpoint-00000001" / "manifest.json"
    text = manifest.read_text().replace('"format": 1', f'"format": {json.dumps(version)}')
    manifest.write_text(text)
    if version is True:  # in Python that is 1
        assert kept.latest()["epoch"] == 2
        return
    with pytest.warns(OnfitWarning, match=r"\(its format is .*, and 1 is known\)"):
        assert kept.latest()["epoch"] == 1


@pytest.mark.parametrize("version", ["2", "10", "1" + "0" * 400])
def test_a_checkpoint_of_a_newer_version_is_an_error_and_stays(kept, version):
    before = names(kept)
    manifest = kept.folder / "checkpoint-00000001" / "manifest.json"
    manifest.write_text(f'{{"format": {version}, "all": "else is unknown"}}')
    with pytest.raises(FileFormatError, match=r"a newer version of onfit wrote .*00000001"):
        kept.latest()
    kept.clear()
    assert names(kept) == before[1:]


@pytest.mark.parametrize("number", [errno.EACCES, errno.EIO, errno.EMFILE, errno.ESTALE])
@pytest.mark.parametrize("name", ["manifest.json", "arrays.npz", "state.json"])
def test_a_checkpoint_that_cannot_be_read_now_is_an_error_and_stays(
    kept, monkeypatch, number, name
):
    before, real = names(kept), io.open

    def fails(file, *arguments, **more):
        if str(file).endswith(f"checkpoint-00000001/{name}"):
            raise OSError(number, os.strerror(number), str(file))
        return real(file, *arguments, **more)

    for place in (io, builtins):
        monkeypatch.setattr(place, "open", fails)
    with pytest.raises(StorageError, match=r"00000001' cannot be read now: .*Start again when"):
        kept.latest()
    again = CheckpointManager(kept.folder, keep=1)
    again.save(tree(3))
    assert names(kept) == ["checkpoint-00000001", "checkpoint-00000002"]
    again.clear()
    assert names(kept) == ["checkpoint-00000001"]
    monkeypatch.undo()
    assert kept.latest()["epoch"] == 2
    assert len(before) == 2


def test_a_folder_that_cannot_be_read_now_is_an_error(kept):
    kept.folder.chmod(0)
    try:
        with as_nobody(), pytest.raises(StorageError, match="Permission denied"):
            kept.latest()
    finally:
        kept.folder.chmod(0o755)
    assert kept.latest()["epoch"] == 2


def sign(folder: Path) -> None:
    """Make the sums of a manifest those of its files."""
    listed = {
        name: {
            "size": (folder / name).stat().st_size,
            "blake2b": hashlib.blake2b((folder / name).read_bytes()).hexdigest(),
        }
        for name in ("state.json", "arrays.npz")
    }
    (folder / "manifest.json").write_text(json.dumps({"format": 1, "files": listed}))


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("state.json", b"no json"),
        ("state.json", b"[" * 100_000),
        ("state.json", b'{"a": ' * 3000 + b"1" + b"}" * 3000),
        ("state.json", b"1" + b"0" * 5000),
        ("state.json", b'{"onfit:array": "77"}'),
        ("state.json", b'{"onfit:numbers": []}'),
        ("state.json", b'{"onfit:tensor": [1, 2]}'),
        ("state.json", b"\xff\xfe"),
        ("arrays.npz", b""),
        ("arrays.npz", b"no archive"),
    ],
)
def test_right_sums_of_what_no_run_writes_are_an_error_and_it_stays(kept, name, content):
    newest = kept.folder / "checkpoint-00000001"
    (newest / name).write_bytes(content)
    sign(newest)
    with pytest.raises(FileFormatError, match=r"but not the content of a checkpoint .*It stays"):
        kept.latest()
    assert newest.exists()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        "{}",
        '{"format": 1, "files": {}}',
        '{"format": 1, "files": {"state.json": 3}}',
        '{"format": 1, "files": []}',
    ],
)
def test_a_manifest_that_says_nothing_is_told(kept, text):
    (kept.folder / "checkpoint-00000001" / "manifest.json").write_text(text)
    with pytest.warns(OnfitWarning, match="its manifest cannot be read"):
        assert kept.latest()["epoch"] == 1


@pytest.mark.parametrize("text", ["[" * 100_000, '{"format": 1' + "0" * 5000 + "}"])
def test_a_manifest_that_no_reader_takes_is_told(kept, text):
    (kept.folder / "checkpoint-00000001" / "manifest.json").write_text(text)
    with pytest.warns(OnfitWarning, match="its manifest cannot be read"):
        assert kept.latest()["epoch"] == 1


def test_where_all_are_damaged_an_error_says_how_to_begin_anew(kept):
    before = names(kept)
    for name in before:
        flip(kept.folder / name / "state.json", 3)
    with pytest.raises(FileFormatError) as caught:
        kept.latest()
    text = str(caught.value)
    assert text.count("is damaged (state.json has another content than was written)") == 2
    assert text.endswith(
        "none before it is whole. Nothing was trained or removed. To begin anew, remove "
        f"{str(kept.folder)!r}, or give this run another folder."
    )
    assert names(kept) == before


def test_what_is_damaged_does_not_count_as_kept(kept):
    flip(kept.folder / "checkpoint-00000001" / "state.json", 3)
    again = CheckpointManager(kept.folder, keep=2)
    again.save(tree(3))
    assert names(kept) == [f"checkpoint-0000000{number}" for number in range(3)]
    again.save(tree(4))
    assert names(kept) == [f"checkpoint-0000000{number}" for number in (1, 2, 3)]
    again.clear()
    assert not kept.folder.exists()


def test_a_damaged_one_is_never_written_over(kept):
    flip(kept.folder / "checkpoint-00000001" / "state.json", 3)
    CheckpointManager(kept.folder).save(tree(3))
    assert kept.latest()["epoch"] == 3
    assert names(kept) == [f"checkpoint-0000000{number}" for number in range(3)]


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
    assert manifest["format"] == 1
    assert {name: facts["size"] for name, facts in manifest["files"].items()} == {
        name: (folder / name).stat().st_size for name in ("state.json", "arrays.npz")
    }
