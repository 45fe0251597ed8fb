"""BackupAndRestore: start a killed script again, and its run goes on."""

import os
from collections.abc import Iterable
from typing import Any, Literal, get_args

from onfit._types import StrPath
from onfit.callbacks.backup_and_restore.affordable import Affordable
from onfit.callbacks.backup_and_restore.in_pieces import latest_of_all
from onfit.callbacks.backup_and_restore.places import Places
from onfit.callbacks.backup_and_restore.saving import Saves, position_of, where
from onfit.core.cadence import Cadence
from onfit.core.callback import Callback, Logs
from onfit.core.console import say
from onfit.core.faces import CanResume, Need
from onfit.core.hooks import overrides
from onfit.core.judging.deciding import in_steps
from onfit.core.representation import checked_arguments
from onfit.core.run import Run
from onfit.core.sizes import counts_of
from onfit.core.state import check_kept, restore_run, settings_of
from onfit.core.walks.state_of_all import state_of_all, state_of_this
from onfit.errors import ArgumentError, FileFormatError, NotReadyError

WhenFinished = Literal["again", "skip"]


class BackupAndRestore(Callback):
    """Saves the whole run regularly. The next start of the script goes on from the last save.

    A save holds weights, optimizer, metrics, progress, the order of the data, all random
    generators, and what every callback remembers. It is one checkpoint, which is complete or not
    there at all. The first one is saved before the first batch. A run that was killed and started
    again ends with the same weights, history and files as one that was never killed.

    Of a script that was changed meanwhile counts: from the checkpoint the weights, the learning
    rate, and the whole state of a torch optimizer; from the script all else, such as losses,
    further arguments of the optimizer and of callbacks, and the number of epochs. A warning names
    what was changed.

    What a callback changed in mid-training goes on as it was changed: `loss_weights`, and what
    `compile` or `model.optimizer = ...` received while `fit` ran. An optimizer of a class that
    neither onfit nor torch has is an error then, unless the class is registered
    (`utils.register_keras_serializable`).

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
            they stay; so they do if an end hook failed, or a signal came in one: then the next
            start only calls the end hooks.
        when_finished: what a script does that is started again after its training is finished.
            `"again"` trains anew. `"skip"`, for jobs that a supervisor starts again and again,
            keeps weights, optimizer, history and outcome in `<backup_dir>.finished`, gets them
            back from there, and trains nothing; remove that folder to train anew.
        mean_time_between_failures: of the machine, in seconds. With `save_freq="auto"`, the time
            between saves is at least the optimal one for it, sqrt(2 * cost of a save * mean_time)
            (Young 1974, refined by Daly 2006).
        verbose: 1 prints where a resumed run goes on; 0 prints nothing.
        background: write while training goes on: it waits for a copy alone, and for the save
            before. Of several processes a checkpoint counts once all have written theirs. If a
            write fails, the next save or the end of training raises the error. The first save, a
            pause and the end wait until all is written.
        double_checkpoint: Keras 3's word for `keep`: True keeps two checkpoints, False one.

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
        when_finished: WhenFinished = "again",
        mean_time_between_failures: float | None = None,
        verbose: int = 1,
        background: bool = False,
        double_checkpoint: bool | None = None,
    ) -> None:
        if not isinstance(backup_dir, str | os.PathLike) or not os.fspath(backup_dir):
            raise ArgumentError(
                f"BackupAndRestore(backup_dir={backup_dir!r}): Empty `backup_dir` argument passed. "
                "It is the folder of this run's checkpoints, whose files are deleted in the end. "
                "Name one, such as 'runs/backup'."
            )
        if isinstance(keep, bool) or not isinstance(keep, int) or keep < 1:
            raise ArgumentError(
                f"BackupAndRestore(keep={keep!r}): keep is how many checkpoints stay, 1 or more. "
                "Keras 3 has double_checkpoint in this place; keep=2 is its True, keep=1 its False."
            )
        if when_finished not in get_args(WhenFinished):
            raise ArgumentError(
                f"BackupAndRestore(when_finished={when_finished!r}): one of 'again', which trains "
                "anew when the script is started again, and 'skip', which gets the result back."
            )
        if double_checkpoint is not None:
            keep = 2 if double_checkpoint else 1
        self.double_checkpoint = double_checkpoint
        self.backup_dir = backup_dir
        self.save_freq = save_freq
        self.keep = keep
        self.delete_checkpoint = delete_checkpoint
        self.when_finished = when_finished
        self.mean_time_between_failures = mean_time_between_failures
        self.verbose, self.background = verbose, background
        self._saves: Saves | None = None  # of the training that is under way
        self._saved_at: tuple[object, ...] | None = None
        self._end_at: tuple[object, ...] | None = None  # the end that another process has kept
        self._places = Places(backup_dir, keep)
        self._cadence: Cadence | Affordable
        if save_freq == "auto":
            self._cadence = Affordable(mean_time_between_failures)
        else:
            self._cadence = Cadence.of(save_freq, owner="BackupAndRestore", argument="save_freq")

    def __getstate__(self) -> dict[str, Any]:
        """What a copy holds: all but what is being written."""
        return {**super().__getstate__(), "_saves": None}

    def hears(self, hook: str) -> bool:
        if hook == "on_train_batch_end" and not overrides(self, hook, BackupAndRestore):
            return self._cadence.counts_batches
        return super().hears(hook)

    def needs(self) -> Iterable[Need]:
        theirs = "Where Keras trains its own model, pass keras.callbacks.BackupAndRestore instead."
        yield Need(CanResume, instead=theirs)

    def on_train_begin(self, logs: Logs | Any = None) -> None:
        run = self._resumable_run()
        check_kept(run)
        run.settings = settings_of(run)
        self._places = Places(self.backup_dir, self.keep)
        of_main = run.processes.of_main  # which reads and writes; all get what it reads
        of_main(lambda: self._places.checkpoints.acquire(run))
        self._saves = Saves(run, self._places.checkpoints, self.background)
        if isinstance(self._cadence, Affordable):
            self._cadence.saves = self._saves
        self._cadence.restart()
        self._saved_at = self._end_at = None
        run.keepers.append(self)
        if self.when_finished == "skip":
            state = latest_of_all(run, self._places.finished)
            if state is not None:
                self._restore(run, state, finished=True)
                return
        state = latest_of_all(run, self._places.checkpoints)
        if state is None:
            if self.verbose and run.processes.is_main:
                self._places.say_what_waits()
            # Save now: then a run that is killed early begins again with the same weights, and a
            # run that cannot be saved fails before hours are spent on it.
            self._save(at_once=True)
        else:
            self._restore(run, state)

    def on_train_batch_end(self, batch: int, logs: Logs | Any = None) -> None:
        due = self._cadence.due_after_batch(*counts_of(self, logs))
        if due and not self._resumable_run().leaves_saving_to_all():
            self._save()

    def on_epoch_end(self, epoch: int, logs: Logs | Any = None) -> None:
        run = self._resumable_run()
        run.agree()  # a stop in another process may change what is due
        due = run.processes.any_of(self._cadence.due_after_epoch())
        if run.pausing:
            # An epoch that is cut short was saved in the middle, and goes on from there.
            due = not run.cut_short
        if due:
            self._save()

    def on_validation_end(self, step: int, logs: Logs | Any = None) -> None:
        due = in_steps(self) and self._cadence.due_after_epoch()
        if self._resumable_run().processes.any_of(due):
            self._save()

    def pause(self) -> None:
        """Save the run as it is now. The session calls this where the run goes on elsewhere, or one
        of its processes asked for it.
        """
        run = self._resumable_run()
        self._save(wait=True, at_once=run.pausing or run.signal is not None)

    def training_is_over(self) -> None:
        """Save the end of the training, unless that is done. The session calls this before the end
        hooks: should one of them fail, the next start has only these to call.
        """
        run = self._resumable_run()
        if self._is_finished(run) and self._saved_at != position_of(run):
            self._save(at_once=True)
        elif self._saves is not None:
            self._saves.finish()

    def run_is_over(self, well: bool) -> None:
        """Remove the checkpoints of a finished training. The session calls this after the end
        hooks.

        Args:
            well: whether all of them returned, and no signal is pending.
        """
        run = self._resumable_run()
        if self._saves is not None:
            self._saves.close()
        try:
            if self._is_finished(run) and not run.processes.any_of(not well):
                self._finish(run)
            elif run.processes.is_main:
                self._places.checkpoints.settle()
        finally:
            self._places.checkpoints.release()

    def _finish(self, run: Run) -> None:
        state = None
        if self.when_finished == "skip" and self._end_at != position_of(run):
            state = state_of_all(run)
        if run.processes.is_main:
            if state is not None:
                self._places.save_end(state, run)
            if self.delete_checkpoint:
                self._places.clear()
            else:
                self._places.checkpoints.settle()
        if self.delete_checkpoint or self.when_finished == "skip":
            self._places.count_as_finished()

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

    def _restore(self, run: Run, state: Any, finished: bool = False) -> None:
        try:
            restore_run(run, state_of_this(run, state))
        except FileFormatError as error:
            error.add_note(f"the checkpoint is in {os.fspath(self.backup_dir)!r}")
            raise
        self._saved_at = position_of(run)
        self._end_at = self._saved_at if finished else None
        if not self.verbose:
            return
        if finished and (run.stopping or run.progress.epoch >= (run.params["epochs"] or 0)):
            say(
                "The training is finished, and its result is back from "
                f"{str(self._places.finished.folder)!r}. Remove that to train anew."
            )
        else:
            say(f"Resuming from {where(run)}.")

    def _save(self, *, wait: bool = False, at_once: bool = False) -> None:
        run = self._resumable_run()
        if run.stopped is not None and run.stopped.means == "failure":
            return  # the next start goes on from the save before the failure
        assert self._saves is not None  # it is made when training begins
        seconds = self._saves.save(wait=wait, at_once=at_once)
        self._saved_at = position_of(run)
        if isinstance(self._cadence, Affordable):
            self._cadence.saving_took(seconds)
