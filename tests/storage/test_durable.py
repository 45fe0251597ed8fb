"""replacing: a file is the old one or the new one, at every moment."""

import errno
import glob
import os
import stat
import time
from pathlib import Path

import pytest
from tests.faults.disk import no_room_for

from onfit.errors import StorageError
from onfit.storage import durable, replacing, require_writable

STEPS = ("fsync_file", "rename", "fsync_folder")


@pytest.fixture
def steps(monkeypatch):
    """The steps that are done, each with the paths it was done to."""
    done = []
    for name in STEPS:
        step = getattr(durable, name)

        def noted(*paths, name=name, step=step):
            done.append((name, *paths))
            step(*paths)

        monkeypatch.setattr(durable, name, noted)
    return done


def mode(path):
    return stat.S_IMODE(os.stat(path).st_mode)


def write(path, text, error=None):
    with replacing(path) as temporary:
        temporary.write_text(text)
        if error is not None:
            raise error


def test_when_the_block_ends_well_the_file_is_there_and_nothing_else(tmp_path):
    write(tmp_path / "a.txt", "new")
    assert (tmp_path / "a.txt").read_text() == "new"
    assert os.listdir(tmp_path) == ["a.txt"]


def test_an_old_file_is_replaced(tmp_path):
    (tmp_path / "a.txt").write_text("old and longer")
    write(tmp_path / "a.txt", "new")
    assert (tmp_path / "a.txt").read_text() == "new"


def test_until_the_block_ends_the_old_file_is_whole(tmp_path):
    target = tmp_path / "a.txt"
    target.write_text("old")
    with replacing(target) as temporary:
        temporary.write_text("new")
        assert target.read_text() == "old"


def test_the_file_is_synced_then_renamed_then_its_folder_synced(tmp_path, steps):
    target = tmp_path / "a.txt"
    with replacing(target) as temporary:
        temporary.write_text("new")
        assert steps == []
    assert steps == [
        ("fsync_file", temporary),
        ("rename", temporary, target),
        ("fsync_folder", tmp_path),
    ]


def test_each_step_asks_the_system(tmp_path, monkeypatch):
    synced = []
    fsync = os.fsync

    def noted(descriptor):
        synced.append(stat.S_ISDIR(os.fstat(descriptor).st_mode))
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", noted)
    write(tmp_path / "a.txt", "new")
    assert synced == [False, True]


def test_the_temporary_file_lies_hidden_in_the_same_folder_with_the_same_suffix(tmp_path):
    with replacing(tmp_path / "model.weights.h5") as temporary:
        assert temporary.parent == tmp_path
        assert temporary.name.startswith(".")
        assert temporary.suffix == ".h5"
        assert glob.glob(str(tmp_path / "*.h5")) == []


@pytest.mark.parametrize("error", [ValueError("boom"), KeyboardInterrupt(), SystemExit(1)])
def test_a_crash_in_the_block_leaves_the_old_file_and_no_litter(tmp_path, steps, error):
    target = tmp_path / "a.txt"
    target.write_text("old")
    with pytest.raises(type(error)):
        write(target, "half of the n", error)
    assert target.read_text() == "old"
    assert os.listdir(tmp_path) == ["a.txt"]
    assert steps == []


@pytest.mark.parametrize("step", ["fsync_file", "rename"])
def test_a_failure_before_the_rename_leaves_the_old_file_and_no_litter(tmp_path, monkeypatch, step):
    target = tmp_path / "a.txt"
    target.write_text("old")

    def full(*paths):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(durable, step, full)
    with pytest.raises(StorageError) as caught:
        write(target, "new")
    assert str(caught.value) == (
        f"cannot write {str(target)!r}: No space left on device. What was there before is as it "
        "was. Make room there, or choose another place."
    )
    assert target.read_text() == "old"
    assert os.listdir(tmp_path) == ["a.txt"]


def test_on_a_full_disk_the_old_file_stays_and_no_litter(tmp_path):
    target = tmp_path / "a.txt"
    target.write_text("old")
    with no_room_for(10), pytest.raises(StorageError, match=r"a\.txt': File too large\. What was"):
        write(target, "new and longer than there is room for")
    assert target.read_text() == "old"
    assert os.listdir(tmp_path) == ["a.txt"]


def test_an_error_that_is_not_the_disks_is_left_as_it_is(tmp_path):
    refused = ConnectionResetError(errno.ECONNRESET, "Connection reset by peer")
    with pytest.raises(ConnectionResetError) as caught:
        write(tmp_path / "a.txt", "half", refused)
    assert caught.value is refused


# --- adding to a file --------------------------------------------------------------------


@pytest.mark.parametrize("number", [errno.ESTALE, errno.EBUSY, errno.EXDEV, errno.EACCES])
@pytest.mark.parametrize("step", ["rename", "fsync_file"])
def test_a_disk_of_another_machine_has_more_ways_to_say_no(tmp_path, monkeypatch, number, step):
    def fails(*paths):
        raise OSError(number, os.strerror(number))

    target = tmp_path / "a.txt"
    target.write_text("old")
    monkeypatch.setattr(durable, step, fails)
    said = f"{os.strerror(number)}. What was there before is"
    with pytest.raises(StorageError, match=said), replacing(target) as temporary:
        temporary.write_text("new")
    assert target.read_text() == "old"
    assert os.listdir(tmp_path) == ["a.txt"]


@pytest.mark.parametrize("place", ["folder", "lost/log.csv"])
def test_what_cannot_be_opened_to_add_to_is_one_clear_error(tmp_path, place):
    (tmp_path / "folder").mkdir()
    with pytest.raises(StorageError, match=r"cannot write .*Make room there, or choose another"):
        durable.append(tmp_path / place, b"a line")


def test_what_is_added_comes_after_what_was_there(tmp_path):
    durable.append(tmp_path / "a.txt", b"one ")
    durable.append(tmp_path / "a.txt", b"two")
    assert (tmp_path / "a.txt").read_bytes() == b"one two"


def test_on_a_full_disk_nothing_is_added_rather_than_a_part(tmp_path):
    target = tmp_path / "a.txt"
    target.write_bytes(b"a line\r\n")
    with no_room_for(10), pytest.raises(StorageError) as caught:
        durable.append(target, b"another\r\n")
    assert str(caught.value) == (
        f"cannot write {str(target)!r}: File too large. What was there before is as it was. "
        "Make room there, or choose another place."
    )
    assert target.read_bytes() == b"a line\r\n"
    durable.append(target, b"another\r\n")
    assert target.read_bytes() == b"a line\r\nanother\r\n"


# --- where and what it may be ------------------------------------------------------------


def test_a_block_that_removes_its_file_is_an_error_and_the_old_file_stays(tmp_path):
    target = tmp_path / "a.txt"
    target.write_text("old")
    with pytest.raises(StorageError, match="No such file"), replacing(target) as temporary:
        temporary.unlink()
    assert target.read_text() == "old"


def test_a_folder_that_cannot_be_synced_is_no_reason_to_fail(tmp_path):
    durable.fsync_folder(tmp_path / "missing")


@pytest.mark.parametrize(("umask", "expected"), [(0o022, 0o644), (0o077, 0o600), (0o002, 0o664)])
def test_the_umask_decides_who_may_read(tmp_path, umask, expected):
    before = os.umask(umask)
    try:
        write(tmp_path / "a.txt", "new")
        assert os.umask(umask) == umask
    finally:
        os.umask(before)
    assert mode(tmp_path / "a.txt") == expected


def test_missing_folders_are_made(tmp_path):
    write(tmp_path / "a" / "b" / "c.txt", "new")
    assert (tmp_path / "a" / "b" / "c.txt").read_text() == "new"


def test_the_name_of_each_folder_that_is_made_is_on_the_disk_too(tmp_path, steps):
    write(tmp_path / "a" / "b" / "c.txt", "new")
    made = [("fsync_folder", tmp_path), ("fsync_folder", tmp_path / "a")]
    assert steps[:2] == made
    write(tmp_path / "a" / "b" / "c.txt", "newer")
    assert [name for name, *_ in steps[2:]] == [*STEPS, *STEPS]


def test_where_permissions_cannot_be_given_the_file_is_written_all_the_same(tmp_path, monkeypatch):
    monkeypatch.delattr(os, "fchmod")
    write(tmp_path / "a.txt", "new")
    assert (tmp_path / "a.txt").read_text() == "new"


def test_a_path_may_be_text_and_relative(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write("a.txt", "new")
    assert Path("a.txt").read_text() == "new"


def test_a_symbolic_link_stays_one(tmp_path):
    (tmp_path / "there").mkdir()
    real, link = tmp_path / "there" / "real.txt", tmp_path / "link.txt"
    real.write_text("old")
    link.symlink_to(real)
    write(link, "new")
    assert link.is_symlink()
    assert real.read_text() == "new"
    assert os.listdir(tmp_path / "there") == ["real.txt"]


def test_a_link_to_nothing_yet_makes_what_it_points_to(tmp_path):
    link = tmp_path / "link.txt"
    link.symlink_to(tmp_path / "real.txt")
    write(link, "new")
    assert link.is_symlink()
    assert (tmp_path / "real.txt").read_text() == "new"


def test_a_folder_is_no_file_to_write(tmp_path):
    with pytest.raises(StorageError) as caught:
        write(tmp_path, "new")
    assert str(caught.value) == (
        f"cannot write {str(tmp_path)!r}: it is a folder. Give the name of a file."
    )


@pytest.mark.parametrize("kind", ["a pipe", "a link to one", "a device"])
def test_a_device_or_a_pipe_is_never_replaced(tmp_path, kind):
    target = tmp_path / "a.txt"
    pipe = target if kind == "a pipe" else tmp_path / "pipe"
    os.mkfifo(pipe)
    if kind != "a pipe":
        target.symlink_to(pipe if kind == "a link to one" else os.devnull)
    for write_it in (lambda: write(target, "new"), lambda: require_writable(target, "It")):
        with pytest.raises(StorageError, match="it is a device or a pipe"):
            write_it()
    assert stat.S_ISFIFO(pipe.stat().st_mode)
    assert stat.S_ISCHR(os.stat(os.devnull).st_mode)


def test_a_file_in_the_place_of_a_folder_is_an_error_that_says_so(tmp_path):
    (tmp_path / "file").write_text("")
    target = tmp_path / "file" / "a.txt"
    with pytest.raises(StorageError) as caught:
        write(target, "new")
    assert isinstance(caught.value, OSError)
    assert str(caught.value).startswith(f"cannot write {str(target)!r}: ")
    assert "Choose a folder that exists or can be made" in str(caught.value)


def test_a_folder_that_may_not_be_written_is_an_error_that_says_so(tmp_path, monkeypatch):
    def refuse(*args, **kwargs):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(durable.tempfile, "mkstemp", refuse)
    with pytest.raises(StorageError, match=r"a\.txt': Permission denied\. Choose a folder"):
        write(tmp_path / "a.txt", "new")


def test_a_path_that_can_be_written_passes_and_is_left_as_it_is(tmp_path):
    target = tmp_path / "a" / "b.txt"
    require_writable(target, "CSVLogger")
    assert os.listdir(tmp_path / "a") == []
    target.write_text("old")
    require_writable(target, "CSVLogger")
    assert target.read_text() == "old"
    assert os.listdir(tmp_path / "a") == ["b.txt"]


def test_a_path_that_cannot_be_written_is_an_error_that_names_who_asked(tmp_path):
    with pytest.raises(StorageError, match=r"^CSVLogger: cannot write .*: it is a folder\."):
        require_writable(tmp_path, "CSVLogger")
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError, match=r"^ModelCheckpoint: cannot write "):
        require_writable(tmp_path / "file" / "x.h5", "ModelCheckpoint")


def test_what_killed_writers_left_is_removed_when_it_is_a_day_old(tmp_path):
    with replacing(tmp_path / "a.weights.h5") as temporary:
        left = temporary.name
    for name, hours in {
        left: 25,
        left.replace("a", "b", 1): 23,
        ".b.partial.h5": 25,
        "c.h5": 25,
    }.items():
        (tmp_path / name).write_text("half")
        then = time.time() - hours * 3600
        os.utime(tmp_path / name, (then, then))
    require_writable(tmp_path / "d.h5", "ModelCheckpoint")
    assert left not in os.listdir(tmp_path)
    assert len(os.listdir(tmp_path)) == 4  # "a.weights.h5" too


def test_a_replaced_file_keeps_its_permissions(tmp_path):
    path = tmp_path / "shared.csv"
    path.write_text("old")
    path.chmod(0o660)
    with replacing(path) as temporary:
        temporary.write_text("new")
    assert mode(path) == 0o660


def test_a_file_that_is_replaced_is_given_back_to_the_system(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(b"old" * 10)
    before = len(os.listdir("/proc/self/fd")) if os.path.isdir("/proc/self/fd") else None
    with durable.replacing(path) as temporary:
        temporary.write_bytes(b"new" * 10)
    assert path.read_bytes() == b"new" * 10
    if before is not None:
        assert len(os.listdir("/proc/self/fd")) == before


def test_a_replacement_that_fails_leaves_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / "file"
    path.write_bytes(b"old" * 10)

    def failing(*args):
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(os, "replace", failing)
    with pytest.raises(OSError, match="Input/output"), durable.replacing(path) as temporary:
        temporary.write_bytes(b"new")
    assert path.read_bytes() == b"old" * 10


# --- names ----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["m" * 252 + ".h5", "\u00e4" * 126 + ".h5", "." + "n" * 254])
def test_a_name_may_be_as_long_as_the_system_takes(tmp_path, name):
    durable.require_writable(tmp_path / name, "ModelCheckpoint")
    for content in ("old", "new"):
        with durable.replacing(tmp_path / name) as temporary:
            temporary.write_text(content)
    durable.append(tmp_path / name, b"er")
    assert (tmp_path / name).read_text() == "newer"
    assert len(list(tmp_path.iterdir())) == 1


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a\0b.h5", r"has a zero byte, which no name can have. Give a name without it."),
        ("m" * 253 + ".h5", r"has 256 bytes, and a name takes at most 255. Give a shorter one."),
        ("m" * 300 + "/a.h5", r"has 300 bytes, and a name takes at most 255."),
    ],
)
def test_a_name_that_no_system_takes_is_one_clear_error(tmp_path, name, text):
    path = f"{tmp_path}/{name}"
    for act in (
        lambda: durable.require_writable(path, "CSVLogger"),
        lambda: durable.append(path, b"x"),
        lambda: durable.replacing(path).__enter__(),
    ):
        with pytest.raises(StorageError, match=text):
            act()
