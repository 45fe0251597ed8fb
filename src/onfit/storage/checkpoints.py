"""A folder of checkpoints, each of them whole, or not there.

A checkpoint is a folder of its own. It is written under a hidden name, gets a manifest with the
size and the checksum of every file in it, and is renamed when all is on the disk. It is never
changed again.
"""

import math
import os
import re
import shutil
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from typing import Any, Literal

from onfit._types import StrPath
from onfit.errors import FileFormatError, StorageError, warn
from onfit.storage import durable
from onfit.storage.checkpoint_files import (
    Listed,
    Packed,
    bring_to_disk,
    damage_of,
    read_checkpoint,
    write_checkpoint,
)
from onfit.storage.folder_lock import FolderLock
from onfit.storage.trees import packed

_NAME = re.compile(r"checkpoint-\d{8}")
_HIDDEN = ".writing-"
# Seconds. A checkpoint that comes sooner after one that is on the disk does not wait for the disk:
# a disk that needs 5 ms for each of its five files would make short epochs ten times as long.
_SOON = 1.0

# A checkpoint that cannot be read now, or that a newer version wrote, is "unread".
Verdict = Literal["whole", "damaged", "unread"]


class CheckpointManager:
    """Keeps the newest checkpoints of one run in a folder.

    What was not read is never removed: neither a checkpoint that cannot be read now, nor one of a
    newer version.

    A checkpoint that is written less than a second after one that is on the disk does not wait for
    the disk. A process that is killed leaves it whole all the same. After a power cut it may be
    damaged, which its checksums say; so the one that is on the disk stays until a newer one is.

    Args:
        folder: made if it is missing.
        keep: how many whole checkpoints stay; older ones are removed once a newer one is whole.

    Example:
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     checkpoints = CheckpointManager(folder)
        ...     checkpoints.save({"epoch": 3, "weights": [0.5, 0.25]})
        ...     checkpoints.latest()["epoch"]
        3
    """

    def __init__(self, folder: StrPath, keep: int = 2) -> None:
        self.folder = Path(folder)
        self.keep = keep
        self._lock = FolderLock(self.folder)
        self._verdicts: dict[str, Verdict] = {}  # of what was looked at, or written
        self._on_disk: str | None = None  # the name of the newest that waited for the disk
        self._waited_at = -math.inf
        self._not_on_disk: Path | None = None  # the newest, if it did not wait
        self.latest_is_in: Path | None = None  # what `latest` found
        self._spare: Path | None = None  # the empty folder of one that went

    def __getstate__(self) -> dict[str, Any]:
        """What a copy holds: all but the lock and the spare folder, which are this object's own."""
        return {**vars(self), "_lock": FolderLock(self.folder), "_spare": None}

    # --- one run at a time ---------------------------------------------------------------

    def acquire(self, owner: Any = None) -> None:
        """Lock the folder for this run, and remove what a killed run left half-written.

        Args:
            owner: the run. Once it is gone, or `over`, another one of this process may lock the
                folder.

        Raises:
            StorageError: if another run has locked it, or it cannot be written.
        """
        self._lock.acquire(owner)
        for orphan in self.folder.glob(f"{_HIDDEN}*"):
            with suppress(OSError):
                _remove_folder(orphan)

    def release(self) -> None:
        """Let another run use the folder."""
        self._remove_spare()
        self._lock.release()

    # --- saving --------------------------------------------------------------------------

    def save(self, tree: Any, *, wait: bool = False) -> None:
        """Write a checkpoint. When this returns, it is whole, whatever becomes of this process.

        Args:
            tree: nested plain data and arrays.
            wait: wait for the disk in any case, since the machine may be about to go.

        Raises:
            StorageError: if it cannot be written; all earlier ones are as they were.
        """
        self.finish(None, packed(tree), wait=wait or self.is_to_wait())

    def is_to_wait(self) -> bool:
        """Whether the last one that waited for the disk was long ago."""
        return time.monotonic() - self._waited_at >= _SOON

    def finish(
        self, hidden: Path | None, content: Packed, pieces: Listed | None = None, *, wait: bool
    ) -> None:
        """Write a checkpoint into a hidden folder, by default a new one; then it is not hidden.

        Args and errors are those of `save` and `write_checkpoint`.
        """
        there = self._found()
        target = self.folder / f"checkpoint-{_after(there):08d}"
        try:
            hidden = hidden or self.new_folder()
            write_checkpoint(hidden, content, pieces)
            if wait:
                bring_to_disk(hidden)
            durable.rename(hidden, target)
            self._not_on_disk = target
            if wait:
                self._is_on_disk(target)
        except OSError as error:
            if hidden is not None:
                shutil.rmtree(hidden, ignore_errors=True)
            raise not_written(target, error) from error
        self._verdicts[target.name] = "whole"
        self._remove_old([*there, target])

    def new_folder(self) -> Path:
        """An empty hidden folder: that of the last checkpoint that went, which is the quickest."""
        spare, self._spare = self._spare, None
        if spare is not None and spare.is_dir() and not spare.is_symlink():
            return spare
        durable.make_folder(self.folder)
        return Path(tempfile.mkdtemp(prefix=_HIDDEN, dir=self.folder))

    def settle(self) -> None:
        """Wait until the newest checkpoint is on the disk: none will come after it."""
        self._remove_spare()
        newest, self._not_on_disk = self._not_on_disk, None
        if newest is not None:
            with suppress(OSError):  # it is whole for every process, if not after a power cut
                bring_to_disk(newest)
                self._is_on_disk(newest)
                self._remove_old(self._found())
            self._remove_spare()

    def _is_on_disk(self, checkpoint: Path) -> None:
        durable.fsync_folder(self.folder)
        self._on_disk, self._waited_at = checkpoint.name, time.monotonic()
        self._not_on_disk = None

    def _remove_old(self, there: list[Path]) -> None:
        whole = [path for path in there if self._verdict(path) == "whole"]
        stay = {path.name for path in whole[-self.keep :]}
        if self._on_disk in {path.name for path in whole} - stay:
            # It takes the place of the oldest that the disk may not have; not that of the newest.
            stay = {self._on_disk, *(path.name for path in whole[-max(self.keep - 1, 1) :])}
        for path in whole:
            if path.name not in stay:
                self._empty(path)

    def _empty(self, checkpoint: Path) -> None:
        """Remove a checkpoint, and keep its folder for the next one: a disk takes its time to
        remove a folder and to make one.
        """
        self._remove_spare()
        if checkpoint.is_symlink():  # what it leads to is another's
            self._remove(checkpoint)
            return
        with suppress(OSError):
            self._spare = self._hide(checkpoint)
            for name in os.listdir(self._spare):
                os.unlink(self._spare / name)
            return
        self._remove_spare()

    def _remove(self, checkpoint: Path) -> None:
        with suppress(OSError):
            _remove_folder(self._hide(checkpoint))

    def _hide(self, checkpoint: Path) -> Path:
        # Hidden first: a crash half-way must not leave a checkpoint that looks damaged.
        self._verdicts.pop(checkpoint.name, None)
        doomed = self.folder / f"{_HIDDEN}{checkpoint.name}"
        os.rename(checkpoint, doomed)
        return doomed

    def _remove_spare(self) -> None:
        spare, self._spare = self._spare, None
        if spare is not None:
            shutil.rmtree(spare, ignore_errors=True)

    def _verdict(self, path: Path) -> Verdict:
        """What a checkpoint is; it is read only if this is not known yet."""
        if path.name not in self._verdicts:
            try:
                self._verdicts[path.name] = "damaged" if damage_of(path) else "whole"
            except (StorageError, FileFormatError):
                return "unread"
        return self._verdicts[path.name]

    # --- finding -------------------------------------------------------------------------

    def latest(self) -> Any:
        """The newest checkpoint that is whole; None if the folder has none at all.

        A damaged one is passed over with a warning, and left where it is.

        Raises:
            StorageError: if the newest cannot be read now.
            FileFormatError: if a newer version wrote it, if it says what no run writes, or if all
                are damaged.
        """
        damaged: list[str] = []
        self._verdicts = {}  # another process may have been here
        for path in reversed(self._found()):
            problem = damage_of(path)
            self._verdicts[path.name] = "damaged" if problem else "whole"
            if problem is None:
                _warn_of(damaged)
                self.latest_is_in = path
                return read_checkpoint(path)
            damaged.append(f"the checkpoint {str(path)!r} is damaged ({problem})")
        if damaged:
            raise FileFormatError(
                f"{'; '.join(damaged)}; none before it is whole. Nothing was trained or removed. "
                f"To begin anew, remove {str(self.folder)!r}, or give this run another folder."
            )
        return None

    def clear(self) -> None:
        """Remove all checkpoints that were read, the newest last, and the folder if nothing else is
        in it.
        """
        self._remove_spare()
        for path in self._found():
            if self._verdict(path) != "unread":
                self._remove(path)
        self._lock.remove()
        with suppress(OSError):
            self.folder.rmdir()

    def _found(self) -> list[Path]:
        """Every checkpoint, oldest first."""
        try:
            names = os.listdir(self.folder)
        except (FileNotFoundError, NotADirectoryError):
            return []
        except OSError as error:
            raise StorageError(
                f"the folder {str(self.folder)!r} cannot be read: {error.strerror}. Nothing was "
                "trained or removed. Start again when it can be read, or give another folder."
            ) from error
        return [self.folder / name for name in sorted(filter(_NAME.fullmatch, names))]


def not_written(target: Path, error: OSError) -> StorageError:
    """The error of a checkpoint that could not be written."""
    return StorageError(
        f"the checkpoint {str(target)!r} could not be written: {error}. Earlier ones are as they "
        "were. Make room there, or choose another folder."
    )


def _remove_folder(folder: Path) -> None:
    """Remove a folder and all in it; of a link the link alone."""
    if folder.is_symlink():
        folder.unlink()
    else:
        shutil.rmtree(folder)


def _after(there: list[Path]) -> int:
    """The number of the checkpoint that comes after these."""
    return int(there[-1].name.rpartition("-")[2]) + 1 if there else 0


def _warn_of(damaged: list[str]) -> None:
    for text in damaged:
        text = f"{text}; the one before it is used."
        warn(text)
