"""ModelCheckpoint's arguments, read and checked."""

import os
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from onfit.callbacks.model_checkpoint.best_files import BestFiles
from onfit.callbacks.model_checkpoint.name import CheckpointName
from onfit.core.cadence import Cadence
from onfit.errors import ArgumentError
from onfit.storage.durable import require_writable

if TYPE_CHECKING:
    from onfit.callbacks.model_checkpoint.callback import ModelCheckpoint


def check_paths(paths: Iterable[str], checkpoint: "ModelCheckpoint") -> None:
    """Check that files can be saved at `paths`: before training, not at the first save.

    Raises:
        StorageError: if a folder cannot be written.
        ArgumentError: if the model has no format for such a name.
    """
    check = getattr(checkpoint.model, "check_filepath", None)
    for path in paths:
        require_writable(path, f"ModelCheckpoint(filepath={os.fspath(checkpoint.filepath)!r})")
        if check is not None:
            check(path, weights_only=checkpoint.save_weights_only)


def last_path(save_last: Any, name: CheckpointName) -> str | None:
    """The path at which the latest model is saved; None if it is not saved."""
    if save_last is False:
        return None
    if save_last is True:
        folder, file = os.path.split(name.probe)
        save_last = os.path.join(folder, "last" + "".join(_suffixes(file)))
    last = CheckpointName(save_last, "ModelCheckpoint", "save_last")
    if last.fields or os.path.realpath(last.template) == os.path.realpath(name.template):
        raise ArgumentError(
            f"ModelCheckpoint(filepath={name.template!r}, save_last={save_last!r}): save_last "
            "names one file, without fields, and another than filepath. Rename one of them."
        )
    return last.template


def _suffixes(file: str) -> tuple[str, str]:
    """The suffixes of a file name: `("", ".h5")`, or `(".weights", ".h5")` for `a.weights.h5`."""
    stem, suffix = os.path.splitext(file)
    return (".weights" if stem.endswith(".weights") else "", suffix)


def best_files(keep: Any, name: CheckpointName) -> BestFiles:
    """The `BestFiles` for the argument `keep`, without files yet.

    Raises:
        ArgumentError: if `keep` is no number of files, or all files would have the same name.
    """
    files = BestFiles(keep, "ModelCheckpoint")
    if keep is not None and keep > 1 and not name.fields:
        raise ArgumentError(
            f"ModelCheckpoint(filepath={name.template!r}, keep={keep}): {keep} files need "
            "different names. Put a field into it, such as {epoch:02d}."
        )
    return files


def cadence_of(save_freq: Any, period: Any) -> Cadence:
    """The cadence from `save_freq` and the older argument `period`."""
    cadence = Cadence.of(save_freq, owner="ModelCheckpoint", argument="save_freq")
    if period == 1:
        return cadence
    if isinstance(period, bool) or not isinstance(period, int) or period < 1:
        raise ArgumentError(
            f"ModelCheckpoint(period={period!r}): period is a number of epochs, 1 or more."
        )
    if save_freq != "epoch":
        raise ArgumentError(
            f"ModelCheckpoint(save_freq={save_freq!r}, period={period}): both say how often. "
            "Give one of them."
        )
    return Cadence(period, "epochs")
