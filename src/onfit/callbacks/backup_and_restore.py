"""BackupAndRestore: start a killed script again, and its run goes on."""

import math
import os
import time
from collections.abc import Iterable
from typing import Any

from onfit._types import StrPath
from onfit.core.cadence import Cadence
from onfit.core.callback import Callback, Logs
from onfit.core.console import say
from onfit.core.faces import CanResume, Need
from onfit.core.hooks import overrides
from onfit.core.objective import in_steps
from onfit.core.representation import checked_arguments
from onfit.core.run import Run
from onfit.core.sizes import size_in
from onfit.core.state import check_kept, restore_run, run_state
from onfit.errors import ArgumentError, FileFormatError, NotReadyError
from onfit.storage.checkpoints import CheckpointManager

# "auto" saves so rarely that saving takes at most this share of the time.
_SHARE = 0.01


class BackupAndRestore(Callback):
    """Saves the whole run regularly. The next start of the script goes on from the last save.

    A save holds weights, optimizer, metrics, progress, the order of the data, all random
    generators, and what every callback remembers. It is one checkpoint, which is complete or not
    there at all. The first one is saved before the first batch. A run that was killed and started
    again ends with the same weights, history and files as one that was never killed.

    Of a loop of your own a save holds what its `Run` knows: the optimizers with the gradients that
    wait for them, schedulers in `callbacks=`, all in `parts=`. An optimizer or a scheduler that it
    does not know is warned of before training. A GradScaler, and torch's ReduceLROnPlateau, leave
    no mark to find them by: put them into `parts=`.

    Args:
        backup_dir: a folder for this run alone.
        save_freq: `"epoch"` (in a run of steps: after each validation), a number of *samples*,
            `"500 batches"`, `"10 minutes"`, or `"auto"`: so rarely that saving takes at most 1% of
            the time.
        keep: how many checkpoints stay, in case the newest is damaged.
        delete_checkpoint: remove the checkpoints when training is complete, also if a callback
            such as EarlyStopping ended it. After a time limit, a NaN, an interrupt or a failure
            they stay.
        mean_time_between_failures: of the machine, in seconds. With `save_freq="auto"`, the time
            between saves is at least the optimal one for it, sqrt(2 * cost of a save * mean_time)
            (Young 1974, refined by Daly 2006).
        verbose: 1 prints where a resumed run goes on; 0 prints nothing.

    Raises:
        ArgumentError: for an empty `backup_dir`, a `save_freq` that is no cadence, or a `keep`
            below 1.
        ArgumentTypeError: when training begins, for a part of the run whose state cannot be saved.
        NotReadyError: when training begins, in a loop without `onfit.Run`: it cannot be resumed.
        StorageError: if another run uses the folder, or it cannot be written.
        FileFormatError: if the checkpoint is of another model, optimizer or data; the error lists
            both.

    Example:
        >>> backup = BackupAndRestore("runs/backup", save_freq="10 minutes")
    """

    remembers = ()
    called_last = True

    @checked_arguments
    def __init__(
        self,
        backup_dir: StrPath,
        save_freq: str | int = "epoch",
        keep: int = 2,
        delete_checkpoint: bool = True,
        *,
        mean_time_between_failures: float | None = None,
        verbose: int = 1,
    ) -> None:
        if not isinstance(backup_dir, str | os.PathLike) or not os.fspath(backup_dir):
            raise ArgumentError(
                f"BackupAndRestore(backup_dir={backup_dir!r}): backup_dir is the folder of this "
                "run's checkpoints, whose files are deleted in the end. Name one, such as "
                "'runs/backup'."
            )
        if isinstance(keep, bool) or not isinstance(keep, int) or keep < 1:
            raise ArgumentError(
                f"BackupAndRestore(keep={keep!r}): keep is how many checkpoints stay, 1 or more. "
                "Keras 3 has double_checkpoint in this place; keep=2 is its True, keep=1 its False."
            )
        self.backup_dir = backup_dir
        self.save_freq = save_freq
        self.keep = keep
        self.delete_checkpoint = delete_checkpoint
        self.mean_time_between_failures = mean_time_between_failures
        self.verbose = verbose
        self._saved_at: tuple[object, ...] | None = None
        self._checkpoints = CheckpointManager(backup_dir, keep)
        self._cadence: Cadence | _Affordable
        if save_freq == "auto":
            self._cadence = _Affordable(mean_time_between_failures)
        else:
            self._cadence = Cadence.of(save_freq, owner="BackupAndRestore", argument="save_freq")

    def hears(self, hook: str) -> bool:
        if hook == "on_train_batch_end" and not overrides(self, hook, BackupAndRestore):
            return self._cadence.counts_batches
        return super().hears(hook)

    def needs(self) -> Iterable[Need]:
        yield Need(CanResume)

    def on_train_begin(self, logs: Logs | None = None) -> None:
        run = self._resumable_run()
        check_kept(run)
        # The folder that the path means now: a script may change its folder later on.
        self._checkpoints = CheckpointManager(os.path.abspath(self.backup_dir), self.keep)
        self._checkpoints.acquire(run)
        self._cadence.restart()
        self._saved_at = None
        run.keepers.append(self)
        state = self._checkpoints.latest()
        if state is None:
            # Save now: then a run that is killed early begins again with the same weights, and a
            # run that cannot be saved fails before hours are spent on it.
            self._save()
        else:
            self._restore(run, state)

    def on_train_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        if self._cadence.due_after_batch(size_in(logs)):
            self._save()

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        run = self._resumable_run()
        due = self._cadence.due_after_epoch()
        if run.pausing:
            # An epoch that is cut short was saved in the middle, and goes on from there.
            due = not run.cut_short
        if due:
            self._save()

    def on_validation_end(self, step: int, logs: Logs | None = None) -> None:
        if in_steps(self) and self._cadence.due_after_epoch():
            self._save()

    def pause(self) -> None:
        """Save the run as it is now. The session calls this where the run goes on elsewhere."""
        self._save()

    def training_is_over(self) -> None:
        """Save the end of the training, unless that is done. The session calls this before the end
        hooks: should one of them fail, the next start has only these to call.
        """
        run = self._resumable_run()
        if self._is_finished(run) and self._saved_at != _position(run):
            self._save()

    def run_is_over(self, well: bool) -> None:
        """Remove the checkpoints of a finished training. The session calls this after the end
        hooks.

        Args:
            well: whether all of them returned, and no signal is pending.
        """
        try:
            if well and self.delete_checkpoint and self._is_finished(self._resumable_run()):
                self._checkpoints.clear()
        finally:
            self._checkpoints.release()

    @staticmethod
    def _is_finished(run: Run) -> bool:
        """Whether training is finished, and not only interrupted."""
        ended = run.stopped is not None and run.stopped.means == "end"
        return run.outcome == "completed" or (run.outcome == "stopped" and ended)

    def _resumable_run(self) -> Run:
        """The run that calls this callback.

        Raises:
            NotReadyError: if the hooks are called by a loop without a `Run`.
        """
        if not isinstance(self._session, Run):
            raise NotReadyError(
                "BackupAndRestore saves a whole run and makes it go on, and its hooks were called "
                "by a loop that it knows nothing of. Train with model.fit, or write your loop as: "
                "with Run(model, callbacks, optimizer=optimizer) as run:"
            )
        return self._session

    def _restore(self, run: Run, state: Any) -> None:
        try:
            restore_run(run, state)
        except FileFormatError as error:
            error.add_note(f"the checkpoint is in {os.fspath(self.backup_dir)!r}")
            raise
        self._saved_at = _position(run)
        if self.verbose:
            say(f"Resuming from {_where(run.progress, run.in_epoch)}.")

    def _save(self) -> None:
        run = self._resumable_run()
        if run.stopped is not None and run.stopped.means == "failure":
            return  # the next start goes on from the save before the failure
        begin = time.monotonic()
        self._checkpoints.save(run_state(run))
        self._saved_at = _position(run)
        if isinstance(self._cadence, _Affordable):
            self._cadence.saving_took(time.monotonic() - begin)


class _Affordable:
    """A cadence whose interval follows from the time that a save takes."""

    counts_batches = True

    def __init__(self, mean_time_between_failures: float | None) -> None:
        self._mean_time = mean_time_between_failures
        self._interval = 0.0  # the first save comes at once, and its time is measured
        self.restart()

    def restart(self) -> None:
        """Begin the interval now."""
        self._since = time.monotonic()

    def saving_took(self, seconds: float) -> None:
        """Set the interval from the seconds that a save took."""
        self._interval = seconds / _SHARE
        if self._mean_time is not None:
            self._interval = max(self._interval, math.sqrt(2 * seconds * self._mean_time))
        self.restart()

    def due_after_batch(self, size: int) -> bool:
        """Whether the interval is over."""
        return time.monotonic() - self._since >= self._interval

    def due_after_epoch(self) -> bool:
        """Whether the interval is over."""
        return self.due_after_batch(0)


def _position(run: Run) -> tuple[object, ...]:
    """Where a run is: of two saves at one position the second would save nothing new."""
    progress = run.progress
    return progress.epoch, progress.batch, progress.step, run.in_epoch, run.stopping


def _where(progress: Any, in_epoch: bool) -> str:
    if in_epoch:
        return f"epoch {progress.epoch + 1}, after batch {progress.batch}"
    return f"the end of epoch {progress.epoch}"
