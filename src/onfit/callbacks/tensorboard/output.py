"""Where one training writes to, and what happens where that cannot be written."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

from onfit.callbacks.tensorboard.arguments import writable_folder
from onfit.callbacks.tensorboard.batch_points import BatchPoints
from onfit.callbacks.tensorboard.event_files import EventFiles
from onfit.callbacks.tensorboard.scalars import scalars_by_folder
from onfit.callbacks.tensorboard.series import Series
from onfit.core.callback import Logs
from onfit.errors import warn


class Output:
    """The event files of the trainings with one callback.

    Args:
        log_dir: the folder, as the user wrote it.

    Attributes:
        series: which of the trainings go on in the same curves.
    """

    def __init__(self, log_dir: str) -> None:
        self._log_dir = log_dir
        self._root: str | None = None  # the absolute folder, once it is checked
        self._files: EventFiles | None = None
        self._points = BatchPoints()
        self._told = False
        self.series = Series()

    def __getstate__(self) -> dict[str, Any]:
        """What a copy holds: all but the open files, and what is to be written to them."""
        return {**vars(self), "_files": None, "_points": BatchPoints()}

    def begin_training(self) -> None:
        """Another training begins, perhaps in another current folder."""
        self._root, self._told = None, False
        self._points = BatchPoints()
        self.series.begin_training()

    def begin_epoch(self, epoch: int, batches: int | None = None) -> bool:
        """An epoch begins. Returns whether it is the first of curves of its own, in other files."""
        anew = self.series.begin_epoch(epoch, batches)
        if anew:
            self.close()
        return anew

    @property
    def root(self) -> str:
        """`log_dir` as it was when the training began.

        Raises:
            StorageError: if it cannot be written.
        """
        if self._root is None:
            self._root = writable_folder(self._log_dir)
        return self._root

    @property
    def folder(self) -> str:
        """The folder of this training."""
        return self.series.folder(self.root)

    def files(self) -> EventFiles:
        """The files of this training, opened when the first value is written."""
        if self._files is None:
            self._files = EventFiles(self.folder)
        return self._files

    def note(self, step: int, logs: Logs, **more: float) -> None:
        """Keep what a batch logged. It is written about once a second."""
        self._points.note(step, logs, **more)
        if self._points.due:
            self.write_points()

    def write_points(self) -> None:
        """Write what batches logged."""
        for point in self._points.take():
            self.write("batch", point.values(), point.step, point.wall_time)

    def write(
        self, kind: str, values: dict[str, Any], step: int, wall_time: float | None = None
    ) -> None:
        """Write one point of each curve."""
        for subfolder, scalars in scalars_by_folder(kind, values).items():
            self.files().add_scalars(subfolder, scalars, step, wall_time)

    def write_row(self, step: int, values: dict[str, Any]) -> None:
        """Write, in a run of steps, what was logged until a validation."""
        with self.attempt():
            self.write("step", values, self.series.batches_before + step)
            self.flush()

    def flush(self) -> None:
        """Wait until all is in the files."""
        self.write_points()
        if self._files is not None:
            self._files.flush()

    def close(self) -> None:
        """Finish the files. Later values go to new ones."""
        files, self._files = self._files, None
        if files is not None:
            files.close()

    @contextmanager
    def attempt(self) -> Iterator[None]:
        """Go on, with one warning in a training, if the block fails: what is only to be looked at
        ends no training. Later values go to new files, for which there may be room again.
        """
        try:
            yield
        except Exception as error:  # a disk, or what a user's model does when it is looked at
            with suppress(Exception):
                self.close()
            if not self._told:
                self._told = True
                warn(
                    f"TensorBoard(log_dir={self._log_dir!r}) could not write all: "
                    f"{type(error).__name__}: {error} Training goes on."
                )
