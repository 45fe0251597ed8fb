"""ModelCheckpoint: save the model while it trains, each time or only the best."""

from collections.abc import Iterable
from typing import Any

from onfit._types import AskedMode, OnMissing, StrPath
from onfit.callbacks.model_checkpoint.arguments import (
    best_files,
    cadence_of,
    check_paths,
    check_restart,
    last_path,
    load_before_training,
    record_of,
    save_freq_and_period,
)
from onfit.callbacks.model_checkpoint.best_files import BestRecord
from onfit.callbacks.model_checkpoint.model_files import ModelFiles
from onfit.callbacks.model_checkpoint.name import CheckpointName
from onfit.callbacks.model_checkpoint.path import CheckpointPath
from onfit.callbacks.model_checkpoint.position import Position
from onfit.callbacks.model_checkpoint.words import no_val_values, replacing_a_better, verdict
from onfit.core.cadence import begin_cadence, due_after_batch
from onfit.core.callback import Callback, Logs
from onfit.core.console import say
from onfit.core.faces import CanSave, CanSnapshot, Need, model_of
from onfit.core.hooks import overrides
from onfit.core.judging.deciding import decides, of_main
from onfit.core.judging.decisions import Decisions, forget_decisions
from onfit.core.judging.monitor import Monitor
from onfit.core.judging.objective import MonitorOp, Objective, check_mode
from onfit.core.representation import checked_arguments
from onfit.errors import warn


class ModelCheckpoint(Callback):
    """Saves the model, or its weights, at the end of epochs or of batches.

    A file is replaced in one step: whatever happens while it is written, the previous file stays
    whole. The folder is made, and checked for writing, before training.

    Args:
        filepath: the file to write. It may hold fields, filled from the epoch and the batch
            (both counted from 1) and from the logs, under any of their names:
            `weights.{epoch:02d}-{val_loss:.2f}.h5`. At the end of a batch the logs are the
            means of the epoch so far.
        monitor: the quantity that `save_best_only` and `keep` compare, under any of its names.
        verbose: 1 prints what is saved and why.
        save_best_only: save only what is better than the best before. A tie is not better.
        save_weights_only: save the weights alone (`model.save_weights`; a state dict, `.pt`,
            `.pth` or `.ckpt`, is always that) instead of the whole model (`model.save`).
        mode: whether less (`"min"`) or more (`"max"`) is better; `"auto"` finds out from the
            metric or from its name.
        period: at least this many epochs lie between two files. With `save_best_only`, the next
            better epoch after them is saved, whenever it comes. A text is taken for `save_freq`,
            which Keras 3 has in this place.
        load_weights_on_restart: before training, load the weights of the file at `filepath`;
            of the newest, if its name has fields. Nothing is loaded if there is none.
        initial_value_threshold: the first best value has to be better than this. Without it,
            `save_best_only` replaces an existing file at its first save.
        save_freq: `"epoch"`, `"batch"`, how many *samples* lie between two saves, or text
            such as `"500 batches"`, `"10 minutes"`, `"5 epochs"`.
        on_missing: what happens if `monitor` is not logged: `"warn"` warns once and saves
            nothing, `"raise"` raises a MissingMetricError.
        keep: how many files stay: those of the best values. A model that is not among them is
            not saved. More than one file need a name with fields. Only files of this training,
            or of the one that it goes on from, are removed, and only when the better file is
            on the disk.
        save_last: also save the latest model each time, good or not. True saves it as `last`
            beside `filepath`, with the same suffix; or give a path.
        background: write while training goes on. The model is copied at once, into memory
            that each save reuses. If a write fails, the next save or the end of training
            raises the error; the end waits for the last write.

    Attributes:
        best: the best value so far; None before the first. Kept when the same instance is
            used for a second fit. A file of a best model holds its value. A training that goes
            on from another (`load_weights_on_restart`, `initial_epoch`) reads it from there, if
            monitor, mode and shapes are the same.
        decisions: a list with a `Decision` for each time it looked: whether it saved, and why. It
            holds the newest 1000.

    Raises:
        ArgumentError: for a name with fields that nothing can fill, an unknown `mode` or
            `save_freq`, `period` beside a `save_freq`, `keep` for a name that is always the
            same, or (before training) a `monitor` whose direction is not known.
        ArgumentTypeError: for an argument that does not exist, or of a wrong kind.
        CapabilityError: before training, if the model cannot be saved, or not in the background.
        StorageError: if the folder cannot be written, the path is a folder, or saving fails.
        MissingMetricError: at the first save, if a field of the name is not in the logs.

    Example:
        >>> best = ModelCheckpoint("best.h5", monitor="val_acc", save_best_only=True)
        >>> each = ModelCheckpoint("runs/{epoch:02d}-{val_loss:.2f}.h5", save_weights_only=True)
        >>> three = ModelCheckpoint("runs/{epoch:02d}.h5", keep=3, save_last=True)
    """

    whole_epochs = True
    decisions = Decisions()
    monitor_op = MonitorOp()

    @checked_arguments
    def __init__(
        self,
        filepath: StrPath,
        monitor: str = "val_loss",
        verbose: int = 0,
        save_best_only: bool = False,
        save_weights_only: bool = False,
        mode: AskedMode = "auto",
        period: int | str = 1,
        load_weights_on_restart: bool = False,
        initial_value_threshold: float | None = None,
        *,
        save_freq: str | int = "epoch",
        on_missing: OnMissing = "warn",
        keep: int | None = None,
        save_last: bool | StrPath = False,
        background: bool = False,
    ) -> None:
        check_mode(mode, "ModelCheckpoint")
        check_restart(load_weights_on_restart)
        self.filepath, self.verbose = filepath, verbose
        self.monitor, self.mode, self.on_missing = monitor, mode, on_missing
        self.save_best_only, self.save_weights_only = save_best_only, save_weights_only
        self.save_freq, self.period = save_freq_and_period(save_freq, period)
        self.load_weights_on_restart = load_weights_on_restart
        self.initial_value_threshold = initial_value_threshold
        self.keep, self.save_last, self.background = keep, save_last, background
        self.best = initial_value_threshold
        self._name = CheckpointName(filepath, "ModelCheckpoint")
        self._path = CheckpointPath(self._name, "ModelCheckpoint")
        self._monitor = Monitor(monitor, "ModelCheckpoint", on_missing)
        self._best_files = best_files(keep, self._name)
        self._files = ModelFiles(
            "ModelCheckpoint", save_weights_only, background, last_path(save_last, self._name)
        )
        self._cadence = cadence_of(self.save_freq, self.period)
        self._begin_anew()

    def _begin_anew(self) -> None:
        self._position = Position()
        self._prepared = self._warned_of_batches = self._warned_of_better = False

    def hears(self, hook: str) -> bool:
        if hook == "on_train_batch_end" and not overrides(self, hook, ModelCheckpoint):
            return self._cadence.counts_batches
        return super().hears(hook)

    def needs(self) -> Iterable[Need]:
        yield Need(CanSave)
        if self.background:
            yield Need(CanSnapshot, "background=True")

    def on_train_begin(self, logs: Logs | Any = None) -> None:
        self._monitor.reset()
        begin_cadence(self)
        self._path.reset()
        self._begin_anew()
        forget_decisions(self)
        self._prepare(self._position.epoch(self._session))

    def on_epoch_begin(self, epoch: int, logs: Logs | Any = None) -> None:
        self._prepare(epoch)
        self._position.epoch_begins(epoch)

    def on_train_batch_end(self, batch: int, logs: Logs | Any = None) -> None:
        logs = {} if logs is None else logs
        self._position.batch_ends(batch)
        if of_main(self, due_after_batch(self, batch, logs)):
            epoch = self._position.epoch(self._session)
            self._save_if_good(epoch, batch + 1, getattr(logs, "so_far", logs), mid_epoch=True)

    def on_epoch_end(self, epoch: int, logs: Logs | Any = None) -> None:
        batches = self._position.batches(self._session)
        self._position.epoch_ends(epoch)
        self._decide("epochs", epoch, batches, logs or {})

    def on_validation_end(self, step: int, logs: Logs | Any = None) -> None:
        session = self._session
        epoch, batches = self._position.epoch(session), self._position.batches(session)
        self._decide("validations", epoch, batches, logs or {})

    def _decide(self, at: str, epoch: int, batches: int | None, logs: Logs) -> None:
        due = decides(self, at) and of_main(self, self._cadence.due_after_epoch())
        if due and not self._save_if_good(epoch, batches, logs):
            self._cadence.put_off()

    def on_train_end(self, logs: Logs | Any = None) -> None:
        self._files.finish()

    def state_dict(self) -> dict[str, Any]:
        self._files.finish()  # a run that goes on from this state needs these files
        return {
            "best": self.best,
            "best_files": self._best_files.files,
            "named_once": self._path.named_once,
            "cadence": self._cadence.state_dict(),
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.best = state["best"]
        self._best_files.load(state["best_files"], self._name)
        self._path.named_once = state["named_once"]
        self._cadence.load_state_dict(state["cadence"])
        self._warned_of_better = True  # this run itself may have written the better file

    # --- saving --------------------------------------------------------------------------

    def _save_if_good(
        self, epoch: int, batch: int | None, logs: Logs, *, mid_epoch: bool = False
    ) -> bool:
        """Save if the name can be filled and the value is good enough. Returns whether it was."""
        # The name is filled first: a misspelt field is then found before anything is written,
        # even if the first value is no better than the threshold.
        self._prepare(epoch, too_late=True)
        fields = self._position.fields(epoch, batch, self._session)
        path = self._path.of(fields, logs, self.params)
        value, record = None, record_of(self)
        if path is not None and record is not None:
            value = of_main(self, self._monitored(logs, mid_epoch))
            good = value is not None and self._is_good(value, record.objective, epoch, path)
            path = path if good else None
        if path is None:
            self._files.write(model_of(self), {})
        elif value is None or record is None:
            self._decided(epoch, f"saving model to {path}", value)
            self._files.write(model_of(self), {path: None})
        else:
            self._write_best(path, value, record)
        return path is not None

    def _is_good(self, value: float, objective: Objective, epoch: int, path: str) -> bool:
        """Whether a model of this value has to be saved. Prints the answer."""
        best = objective.worst if self.best is None else self.best
        improved = objective.better(value, self.best)
        good = improved or self._is_among_the_best(value, path, objective)
        said = verdict(best, value, path, good, improved, self.keep)
        self._decided(epoch, f"{self.monitor} {said}", value, saves=good)
        return good

    def _is_among_the_best(self, value: float, path: str, objective: Objective) -> bool:
        beaten = objective.better(value, self.initial_value_threshold)
        admitted = beaten and self._best_files.admits(value, path, objective)
        return admitted and not self.save_best_only

    def _write_best(self, path: str, value: float, record: BestRecord) -> None:
        self._warn_of_better(path, value, record)
        stay = self._best_files.with_one_more(value, path, record.objective)
        gone = self._best_files.not_in(stay)
        before, self._best_files.files = (self.best, self._best_files.files), stay
        if record.objective.better(value, self.best):
            self.best = value

        def forget() -> None:  # a model that could not be saved, since there is no file of it
            self.best, self._best_files.files = before

        self._files.write(model_of(self), {path: record.notes(value)}, gone, forget)

    def _decided(
        self, epoch: int, text: str, value: float | None = None, *, saves: bool = True
    ) -> None:
        self._position.note(self, epoch, "saved" if saves else "skipped", text, value)
        if self.verbose > 0:
            say(f"{self._position.name(epoch, self)}: {text}")

    # --- files that are there already -------------------------------------------------------

    def _prepare(self, epoch: int, *, too_late: bool = False) -> None:
        """Before the first epoch, or else before the first save: check the paths, and go on from
        files, if the training begins at a later epoch or the user wants that.
        """
        if self._prepared:
            return
        self._files.begin()
        record = record_of(self)
        check_paths(filter(None, (self._name.probe, self._files.last)), self)
        self._path.warn_of_likely_misspelling(self.params)
        existing = self._name.existing() if epoch > 0 or self.load_weights_on_restart else []
        if existing and self.load_weights_on_restart:
            load_before_training(existing[-1], self, too_late)
        if record is not None:
            self.best = self._best_files.recall(existing, record, self.best)
        self._prepared = True

    def _warn_of_better(self, path: str, value: float, record: BestRecord) -> None:
        """Print once that this new training is about to replace a better file of an older one."""
        looked, self._warned_of_better = self._warned_of_better, True
        there = None if looked else record.value_in(path)
        if there is not None and record.objective.better(there, than=value):
            say(replacing_a_better(path, there, value, self.monitor))

    def _monitored(self, logs: Logs, mid_epoch: bool) -> float | None:
        if not mid_epoch or not self.monitor.startswith("val_") or self.monitor in logs:
            return self._monitor.read(logs, self.params)
        if not self._warned_of_batches:
            self._warned_of_batches = True
            warn(no_val_values(self.save_freq, self.monitor))
        return None
