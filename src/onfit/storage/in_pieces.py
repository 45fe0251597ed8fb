"""A checkpoint to which several processes write, each the pieces of weights that it has.

The main process makes its hidden folder. All write to that; then the main one writes the rest, with
the manifest, and renames it. So it is whole, or not there, like any other.
"""

import shutil
from pathlib import Path
from typing import Any

from onfit.storage.checkpoint_files import Listed
from onfit.storage.checkpoints import CheckpointManager, not_written
from onfit.storage.trees import packed


def begin(checkpoints: CheckpointManager) -> tuple[str, bool]:
    """Begin a checkpoint.

    Returns:
        Its folder, until it is whole; and whether it is to wait for the disk.

    Raises:
        StorageError: if the folder cannot be made.
    """
    try:
        return str(checkpoints.new_folder()), checkpoints.is_to_wait()
    except OSError as error:
        raise not_written(checkpoints.folder, error) from error


def end(
    checkpoints: CheckpointManager, hidden: str, tree: Any, pieces: Listed, *, wait: bool
) -> None:
    """Write the rest of a checkpoint that was begun.

    Args:
        checkpoints: where it belongs.
        hidden: its folder.
        tree: nested plain data and arrays.
        pieces: what `write_pieces` returned in each process.
        wait: wait for the disk.

    Raises:
        StorageError: if it cannot be written; all earlier ones are as they were.
    """
    checkpoints.finish(Path(hidden), packed(tree), pieces, wait=wait)


def abandon(hidden: str) -> None:
    """Remove what was written of a checkpoint that was begun."""
    shutil.rmtree(hidden, ignore_errors=True)
