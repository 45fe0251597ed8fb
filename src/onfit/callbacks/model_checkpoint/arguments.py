"""ModelCheckpoint's arguments, read and checked."""

import operator
import os
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from onfit.callbacks.model_checkpoint.best_files import BestFiles, BestRecord
from onfit.callbacks.model_checkpoint.name import CheckpointName
from onfit.core.cadence import Cadence
from onfit.core.console import say
from onfit.core.faces import model_of
from onfit.core.judging.objective import Objective, resolve_mode
from onfit.core.processes import processes
from onfit.errors import ArgumentError, ArgumentTypeError, NotReadyError
from onfit.storage.durable import require_writable

if TYPE_CHECKING:
    from onfit.callbacks.model_checkpoint.callback import ModelCheckpoint


def check_paths(paths: Iterable[str], checkpoint: "ModelCheckpoint") -> None:
    """Check that files can be saved at `paths`: before training, not at the first save. The main
    process does that, which writes them.

    Raises:
        StorageError: if a folder cannot be written.
        ArgumentError: if the model has no format for such a name.
    """
    check = getattr(checkpoint.model, "check_filepath", None)
    for path in paths if processes().is_main else ():
        require_writable(path, f"ModelCheckpoint(filepath={os.fspath(checkpoint.filepath)!r})")
        if check is not None:
            check(path, weights_only=checkpoint.save_weights_only)


def load_before_training(path: str, checkpoint: "ModelCheckpoint", too_late: bool) -> None:
    """Load the weights of an earlier training.

    Raises:
        NotReadyError: if the first epoch is over: its weights would be lost.
    """
    if too_late:
        raise NotReadyError(
            f"ModelCheckpoint(load_weights_on_restart=True) loads {path!r} before training, and "
            "the first hook that the loop called came after. Call on_train_begin() before the loop."
        )
    model_of(checkpoint).load_weights(path)
    if checkpoint.verbose > 0:
        say(f"ModelCheckpoint loaded the weights of {path}")


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


def record_of(checkpoint: "ModelCheckpoint") -> BestRecord | None:
    """What compares values and notes them in files; None if no values are compared.

    Raises:
        ArgumentError: if nothing says whether the quantity should grow or shrink.
    """
    if not checkpoint.save_best_only and checkpoint.keep is None:
        return None
    monitor, model = checkpoint.monitor, checkpoint.model
    mode = resolve_mode(checkpoint.mode, monitor, "ModelCheckpoint", model)
    return BestRecord(monitor, Objective(mode), model, checkpoint._files.folder)


def save_freq_and_period(save_freq: Any, period: Any) -> tuple[Any, int]:
    """Both arguments, of which at most one says more than its default. Keras 3 has `save_freq` in
    the place of `period`, so a text there is taken for it.
    """
    if period not in (1, "epoch") and save_freq != "epoch":
        raise ArgumentError(
            f"ModelCheckpoint(save_freq={save_freq!r}, period={period!r}): both say how often. "
            "Give one of them."
        )
    if isinstance(period, str):
        return (save_freq if period == "epoch" else period), 1
    try:
        epochs = 0 if isinstance(period, bool) else operator.index(period)
    except TypeError:
        epochs = 0
    if epochs < 1:
        raise ArgumentError(
            f"ModelCheckpoint(period={period!r}): period is a number of epochs, 1 or more. For "
            "another cadence write save_freq='500 batches'."
        )
    return save_freq, epochs


def cadence_of(save_freq: Any, period: int) -> Cadence:
    """The cadence from `save_freq` and the older argument `period`."""
    cadence = Cadence.of(save_freq, owner="ModelCheckpoint", argument="save_freq")
    return cadence if period == 1 else Cadence(period, "epochs")


def check_restart(load_weights_on_restart: Any) -> None:
    """Refuse a number in the place where Keras 3 has `initial_value_threshold`."""
    if not isinstance(load_weights_on_restart, bool):
        raise ArgumentTypeError(
            f"ModelCheckpoint(load_weights_on_restart={load_weights_on_restart!r}): it is True or "
            "False. For a value to beat write initial_value_threshold=..., by its name."
        )
