"""Writing the files of a model, while the training waits or while it goes on."""

import inspect
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

from onfit.errors import StorageError
from onfit.storage.background import BackgroundWriter

Notes = Mapping[str, Any]


class ModelFiles:
    """Writes a model to files, each in the place of the one before in one step.

    Args:
        owner: the name of the callback, for messages.
        weights_only: write the weights alone.
        background: copy the model at once, into memory that is kept for the next time, and
            write the copy in a thread. What goes wrong there is raised by the next `write`,
            or by `finish`.
    """

    def __init__(self, owner: str, weights_only: bool, background: bool) -> None:
        self._owner = owner
        self._weights_only = weights_only
        self._writer = BackgroundWriter() if background else None
        self._copy: Any = None
        self._failed: Callable[[], None] = lambda: None

    def write(
        self,
        model: Any,
        files: Mapping[str, Notes | None],
        then_remove: Iterable[str] = (),
        on_failure: Callable[[], None] = lambda: None,
    ) -> None:
        """Write the model to each path.

        Args:
            model: what to write.
            files: for each path the notes that the file carries, where the model can.
            then_remove: files to remove once all of these are on the disk.
            on_failure: called if one could not be written, by whoever is told of that.

        Raises:
            StorageError: if a file could not be written, this time or the last.
        """
        writes: list[tuple[str, Callable[[], object]]]
        if self._writer is None:
            save = model.save_weights if self._weights_only else model.save
            writes = [(path, _writing(save, path, notes)) for path, notes in files.items()]
            self._failed = on_failure
            self._told(lambda: self._do(writes, list(then_remove)))
            return
        self.finish()  # the thread may still be reading the copy
        self._failed = on_failure
        copied = partial(model.snapshot, weights_only=self._weights_only, out=self._copy)
        self._copy = self._told(copied)
        write = self._copy.write
        writes = [(path, _writing(write, path, notes)) for path, notes in files.items()]
        self._writer.start(lambda: self._do(writes, list(then_remove)))

    def finish(self) -> None:
        """Return when every file is on the disk.

        Raises:
            StorageError: if the last could not be written.
        """
        if self._writer is not None:
            self._told(self._writer.wait)

    def _told(self, act: Callable[[], Any]) -> Any:
        """`act`, which may raise what went wrong in writing: then the caller's word for it."""
        try:
            return act()
        except BaseException:
            self._failed()
            raise

    def _do(self, writes: list[tuple[str, Callable[[], object]]], then_remove: list[str]) -> None:
        for path, write in writes:
            self._attempt(path, write)
        for old in then_remove:
            with suppress(OSError):  # somebody took it away already
                Path(old).unlink()
                Path(old).parent.rmdir()  # if its name had fields, it may be empty now

    def _attempt(self, path: str, write: Callable[[], object]) -> None:
        try:
            write()
        except OSError as error:
            if path in str(error):
                raise
            raise StorageError(
                f"{self._owner} could not save the model to {path!r}: {error}. "
                "Make room there, or choose another filepath."
            ) from error


def _writing(save: Callable[..., object], path: str, notes: Notes | None) -> Callable[[], object]:
    """`save`, ready to be called; a model of the user's need not know of notes."""
    if notes is None or "notes" not in inspect.signature(save).parameters:
        return lambda: save(path)
    return lambda: save(path, notes=notes)
