"""How the checkpoints of a run are written: while the training waits, or while it goes on."""

import copy
import sys
import time
from contextlib import suppress
from functools import partial
from typing import Any

from onfit.callbacks.backup_and_restore.in_pieces import taken_in_pieces
from onfit.core.console import say
from onfit.core.packages.plain import ATOMS
from onfit.core.processes import Processes
from onfit.core.run import Run
from onfit.core.walks.state_of_all import state_of_all
from onfit.storage.background import BackgroundWriter
from onfit.storage.checkpoints import CheckpointManager

# What is copied for a checkpoint anyway, if it is made of tensors; and what came from elsewhere.
_MODEL, _OTHERS = "model", "others"


class Saves:
    """Writes the checkpoints of one run. In the background that is done in a thread, from copies;
    one checkpoint at a time. It counts once all processes have written theirs.

    Args:
        run: the run.
        checkpoints: where it is saved.
        background: whether the training goes on meanwhile.
    """

    def __init__(self, run: Run, checkpoints: CheckpointManager, background: bool) -> None:
        self._run, self._checkpoints = run, checkpoints
        self._writer = BackgroundWriter() if background else None
        # A thread asks the other processes for itself, while the training asks them other things.
        self._line = run.processes.beside() if background else run.processes

    @property
    def busy(self) -> bool:
        """Whether a checkpoint is being written in the background."""
        return self._writer is not None and self._writer.busy

    def save(self, *, wait: bool, at_once: bool) -> float:
        """Save the run as it is now. All processes call this.

        Args:
            wait: wait for the disk in any case.
            at_once: return when it is saved, even if others are written in the background.

        Returns:
            For how many seconds the training waited.

        Raises:
            StorageError: on every process, if it cannot be saved; or if the one before could not.
        """
        begin = time.monotonic()
        self.finish()
        background = self._writer is not None and not at_once
        keep = _own if background else _as_it_is
        write = taken_in_pieces(self._run, self._checkpoints, keep, wait=wait)
        if write is None:
            write = partial(_write, self._checkpoints, keep(state_of_all(self._run)), wait)
        if self._writer is not None and background:
            self._writer.start(partial(write, self._line))
        else:
            write(self._run.processes)
        return time.monotonic() - begin

    def finish(self) -> None:
        """Return when the last checkpoint is written.

        Raises:
            StorageError: if it could not be written. It is raised once, on every process.
        """
        if self._writer is not None:
            self._writer.wait()

    def close(self) -> None:
        """The run is over: finish, and say it if that fails, since another error may be raised."""
        try:
            self.finish()
        except Exception as error:
            say(f"BackupAndRestore(background=True): {error}", sys.stderr)
        if self._line is not self._run.processes:
            with suppress(Exception):  # another process may be gone
                self._line.close()


def _write(checkpoints: CheckpointManager, state: Any, wait: bool, processes: Processes) -> None:
    processes.of_main(lambda: checkpoints.save(state, wait=wait))


def _as_it_is(state: Any) -> Any:
    return state


def _own(state: Any) -> Any:
    """The state in memory of its own, which the training does not write to. The tensors of the
    model were copied for it already, and what other processes sent is new.
    """
    if state is None:  # in all but the main process
        return None
    rest = {key: _copied(value) for key, value in state.items() if key not in (_MODEL, _OTHERS)}
    return {**state, **rest, _MODEL: _copied(state[_MODEL], tensors=False)}


def _copied(tree: Any, tensors: bool = True) -> Any:
    """Nested plain data, copied; with the tensors in it, or with the same tensors."""
    if isinstance(tree, ATOMS):
        return tree
    if type(tree) is dict:
        return {key: _copied(value, tensors) for key, value in tree.items()}
    if type(tree) in (list, tuple):
        return type(tree)(_copied(value, tensors) for value in tree)
    is_tensor = hasattr(tree, "untyped_storage")
    return copy.deepcopy(tree) if tensors or not is_tensor else tree


def position_of(run: Run) -> tuple[object, ...]:
    """Where a run is: of two saves at one position the second would save nothing new."""
    progress = run.progress
    return progress.epoch, progress.batch, progress.step, run.in_epoch, run.stopping


def where(run: Run) -> str:
    """Where a run goes on, in words."""
    progress = run.progress
    if run.goes_on_in_steps:
        return f"step {progress.step}"
    if run.in_epoch:
        return f"epoch {progress.epoch + 1}, after batch {progress.batch}"
    return f"the end of epoch {progress.epoch}"
