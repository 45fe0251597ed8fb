"""Kills a training at one place, starts it again, and compares what it leaves.

All processes are forks of one that has imported everything and trained nothing. Only the training
that is not killed, to which they are compared, is a fresh process from the start.
"""

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.crash.points import Points
from tests.crash.trainings import TRAININGS, Left, files_left, seed_everything

_TOO_LONG = 240  # seconds, on a machine that does other things, too

# In memory where there is such a thing: thousands of fsyncs are no pleasure for a disk.
_MEMORY = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None


@dataclass(frozen=True)
class Place:
    """A place to be struck at: the training, the number of the place in it, and the signal."""

    training: str
    number: int
    name: str
    by: signal.Signals = signal.SIGKILL


@dataclass(frozen=True)
class Verdict:
    """What came of killing a training there, and starting it again.

    Attributes:
        struck: whether it was killed, and at that very place.
        differences: from the training that was not killed; there should be none.
        over: whether training had ended and its checkpoints were gone, so that there was nothing
            to go on with, only files to compare.
    """

    place: Place
    struck: bool
    differences: tuple[str, ...]
    over: bool = False


def places_of(training: str) -> list[Place]:
    """All places of a training, in the order it comes by them."""
    with _scratch() as scratch:

        def counted() -> None:
            points = Points(scratch / "run")
            points.watch()
            _train(training, scratch)
            (scratch / "names.json").write_text(json.dumps(points.names))

        _must_end_well(training, _forked(counted))
        names = json.loads((scratch / "names.json").read_text())
        return [Place(training, number, name) for number, name in enumerate(names)]


def left_by(training: str) -> Left:
    """What a training leaves if it is not killed, in a fresh process."""
    with _scratch() as scratch:
        command = [sys.executable, "-m", "tests.crash", "--train", training, str(scratch)]
        _must_end_well(training, subprocess.run(command, check=False).returncode)
        return _all_left(scratch)


def train_and_tell(training: str, scratch: Path) -> None:
    """Train, and write down the results besides the files."""
    left = _train(training, scratch)
    (scratch / "left.json").write_text(json.dumps(left))


def killed_and_compared(place: Place, expected: Left) -> Verdict:
    """Kill the training there, start it again until it ends, and say whether all is as it would
    have been. Every third is killed once more on the way.
    """
    with _scratch() as scratch:
        struck = _killed(place, scratch)
        problem = "" if _is_over(scratch / "run") else spoilt(place, scratch)
        if problem:
            return Verdict(place, struck, (problem,))
        for strike in (*_once_more(place), None):
            if _is_over(scratch / "run"):
                found = files_left(scratch / "run")
                wanted = {name: expected.get(name) for name in found}
                return Verdict(place, struck, _differences(wanted, found), over=True)
            status = _started_again(place, scratch, strike)
            if status == 0:
                return Verdict(place, struck, _differences(expected, _all_left(scratch)))
        return Verdict(place, struck, (f"started again, it ended with status {status}",))


def spoilt(place: Place, scratch: Path) -> str:
    """Spoil what a checkpoint needs, at some of the places. A start then is an error, and leaves
    all checkpoints there; afterwards they are as before. The problem, if it is otherwise.
    """
    there = sorted(scratch.glob("run/backup/checkpoint-*"))
    if not there or place.number % 8 not in _SPOILERS:
        return ""
    undo = _SPOILERS[place.number % 8](there[-1])
    status = _started_again(place, scratch, None, quiet=True)
    left = sorted(scratch.glob("run/backup/checkpoint-*"))
    undo()
    if os.WIFEXITED(status) and os.WEXITSTATUS(status) == 1 and left == there:
        return ""
    return f"with a spoilt checkpoint it ended with status {status}, and left {left} of {there}"


def _newer(checkpoint: Path) -> Callable[[], object]:
    """A checkpoint of a newer version."""
    manifest = checkpoint / "manifest.json"
    text = manifest.read_text()
    manifest.write_text('{"format": 99}')
    return lambda: manifest.write_text(text)


def _unreadable(checkpoint: Path) -> Callable[[], object]:
    """A checkpoint that cannot be read now: its file is a link to itself (ELOOP)."""
    arrays = checkpoint / "arrays.bin"
    content = arrays.read_bytes()
    arrays.unlink()
    arrays.symlink_to(arrays)

    def undo() -> None:
        arrays.unlink()
        arrays.write_bytes(content)

    return undo


_SPOILERS = {1: _newer, 4: _unreadable}


def _once_more(place: Place) -> tuple[int, ...]:
    """Where to kill the training that goes on: some of its places later."""
    return () if place.number % 3 else (30 + place.number % 97,)


def _started_again(place: Place, scratch: Path, strike: int | None, *, quiet: bool = False) -> int:
    """How it ended: 0 if it did by itself."""

    def again() -> None:
        if quiet:  # its error is expected
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stderr.fileno())
        if strike is not None:
            Points(scratch / "run", strike).watch()
        train_and_tell(place.training, scratch)

    return _forked(again)


def _killed(place: Place, scratch: Path) -> bool:
    """Whether the training was killed at that place."""
    reader, writer = os.pipe()

    def killed() -> None:
        # A shell that runs this in the background has Ctrl-C ignored.
        signal.signal(signal.SIGINT, signal.default_int_handler)
        Points(scratch / "run", place.number, writer, place.by).watch()
        _train(place.training, scratch)

    status = _forked(killed)
    # Not to the end: worker processes of the killed one may keep the other side open.
    os.write(writer, b"\n")
    name = os.read(reader, 1000).decode().rstrip()
    os.close(reader)
    os.close(writer)
    ended_by = os.WTERMSIG(status) if os.WIFSIGNALED(status) else os.WEXITSTATUS(status) - 128
    return ended_by == place.by and name == place.name


def _is_over(run: Path) -> bool:
    """Whether there is no checkpoint to go on from, although there was one."""
    return (run / "best.h5").exists() and not list(run.glob("backup/checkpoint-*"))


def _train(training: str, scratch: Path) -> Left:
    run = scratch / "run"
    run.mkdir(exist_ok=True)
    # What goes on from a checkpoint gets all it draws from there, and begins with other seeds;
    # but a generator draws on its own way to where it was.
    goes_on = training != "generator" and any(run.glob("backup/checkpoint-*"))
    seed_everything(4 if goes_on else 3)
    return TRAININGS[training](run)


def _all_left(scratch: Path) -> Left:
    """What the training printed and what its files are, both as they come back from JSON."""
    told = json.loads((scratch / "left.json").read_text())
    return {**told, **json.loads(json.dumps(files_left(scratch / "run")))}


def _differences(expected: Left, found: Left) -> tuple[str, ...]:
    return tuple(
        f"{name}: {expected.get(name)!r} became {found.get(name)!r}"
        for name in sorted(expected.keys() | found.keys())
        if repr(expected.get(name)) != repr(found.get(name))  # a NaN is like another
    )


def _forked(task: Callable[[], None]) -> int:
    """Do `task` in a fork, in a group of its own; how it ended, as `os.waitpid` says it. One that
    hangs is ended by an alarm, which is a failure.
    """
    sys.stdout.flush()
    child = os.fork()
    if child:
        return os.waitpid(child, 0)[1]
    code = 1
    try:
        os.setpgid(0, 0)
        signal.alarm(_TOO_LONG)
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        task()
        code = 0
    except KeyboardInterrupt:
        code = 130
    except SystemExit as end:
        code = int(end.code or 0)
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stderr.flush()
        os._exit(code)


def _must_end_well(training: str, status: int) -> None:
    if status != 0:
        raise RuntimeError(f"{training} ended with status {status} although nobody killed it")


@contextmanager
def _scratch() -> Iterator[Path]:
    folder = tempfile.mkdtemp(prefix="onfit-crash-", dir=_MEMORY)
    try:
        yield Path(folder)
    finally:
        # Worker processes of a killed training may still be about.
        shutil.rmtree(folder, ignore_errors=True)
