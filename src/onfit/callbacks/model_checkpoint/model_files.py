"""Writes the files of a model, while the training waits or while it goes on."""

import inspect
import os
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

from onfit.core.faces import is_divided
from onfit.core.processes import processes
from onfit.errors import StorageError
from onfit.storage.background import BackgroundWriter

Notes = Mapping[str, Any]


def _nothing() -> None:
    """Do nothing if a file could not be written."""


class ModelFiles:
    """Writes a model to files. Each file replaces the previous one in one step.

    Args:
        owner: the name of the callback, for messages.
        weights_only: write the weights alone.
        background: copy the model at once, into memory that each write reuses, and write the copy
            in a thread. If that fails, the next `write` or `finish` raises the error.
        last: a file that each `write` writes, too; None for none.

    Attributes:
        folder: what relative paths begin from, wherever the program goes meanwhile.
    """

    def __init__(
        self, owner: str, weights_only: bool, background: bool, last: str | None = None
    ) -> None:
        self._owner = owner
        self.last = last
        self.folder = ""
        self._weights_only = weights_only
        self._writer = BackgroundWriter() if background else None
        self._copy: Any = None
        self._failed: Callable[[], None] = _nothing

    def __getstate__(self) -> dict[str, Any]:
        """What a copy holds: all but the copied model, and what is being written."""
        writer = None if self._writer is None else BackgroundWriter()
        return {**vars(self), "_writer": writer, "_copy": None, "_failed": _nothing}

    def begin(self) -> None:
        """A training begins: relative paths begin from the folder in which the program is now."""
        with suppress(FileNotFoundError):  # it is gone; a path that begins there is refused
            self.folder = os.getcwd()

    def write(
        self,
        model: Any,
        files: Mapping[str, Notes | None],
        then_remove: Iterable[str] = (),
        on_failure: Callable[[], None] = _nothing,
    ) -> None:
        """Write the model to each path, and to `last`.

        Args:
            model: the model.
            files: the paths, each with its notes for the file, if the model can write notes.
            then_remove: files to remove when all of these are on the disk.
            on_failure: called if one could not be written, before the error is raised.

        Raises:
            StorageError: if a file could not be written, in this call or in the background before.

        Of several processes that train together, the main one writes. The others take part where
        each has a piece of the weights.
        """
        if self.last is not None:
            files = {**files, self.last: None}
        if not files or not (processes().is_main or is_divided(model)):
            return
        files = {os.path.join(self.folder, path): notes for path, notes in files.items()}
        then_remove = [os.path.join(self.folder, path) for path in then_remove]
        writes: list[tuple[str, Callable[[], object]]]
        if self._writer is None:
            save = model.save_weights if self._weights_only else model.save
            writes = [(path, _writing(save, path, notes)) for path, notes in files.items()]
            self._failed = on_failure
            self._told(lambda: self._do(writes, then_remove))
            return
        self.finish()  # the thread may still be reading the copy
        self._failed = on_failure
        copied = partial(model.snapshot, weights_only=self._weights_only, out=self._copy)
        self._copy = self._told(copied)
        write = self._copy.write
        writes = [(path, _writing(write, path, notes)) for path, notes in files.items()]
        if processes().is_main:
            self._writer.start(lambda: self._do(writes, then_remove))

    def finish(self) -> None:
        """Return when every file is on the disk.

        Raises:
            StorageError: if a file of the last `write` could not be written.
        """
        if self._writer is not None:
            self._told(self._writer.wait)

    def _told(self, act: Callable[[], Any]) -> Any:
        """Call `act`, which may raise an error of a write. Then `on_failure` of that write is
        called, before the error goes on to the caller.
        """
        try:
            return act()
        except BaseException:
            self._failed()
            raise

    def _do(self, writes: list[tuple[str, Callable[[], object]]], then_remove: list[str]) -> None:
        for path, write in writes:
            self._attempt(path, write)
        for old in then_remove if processes().is_main else ():
            with suppress(OSError):  # the file is gone already
                Path(old).unlink()
                Path(old).parent.rmdir()  # a folder with fields in its name may be empty now

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
    """A function that saves to `path`. A user's own `save` need not take notes."""
    if notes is None or "notes" not in inspect.signature(save).parameters:
        return lambda: save(path)
    return lambda: save(path, notes=notes)
