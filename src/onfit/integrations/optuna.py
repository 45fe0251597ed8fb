"""Optuna: end the trainings that are not worth going on with."""

from typing import Any

import optuna

from onfit._types import OnMissing
from onfit.core.callback import Callback, Logs
from onfit.core.judging.deciding import decides, place
from onfit.core.judging.monitor import Monitor
from onfit.integrations.hosting.of_optuna import check_study, check_trial


class PruningCallback(Callback):
    """Reports a quantity to an Optuna trial, and ends the training if the trial is to be pruned.

    It works in `fit`, in `Run`, and in every other loop that calls callbacks. A pruned training
    stops as any other: the end hooks are called, its outcome is `"stopped"`, and then
    `optuna.TrialPruned` is raised, which Optuna waits for.

    Args:
        trial: the trial that `study.optimize` gave to the objective.
        monitor: the quantity to report at the end of each epoch, under any of its names; or at
            each validation, where these come within epochs.
        on_missing: what happens if `monitor` is not logged: `"warn"` warns once and reports
            nothing, `"raise"` raises a MissingMetricError.

    Raises:
        ArgumentTypeError: for what is no trial.
        ArgumentError: before training, if the study has several objectives, which cannot be pruned.
        optuna.TrialPruned: after training, if the trial was pruned.

    Example:
        >>> from types import SimpleNamespace
        >>> import optuna
        >>> from onfit import Run
        >>> def objective(trial):
        ...     rate = trial.suggest_float("rate", 0.01, 0.1)
        ...     with Run(SimpleNamespace(), PruningCallback(trial, "val_loss"), epochs=5) as run:
        ...         for epoch in run.epochs():
        ...             run.log(val_loss=rate / (epoch + 1))
        ...     return rate / 5
        >>> optuna.logging.set_verbosity(optuna.logging.WARNING)
        >>> study = optuna.create_study(pruner=optuna.pruners.ThresholdPruner(upper=1.0))
        >>> study.optimize(objective, n_trials=2)
        >>> len(study.get_trials(states=[optuna.trial.TrialState.COMPLETE]))
        2
    """

    called_last = True  # the end hooks of the others come before what it raises
    remembers = ("_pruned_at",)

    def __init__(
        self, trial: "optuna.trial.BaseTrial", monitor: str, on_missing: OnMissing = "warn"
    ) -> None:
        check_trial(trial)
        self.trial, self.monitor, self.on_missing = trial, monitor, on_missing
        self._monitor = Monitor(monitor, "PruningCallback", on_missing)
        self._pruned_at: int | None = None

    def on_train_begin(self, logs: Logs | Any = None) -> None:
        self._monitor.reset()
        self._pruned_at = None
        check_study(getattr(self.trial, "study", None), self.monitor, self.model)

    def on_epoch_end(self, epoch: int, logs: Logs | Any = None) -> None:
        if decides(self, "epochs"):
            self._report(epoch, logs or {})

    def on_validation_end(self, step: int, logs: Logs | Any = None) -> None:
        if decides(self, "validations"):
            self._report(step, logs or {})

    def _report(self, index: int, logs: Logs) -> None:
        value = self._monitor.read(logs, self.params)
        if value is None:
            return
        self.trial.report(value, index)
        if self._pruned_at is None and self.trial.should_prune():
            self._pruned_at = index
            self.request_stop(f"Optuna pruned the trial: {self.monitor} was {value:.6g}")

    def on_train_end(self, logs: Logs | Any = None) -> None:
        if self._session is None:
            self.run_is_over(well=True)
        else:  # it has more to do than to call end hooks
            self._session.keepers.append(self)

    def training_is_over(self) -> None:
        """The end hooks come next; there is nothing to save."""

    def pause(self) -> None:
        """There is nothing to save."""

    def run_is_over(self, well: bool) -> None:
        """All is done. Raise what Optuna waits for, but not in place of an error or a signal."""
        if well and self._pruned_at is not None:
            raise optuna.TrialPruned(f"{place(self, self._pruned_at)}: the trial is pruned.")
