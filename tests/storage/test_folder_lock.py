"""A folder of checkpoints is one run's at a time."""

import errno
import os
import signal
import subprocess
import sys

import pytest

from onfit.errors import StorageError
from onfit.storage import folder_lock as room
from onfit.storage.checkpoints import CheckpointManager


@pytest.fixture
def kept(tmp_path):
    """A manager, and a checkpoint in its folder."""
    manager = CheckpointManager(tmp_path / "backup", keep=2)
    manager.save({"epoch": 2})
    return manager


def names(manager) -> list[str]:
    return sorted(os.listdir(manager.folder))


def test_a_second_run_on_the_folder_is_an_error_that_says_so(kept):
    kept.acquire()
    with pytest.raises(StorageError) as caught:
        CheckpointManager(kept.folder).acquire()
    assert str(caught.value) == (
        f"another run keeps its checkpoints in {str(kept.folder)!r} right now. "
        "Wait for it, or give this run a folder of its own."
    )
    kept.release()


def test_a_folder_that_was_released_can_be_had(kept):
    kept.acquire()
    kept.acquire()  # by the same run: nothing happens
    kept.release()
    kept.release()
    other = CheckpointManager(kept.folder)
    other.acquire()
    other.release()


_HOLDS = """
import os, signal, sys, time
from onfit.storage.checkpoints import CheckpointManager
manager = CheckpointManager(sys.argv[1])
manager.acquire()
if os.fork() == 0:
    print(os.getpid(), flush=True)
    time.sleep(60)  # as a worker that loads data, and does not know yet that it is alone
time.sleep(60)
"""


def test_a_killed_run_leaves_no_lock_even_if_its_workers_live_on(kept):
    command = [sys.executable, "-c", _HOLDS, str(kept.folder)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as run:
        worker = int(run.stdout.readline())
        try:
            with pytest.raises(StorageError, match="another run keeps its checkpoints"):
                kept.acquire()
            run.kill()
            run.wait()
            os.kill(worker, 0)  # it is there
            kept.acquire()
        finally:
            os.kill(worker, signal.SIGKILL)
    kept.release()


def test_what_a_killed_run_left_half_written_is_cleared_away(kept):
    (kept.folder / ".writing-abc").mkdir()
    (kept.folder / ".writing-abc" / "arrays.npz").write_bytes(b"half")
    kept.acquire()
    kept.release()
    assert ".writing-abc" not in names(kept)


def acquire_both(kept):
    """Two managers of one folder, in this process."""
    managers = [kept, CheckpointManager(kept.folder)]
    try:
        for manager in managers:
            manager.acquire()
    finally:
        for manager in managers:
            manager.release()


class Msvcrt:
    """Windows' locks: of bytes from where the file stands, each for one handle."""

    LK_NBLCK = 3

    def __init__(self, error=None):
        self.error = error
        self.locked = set()

    def locking(self, descriptor, how, size):
        if self.error is not None:
            raise self.error
        found = (os.fstat(descriptor).st_ino, os.lseek(descriptor, 0, os.SEEK_CUR), size, how)
        if found in self.locked:
            raise PermissionError(errno.EACCES, "Permission denied")
        self.locked.add(found)


class Fcntl:
    """A file system that knows no locks."""

    LOCK_EX = LOCK_NB = 0

    @staticmethod
    def flock(file, how):
        raise OSError(errno.ENOLCK, "No locks available")


def test_on_windows_a_second_run_on_the_folder_is_an_error_too(kept, monkeypatch):
    system = Msvcrt()
    monkeypatch.setattr(room, "fcntl", None)
    monkeypatch.setattr(room, "msvcrt", system)
    with pytest.raises(StorageError, match="another run keeps its checkpoints"):
        acquire_both(kept)
    inode = (kept.folder / ".lock").stat().st_ino
    assert system.locked == {(inode, 0, 1, Msvcrt.LK_NBLCK)}


@pytest.mark.parametrize(
    ("fcntl", "msvcrt"),
    [(None, None), (Fcntl, None), (None, Msvcrt(OSError(errno.EINVAL, "Invalid argument")))],
)
def test_where_nothing_can_be_locked_a_run_goes_on_without(kept, monkeypatch, fcntl, msvcrt):
    monkeypatch.setattr(room, "fcntl", fcntl)
    monkeypatch.setattr(room, "msvcrt", msvcrt)
    acquire_both(kept)
    assert kept.latest()["epoch"] == 2


def test_however_often_a_folder_is_had_the_process_is_told_of_forks_once(kept, monkeypatch):
    told = []
    monkeypatch.setattr(os, "register_at_fork", lambda **what: told.append(what))
    before = len(room._held)
    for _ in range(3):
        kept.acquire()
        assert len(room._held) == before + 1
        kept.release()
        assert len(room._held) == before
    assert told == []


# --- what stands in its place --------------------------------------------------------------


@pytest.mark.parametrize("there", [True, False])
def test_a_link_in_its_place_is_refused_and_what_it_points_to_is_as_it_was(kept, there):
    precious = kept.folder.parent / "thesis.txt"
    if there:
        precious.write_text("years of work")
    (kept.folder / ".lock").symlink_to(precious)
    with pytest.raises(StorageError, match="is a symbolic link, where a run has the file"):
        kept.acquire()
    assert precious.exists() is there
    assert not there or precious.read_text() == "years of work"


def test_a_second_name_of_a_file_in_its_place_empties_no_file(kept):
    precious = kept.folder.parent / "thesis.txt"
    precious.write_text("years of work")
    os.link(precious, kept.folder / ".lock")
    kept.acquire()
    kept.clear()
    kept.release()
    assert precious.read_text() == "years of work"


def test_a_lock_whose_file_was_removed_meanwhile_is_asked_for_again(kept, monkeypatch):
    locked, real = [], room._locked

    def removed_once(file):
        locked.append(file)
        if len(locked) == 1:
            os.unlink(kept.folder / ".lock")
        return real(file)

    monkeypatch.setattr(room, "_locked", removed_once)
    kept.acquire()
    assert len(locked) == 2
    monkeypatch.undo()
    with pytest.raises(StorageError, match="another run"):
        CheckpointManager(kept.folder).acquire()
    kept.release()


# --- in one process -------------------------------------------------------------------------


class Owner:
    over = False


def test_a_run_that_is_over_and_kept_the_lock_loses_it_to_the_next(kept):
    owner, other = Owner(), CheckpointManager(kept.folder)
    kept.acquire(owner)
    with pytest.raises(StorageError, match="another run"):
        other.acquire(Owner())
    owner.over = True
    other.acquire(next_one := Owner())
    with pytest.raises(StorageError, match="another run"):
        kept.acquire(owner)
    assert not next_one.over
    other.release()


def test_a_run_that_is_gone_loses_it_too(kept):
    owner = Owner()
    kept.acquire(owner)
    del owner
    other = CheckpointManager(kept.folder)
    other.acquire()
    other.release()


def test_one_manager_is_not_two_runs(kept):
    first, second = Owner(), Owner()
    kept.acquire(first)
    kept.acquire(first)
    with pytest.raises(StorageError, match="another run"):
        kept.acquire(second)
    first.over = True
    kept.acquire(second)
    kept.release()


# --- names ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "text"), [("a\0b", "has a zero byte"), ("n" * 256, "has 256 bytes, and a name takes")]
)
def test_a_folder_that_no_system_can_have_is_one_clear_error(tmp_path, name, text):
    with pytest.raises(StorageError, match=text):
        CheckpointManager(f"{tmp_path}/{name}").acquire()


def test_a_name_may_be_as_long_as_the_system_takes(tmp_path):
    manager = CheckpointManager(tmp_path / ("n" * 255))
    manager.acquire()
    manager.save({"epoch": 1})
    assert manager.latest() == {"epoch": 1}
    manager.clear()
    manager.release()
    assert os.listdir(tmp_path) == []
