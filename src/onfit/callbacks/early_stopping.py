"""EarlyStopping: stop when a quantity has stopped improving."""

from collections.abc import Iterable
from inspect import signature
from typing import Any

from onfit._types import AskedMode, OnMissing
from onfit.core.callback import Callback, Logs
from onfit.core.console import readable, say
from onfit.core.faces import HasWeights, Need, model_of
from onfit.core.judging.deciding import decides, place, turns
from onfit.core.judging.monitor import Monitor
from onfit.core.judging.objective import Best, Objective, check_count, check_mode, resolve_mode
from onfit.core.representation import checked_arguments


class EarlyStopping(Callback):
    """Stops training when a monitored quantity has stopped improving.

    Args:
        monitor: the quantity, under any of its names.
        min_delta: how much better counts as better.
        patience: after how many epochs in a row without improvement training stops. 0 and 1
            mean the same: the first epoch that is no better stops it.
        verbose: 1 prints when it stops and which weights it restores.
        mode: `"min"`, `"max"`, or `"auto"`: the direction that the metric or its name implies.
        baseline: a value to beat. Until it is beaten, the wait goes on even while the
            quantity improves; so training stops after `patience` epochs that did not beat it.
        restore_best_weights: give the model the weights of the best epoch when training is
            over, whether it stopped early or not (but not when it failed).
        start_from_epoch: epochs before this index are ignored.
        on_missing: what to do if the quantity is not logged: `"warn"`, once, or `"raise"`.

    Attributes:
        best: the best value so far; None before the first. It can be set, to go on from a value
            that is known, and so can `wait` and `best_epoch`. `on_train_begin` resets all three.
        best_epoch: the index of its epoch.
        wait: how many epochs in a row were no better.
        stopped_epoch: the index of the epoch it stopped at; 0 if it did not.

    Raises:
        ArgumentError: for an unknown `mode`, or `"auto"` if the direction is not known.
        ArgumentTypeError: for an argument that does not exist.

    Where validations come within epochs (`validation_freq="500 batches"`), or there are no epochs
    (`Run.steps`), it decides at each validation: `patience` counts validations then, and
    `best_epoch` and `stopped_epoch` are steps.

    The arithmetic is that of Keras 3.15, except that a NaN is never the best, and that of Keras 2
    for a baseline.

    Example:
        >>> stop = EarlyStopping(monitor="val_acc", patience=3, restore_best_weights=True)
    """

    @checked_arguments
    def __init__(
        self,
        monitor: str = "val_loss",
        min_delta: float = 0,
        patience: int = 0,
        verbose: int = 0,
        mode: AskedMode = "auto",
        baseline: float | None = None,
        restore_best_weights: bool = False,
        start_from_epoch: int = 0,
        *,
        on_missing: OnMissing = "warn",
    ) -> None:
        check_mode(mode, "EarlyStopping")
        check_count(patience, "EarlyStopping", "patience")
        self.monitor = monitor
        self.min_delta = min_delta
        self.patience = patience
        self.verbose = verbose
        self.mode = mode
        self.baseline = baseline
        self.restore_best_weights = restore_best_weights
        self.start_from_epoch = start_from_epoch
        self.on_missing = on_missing
        self.stopped_epoch = 0
        self.best_weights: list[Any] | None = None
        self._best_weights_epoch = 0
        self._stopped = False
        self._best = Best()
        self._monitor = Monitor(monitor, "EarlyStopping", on_missing)

    @property
    def best(self) -> float | None:
        """The best value so far; None before the first."""
        return self._best.value

    @best.setter
    def best(self, value: Any) -> None:
        self._best.value = None if value is None else float(value)

    @property
    def best_epoch(self) -> int | None:
        """The index of the best epoch; None before the first."""
        return self._best.epoch

    @best_epoch.setter
    def best_epoch(self, epoch: int | None) -> None:
        self._best.epoch = epoch

    @property
    def wait(self) -> int:
        """How many epochs in a row were no better."""
        return self._best.wait

    @wait.setter
    def wait(self, epochs: int) -> None:
        self._best.wait = epochs

    def needs(self) -> Iterable[Need]:
        if self.restore_best_weights:
            yield Need(HasWeights, "restore_best_weights=True")

    def on_train_begin(self, logs: Logs | None = None) -> None:
        self._objective()  # a direction that is not known is an error before training
        self._best = Best()
        self._monitor.reset()
        self.stopped_epoch = 0
        self._stopped = False
        self.best_weights = None

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        if decides(self, "epochs") and epoch >= self.start_from_epoch:
            self._look(epoch, logs or {})

    def on_validation_end(self, step: int, logs: Logs | None = None) -> None:
        epoch = self.start_from_epoch if self._session is None else self._session.progress.epoch
        if decides(self, "validations") and epoch >= self.start_from_epoch:
            self._look(step, logs or {})

    def _look(self, index: int, logs: Logs) -> None:
        current = self._monitor.read(logs, self.params)
        if current is None:
            return
        if self.restore_best_weights and self.best_weights is None:
            # Then there are weights to restore even if the quantity never improves.
            self._keep_weights(index)
        self._judge(current, index)

    def _judge(self, current: float, epoch: int) -> None:
        objective = self._objective()
        self._best.wait += 1
        improved = objective.better(current, self._best.value)
        beaten = self.baseline is None or objective.better(current, self.baseline)
        if improved:
            self._best.accept(current, epoch)
            self._keep_weights(epoch)
        if improved and beaten:
            self._best.wait = 0
        # A first epoch stops the training only if it does not beat the baseline.
        elif self._best.wait >= self.patience and (improved or epoch > 0):
            self.stopped_epoch, self._stopped = epoch, True
            self.request_stop(self._reason(beaten))

    def on_train_end(self, logs: Logs | None = None) -> None:
        if self._stopped and self.verbose > 0:
            say(f"{place(self, self.stopped_epoch)}: early stopping")
        failed = self._session is not None and self._session.outcome == "failed"
        if self.best_weights is not None and not failed:
            if self.verbose > 0:
                say(f"Restoring model weights from the end of {self._best_place()}.")
            model_of(self).set_weights(self.best_weights)

    def state_dict(self) -> dict[str, Any]:
        return {
            "best": vars(self._best),
            "best_weights": self.best_weights,
            "best_weights_epoch": self._best_weights_epoch,
            "stopped_epoch": self.stopped_epoch,
            "stopped": self._stopped,
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self._best = Best(**state["best"])
        self.best_weights = state["best_weights"]
        self._best_weights_epoch = state["best_weights_epoch"]
        self.stopped_epoch = state["stopped_epoch"]
        self._stopped = state.get("stopped", self.stopped_epoch > 0)

    def _best_place(self) -> str:
        if turns(self) == "validations":
            return f"the best step: {self._best_weights_epoch}"
        return f"the best epoch: {self._best_weights_epoch + 1}"

    def _reason(self, beaten: bool) -> str:
        waited = f"for {self.wait} {turns(self)}"
        if self._best.value is None:
            return f"{self.monitor} was no number {waited}"
        if self.baseline is not None and not beaten:
            return f"{self.monitor} has not beaten the baseline {readable(self.baseline)} {waited}"
        return f"{self.monitor} has not improved on {readable(self._best.value)} {waited}"

    def _objective(self) -> Objective:
        mode = resolve_mode(self.mode, self.monitor, "EarlyStopping", self.model)
        return Objective(mode, self.min_delta)

    def _keep_weights(self, epoch: int) -> None:
        if not self.restore_best_weights:
            return
        get_weights = model_of(self).get_weights
        if self.best_weights is None or "out" not in signature(get_weights).parameters:
            self.best_weights = get_weights()
        else:
            # One set of buffers for the whole run: two copies of a large model may not fit.
            get_weights(out=self.best_weights)
        self._best_weights_epoch = epoch
