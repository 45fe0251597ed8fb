"""ModelCheckpoint: save the model while it trains, each time or only the best."""

import math
import warnings
from collections.abc import Iterable
from typing import Any

from onfit._types import StrPath
from onfit.callbacks.checkpoint_name import OWN_FIELDS, CheckpointName
from onfit.core.cadence import Cadence
from onfit.core.callback import Callback, Logs
from onfit.core.console import say
from onfit.core.monitor import Monitor
from onfit.core.objective import Objective, check_mode, resolve_mode
from onfit.core.protocols import CanSave, Need
from onfit.errors import (
    ArgumentError,
    MissingMetricError,
    OnfitWarning,
    StorageError,
    did_you_mean,
)
from onfit.storage.durable import require_writable


class ModelCheckpoint(Callback):
    """Saves the model, or its weights, at the end of epochs or of batches.

    A file is replaced in one step: whatever happens while it is written, the previous one
    stays whole. The folder is made, and tried, before training.

    Args:
        filepath: the file to write. It may hold fields, filled from the epoch and the batch
            (both counted from 1) and from the logs, under any of their names:
            `weights.{epoch:02d}-{val_loss:.2f}.h5`. At the end of a batch the logs are the
            means of the epoch so far.
        monitor: the quantity that `save_best_only` compares, under any of its names.
        verbose: 1 says what is saved and why.
        save_best_only: save only what is better than the best before. A tie is not better.
        save_weights_only: save the weights alone (`model.save_weights`) instead of the whole
            model (`model.save`).
        mode: whether less (`"min"`) or more (`"max"`) is better; `"auto"`: as the metric or
            its name tells.
        save_freq: `"epoch"`, `"batch"`, how many *samples* lie between two saves, or text
            such as `"500 batches"`, `"10 minutes"`, `"5 epochs"`.
        load_weights_on_restart: before training, load the weights of the file at `filepath`;
            of the newest, if its name has fields. Nothing is loaded if there is none.
        initial_value_threshold: a value that the first best has to beat. Without one,
            `save_best_only` writes its first file over whatever stands there.
        period: at least this many epochs lie between two files. With `save_best_only`, an
            epoch that is no better does not start the wait anew: once the period is over,
            the next better epoch is saved, whenever it comes.
        on_missing: what a `monitor` that is not logged leads to: `"warn"`, once, and nothing
            is saved, or `"raise"`.

    Attributes:
        best: the best value so far; None before the first. Kept when the same instance is
            used for a second fit.

    Raises:
        ArgumentError: for a name with fields that nothing can fill, an unknown `mode` or
            `save_freq`, `period` beside a `save_freq`, or (before training) a `monitor` of
            which nothing tells the direction.
        StorageError: before training, if the folder cannot be written or the path is a folder;
            during training, if a file cannot be saved.
        MissingMetricError: at the first save whose name asks for a log that there is not.

    Example:
        >>> best = ModelCheckpoint("best.h5", monitor="val_acc", save_best_only=True)
        >>> each = ModelCheckpoint("runs/{epoch:02d}-{val_loss:.2f}.h5", save_weights_only=True)
    """

    def __init__(
        self,
        filepath: StrPath,
        monitor: str = "val_loss",
        verbose: int = 0,
        save_best_only: bool = False,
        save_weights_only: bool = False,
        mode: str = "auto",
        save_freq: str | int = "epoch",
        load_weights_on_restart: bool = False,
        initial_value_threshold: float | None = None,
        *,
        period: int = 1,
        on_missing: str = "warn",
    ) -> None:
        check_mode(mode, "ModelCheckpoint")
        self.filepath = filepath
        self.monitor = monitor
        self.verbose = verbose
        self.save_best_only = save_best_only
        self.save_weights_only = save_weights_only
        self.mode = mode
        self.save_freq = save_freq
        self.load_weights_on_restart = load_weights_on_restart
        self.period = period
        self.best = initial_value_threshold
        self._name = CheckpointName(filepath, "ModelCheckpoint")
        self._monitor = Monitor(monitor, "ModelCheckpoint", on_missing)
        self._objective: Objective | None = None
        self._cadence = _cadence(save_freq, period)
        self._named_once = False  # whether the logs have ever filled the name
        self._warned_of: set[str] = set()
        overridden = type(self).on_train_batch_end is not ModelCheckpoint.on_train_batch_end
        if not self._cadence.counts_batches and not overridden:
            # The silent one of the base class, so that no batch costs anything.
            self.on_train_batch_end = super().on_train_batch_end  # type: ignore[method-assign]

    def needs(self) -> Iterable[Need]:
        yield Need(CanSave)

    def on_train_begin(self, logs: Logs | None = None) -> None:
        if self.save_best_only:
            mode = resolve_mode(self.mode, self.monitor, "ModelCheckpoint", self.model)
            self._objective = Objective(mode)
        self._monitor.reset()
        self._cadence.restart()
        self._named_once = False
        self._warned_of = set()
        require_writable(self._name.probe, f"ModelCheckpoint(filepath={self._name.template!r})")
        self._check_suffix()
        self._warn_of_likely_misspelling()
        if self.load_weights_on_restart:
            self._load_newest()

    def on_train_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        logs = {} if logs is None else logs
        if self._cadence.due_after_batch(logs.get("size", 1)):
            epoch = 0 if self.run is None else self.run.progress.epoch
            self._save_if_due(epoch, batch + 1, getattr(logs, "so_far", logs), mid_epoch=True)

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        if not self._cadence.due_after_epoch():
            return
        batches = None if self.run is None else self.run.progress.batch
        if not self._save_if_due(epoch, batches, logs or {}):
            self._cadence.put_off()

    def state_dict(self) -> dict[str, Any]:
        return {
            "best": self.best,
            "named_once": self._named_once,
            "cadence": self._cadence.state_dict(),
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.best = state["best"]
        self._named_once = state["named_once"]
        self._cadence.load_state_dict(state["cadence"])

    def _save_if_due(
        self, epoch: int, batch: int | None, logs: Logs, *, mid_epoch: bool = False
    ) -> bool:
        """Save, if the name can be filled and the value is good enough; whether it was."""
        # The name first: a misspelt field shows before anything is written, even where the
        # first value is no better than a threshold.
        path = self._path(epoch, batch, logs)
        if path is None:
            return False
        if not self.save_best_only:
            self._tell(epoch, f"saving model to {path}")
            self._save(path)
            return True
        value = self._monitored(logs, mid_epoch)
        return value is not None and self._save_if_better(epoch, value, path)

    def _save_if_better(self, epoch: int, value: float, path: str) -> bool:
        assert self._objective is not None, "on_train_begin comes first"
        best = self.best
        if best is None:
            best = math.inf if self._objective.mode == "min" else -math.inf
        if not self._objective.better(value, self.best):
            self._tell(epoch, f"{self.monitor} did not improve from {best:0.5f}")
            return False
        self._tell(
            epoch,
            f"{self.monitor} improved from {best:0.5f} to {value:0.5f}, saving model to {path}",
        )
        self._save(path)
        # Only now: what could not be saved is not the best that there is a file of.
        self.best = value
        return True

    def _save(self, path: str) -> None:
        try:
            if self.save_weights_only:
                self.model.save_weights(path)
            else:
                self.model.save(path)
        except OSError as error:
            if path in str(error):
                raise
            raise StorageError(
                f"ModelCheckpoint could not save the model to {path!r}: {error}. "
                "Make room there, or choose another filepath."
            ) from error

    def _tell(self, epoch: int, text: str) -> None:
        if self.verbose > 0:
            say(f"Epoch {epoch + 1:05d}: {text}")

    def _load_newest(self) -> None:
        path = self._name.newest()
        if path is not None:
            self.model.load_weights(path)
            if self.verbose > 0:
                say(f"ModelCheckpoint loaded the weights of {path}")

    # --- what the logs may lack ----------------------------------------------------------

    def _path(self, epoch: int, batch: int | None, logs: Logs) -> str | None:
        """The name of the file; None if this epoch cannot fill it, which is said once."""
        values = {**logs, "epoch": epoch + 1}
        if batch is not None:
            values["batch"] = batch
        missing = self._name.missing(values)
        if not missing:
            self._named_once = True
            return self._name.fill(values)
        if not self._named_once and not self._may_come_later(missing, logs):
            raise MissingMetricError(self._lacks(missing[0], values))
        self._warn_once(f"{self._lacks(missing[0], values)} Nothing is saved where it is missing.")
        return None

    def _may_come_later(self, missing: list[str], logs: Logs) -> bool:
        """Whether all that is missing are `val_` logs, in an epoch that had no validation."""
        validated = any(name.startswith("val_") for name in logs)
        never_validates = self.params.get("metrics") and not self.params.get("do_validation")
        return (
            all(name.startswith("val_") for name in missing)
            and not validated
            and not never_validates
        )

    def _lacks(self, field: str, values: Iterable[str]) -> str:
        names = sorted(values)
        hint = did_you_mean(field, names)
        if field.startswith("val_") and not any(name.startswith("val_") for name in names):
            hint = " Pass validation_data= or validation_split= to fit to have val_ values."
        return (
            f"ModelCheckpoint(filepath={self._name.template!r}) names {{{field}}}, which is not "
            f"in the logs. There are: {', '.join(names)}.{hint}"
        )

    def _check_suffix(self) -> None:
        """Find out now, not at the first save, that the model does not save to such names."""
        check = getattr(self.model, "check_filepath", None)
        if check is not None:
            check(self._name.template)

    def _warn_of_likely_misspelling(self) -> None:
        """A field close to a known metric is told before the first epoch is spent on it.

        It is not refused: another callback may log it.
        """
        metrics = self.params.get("metrics") or []
        names = [*metrics, *(f"val_{name}" for name in metrics), *OWN_FIELDS, "learning_rate"]
        for field in self._name.missing(names) if metrics else ():
            if field.startswith("val_") and not self.params.get("do_validation"):
                self._warn_once(self._lacks(field, metrics))
                continue
            near = did_you_mean(field.removeprefix("val_"), [*metrics, *OWN_FIELDS])
            if near:
                self._warn_once(
                    f"ModelCheckpoint(filepath={self._name.template!r}) names {{{field}}}, and "
                    f"no metric is called so.{near} Unless a callback logs it, training will "
                    "end with an error at the first save."
                )

    def _monitored(self, logs: Logs, mid_epoch: bool) -> float | None:
        if mid_epoch and self.monitor.startswith("val_") and self.monitor not in logs:
            self._warn_once(
                f"ModelCheckpoint(save_freq={self.save_freq!r}, save_best_only=True) compares "
                f"{self.monitor!r} at the end of batches, where there are no val_ values, so "
                "nothing is saved there. Use save_freq='epoch', or monitor='loss'."
            )
            return None
        return self._monitor.read(logs, self.params)

    def _warn_once(self, text: str) -> None:
        kind = text.partition(" There are: ")[0]
        if kind not in self._warned_of:
            self._warned_of.add(kind)
            warnings.warn(text, OnfitWarning, stacklevel=2)


def _cadence(save_freq: Any, period: Any) -> Cadence:
    """The one cadence that `save_freq` and the older `period` amount to."""
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
