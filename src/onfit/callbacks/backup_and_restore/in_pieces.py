"""A checkpoint to which each of several processes writes the pieces of weights that it has."""

import os
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from onfit.core.faces import is_divided
from onfit.core.processes import Processes
from onfit.core.run import Run
from onfit.core.walks.state_of_all import state_of_all
from onfit.errors import StorageError
from onfit.storage.checkpoint_files import Listed, has_pieces, read_pieces, write_pieces
from onfit.storage.checkpoints import CheckpointManager
from onfit.storage.in_pieces import abandon, begin, end


def taken_in_pieces(
    run: Run, checkpoints: CheckpointManager, keep: Callable[[Any], Any], *, wait: bool
) -> Callable[[Processes], object] | None:
    """Take a run down whose weights are divided, so that no process needs memory for all of them.

    All processes call this. Where they do not see one folder, the main one has to write all.

    Args:
        run: the run.
        checkpoints: where it is saved.
        keep: makes of the state what can be written later.
        wait: wait for the disk in any case.

    Returns:
        What saves it, to be called on every process with the processes, perhaps in a thread. It
        raises a StorageError on all of them, if one cannot write. None if the run was not taken.
    """
    processes = run.processes
    if processes.world == 1 or not is_divided(run.model):
        return None
    hidden, due = processes.of_main(lambda: begin(checkpoints))
    if processes.any_of(not os.path.isdir(hidden)):
        processes.of_main(lambda: abandon(hidden))
        return None
    model, pieces = run.model.state_in_pieces()
    state = keep(state_of_all(run, model))
    return partial(_save, checkpoints, hidden, state, pieces, wait or due)


def _save(
    checkpoints: CheckpointManager,
    hidden: str,
    state: Any,
    pieces: dict[str, Any],
    wait: bool,
    processes: Processes,
) -> None:
    """Write the pieces of all processes; then the main one writes the rest, if all are there."""
    found, error = _written(Path(hidden), processes.rank, pieces, wait)
    each, errors = zip(*processes.of_all((found, error), "a checkpoint"), strict=True)
    failed = next(filter(None, errors), None)
    if failed is not None:
        processes.of_main(lambda: abandon(hidden))
        raise StorageError(failed)
    listed: Listed = {name: facts for one in each for name, facts in one.items()}
    processes.of_main(lambda: end(checkpoints, hidden, state, listed, wait=wait))


def _written(
    folder: Path, rank: int, pieces: dict[str, Any], wait: bool
) -> tuple[Listed, str | None]:
    try:
        return write_pieces(folder, rank, pieces, wait=wait), None
    except OSError as error:
        return {}, (
            f"process {rank} could not write its pieces of the weights to {str(folder)!r}: {error}."
            " Earlier checkpoints are as they were. Make room there, or choose another folder."
        )


def latest_of_all(run: Run, checkpoints: CheckpointManager) -> Any:
    """What `checkpoints.latest` finds in the main process, in all. If its weights are in pieces,
    each process sees those of all, and reads what it needs.
    """
    state, folder = run.processes.of_main(lambda: _latest(checkpoints))
    if folder is not None:
        state["model"]["pieces"] = read_pieces(Path(folder))
    return state


def _latest(checkpoints: CheckpointManager) -> tuple[Any, str | None]:
    state, folder = checkpoints.latest(), checkpoints.latest_is_in
    return state, str(folder) if folder is not None and has_pieces(folder) else None
