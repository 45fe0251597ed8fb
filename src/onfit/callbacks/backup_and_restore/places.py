"""Where the checkpoints of a run are, and what it leaves when it is finished."""

from contextlib import suppress
from pathlib import Path

from onfit._types import StrPath
from onfit.core.console import say
from onfit.storage.checkpoints import CheckpointManager
from onfit.storage.durable import absolute

# How many trainings with this folder were finished in this process. A script that trains twice with
# one folder must not take the checkpoints of its second training for those of the first.
_finished: dict[Path, int] = {}


class Places:
    """The folders of one training.

    The first training of a process with a folder has its checkpoints in the folder itself. The
    second, once the first is finished, has a folder `fit-2` in it, and so on.

    Args:
        folder: as the user wrote it. It is the folder that this means now: a script may go to
            another one later on.
        keep: how many checkpoints stay.

    Attributes:
        checkpoints: where the run is saved as it goes on.
        finished: where its end is kept, if that is wanted: in `<folder>.finished`.
    """

    def __init__(self, folder: StrPath, keep: int) -> None:
        self._folder = Path(absolute(folder))
        self.number = _finished.get(self._folder, 0)
        end = Path(f"{self._folder}.finished")
        self.checkpoints = CheckpointManager(self._of(self._folder, self.number), keep)
        self.finished = CheckpointManager(self._of(end, self.number), keep=1)

    @staticmethod
    def _of(folder: Path, number: int) -> Path:
        return folder / f"fit-{number + 1}" if number else folder

    def say_what_waits(self) -> None:
        """Say that a further training of an earlier process waits to be gone on with."""
        there = self._of(self._folder, self.number + 1)
        if there.is_dir():
            say(
                f"{str(there)!r} has the checkpoints of a later training of this folder, which go "
                "on when the script comes to it."
            )

    def save_end(self, state: object, run: object) -> None:
        """Keep the end of the training for the next start of the script."""
        self.finished.acquire(run)
        try:
            self.finished.save(state)
        finally:
            self.finished.release()

    def clear(self) -> None:
        """Remove the checkpoints of the finished training."""
        self.checkpoints.clear()
        if self.number:
            with suppress(OSError):  # something else is in there
                self._folder.rmdir()

    def count_as_finished(self) -> None:
        """The next training of this process with the folder is another one."""
        _finished[self._folder] = self.number + 1
