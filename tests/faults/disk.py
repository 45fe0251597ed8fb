"""A disk that fails in the middle of a training, and what lies on it."""

import errno
import os
import resource
import signal
import tempfile
from contextlib import contextmanager
from pathlib import Path

from onfit.core.callback import Callback
from onfit.storage import durable


@contextmanager
def no_room_for(size: int):
    """Files grow to `size` bytes and no further, as on a disk that is full."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, handler)


def contents(folder: Path) -> dict[str, bytes]:
    """What every file below a folder holds, hidden ones included."""
    found = sorted(folder.rglob("*"))
    return {str(path.relative_to(folder)): path.read_bytes() for path in found if path.is_file()}


class Fails(Callback):
    """From the end of an epoch on the disk fails; notes what was on it before.

    Args:
        fault: a context in which it fails.
        folder: whose contents to note.
        epoch: the epoch, counted from 0.
    """

    remembers = ()

    def __init__(self, fault, folder: Path, epoch: int = 1) -> None:
        self.fault, self.folder, self.epoch = fault, folder, epoch
        self.before: dict[str, bytes] | None = None

    def on_epoch_end(self, epoch, logs=None):
        if epoch == self.epoch:
            self.before = contents(self.folder)
            self.fault.__enter__()

    def on_train_end(self, logs=None):
        if self.before is not None:
            self.fault.__exit__(None, None, None)


@contextmanager
def failing(place, name: str, code: int):
    """What `place` has under a name raises the system's error `code`."""

    def fail(*args, **arguments):
        raise OSError(code, os.strerror(code))

    works = getattr(place, name)
    setattr(place, name, fail)
    try:
        yield
    finally:
        setattr(place, name, works)


@contextmanager
def read_only():
    """No file and no folder can be made."""
    with failing(tempfile, "mkstemp", errno.EROFS), failing(tempfile, "mkdtemp", errno.EROFS):
        yield


# What disks do, each with what the system says of it.
FAULTS = {
    "full": (lambda: no_room_for(30_000), errno.EFBIG),
    "full when it is synced": (lambda: failing(durable, "fsync_file", errno.ENOSPC), errno.ENOSPC),
    "broken": (lambda: failing(durable, "fsync_file", errno.EIO), errno.EIO),
    "broken at the last step": (lambda: failing(durable, "rename", errno.EIO), errno.EIO),
    "read-only": (read_only, errno.EROFS),
}
