"""EarlyStopping: stop when a quantity has stopped improving."""

from collections.abc import Iterable
from inspect import signature
from typing import Any

from onfit.core.callback import Callback, Logs
from onfit.core.console import readable, say
from onfit.core.faces import HasWeights, Need
from onfit.core.monitor import Monitor
from onfit.core.objective import Best, Objective, check_count, check_mode, resolve_mode


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
            quantity improves.
        restore_best_weights: give the model the weights of the best epoch when training is
            over, whether it stopped early or not (but not when it failed).
        start_from_epoch: epochs before this index are ignored.
        on_missing: what to do if the quantity is not logged: `"warn"`, once, or `"raise"`.

    Attributes:
        best: the best value so far; None before the first.
        best_epoch: the index of its epoch.
        wait: how many epochs in a row were no better.
        stopped_epoch: the index of the epoch it stopped at; 0 if it did not.

    Raises:
        ArgumentError: for an unknown `mode`, or `"auto"` if the direction is not known.

    The arithmetic is that of Keras 3.15, except that a NaN is never the best.

    Example:
        >>> stop = EarlyStopping(monitor="val_acc", patience=3, restore_best_weights=True)
    """

    def __init__(
        self,
        monitor: str = "val_loss",
        min_delta: float = 0,
        patience: int = 0,
        verbose: int = 0,
        mode: str = "auto",
        baseline: float | None = None,
        restore_best_weights: bool = False,
        start_from_epoch: int = 0,
        *,
        on_missing: str = "warn",
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
        self.stopped_epoch = 0
        self.best_weights: list[Any] | None = None
        self._best_weights_epoch = 0
        self._can_refill = False
        self._best = Best()
        self._monitor = Monitor(monitor, "EarlyStopping", on_missing)
        self._objective: Objective | None = None

    @property
    def best(self) -> float | None:
        """The best value so far; None before the first."""
        return self._best.value

    @property
    def best_epoch(self) -> int | None:
        """The index of the best epoch; None before the first."""
        return self._best.epoch

    @property
    def wait(self) -> int:
        """How many epochs in a row were no better."""
        return self._best.wait

    def needs(self) -> Iterable[Need]:
        if self.restore_best_weights:
            yield Need(HasWeights, "restore_best_weights=True")

    def on_train_begin(self, logs: Logs | None = None) -> None:
        mode = resolve_mode(self.mode, self.monitor, "EarlyStopping", self.model)
        self._objective = Objective(mode, self.min_delta)
        self._best = Best()
        self._monitor.reset()
        self.stopped_epoch = 0
        self.best_weights = None
        if self.restore_best_weights:
            self._can_refill = "out" in signature(self.model.get_weights).parameters

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        if epoch < self.start_from_epoch:
            return
        current = self._monitor.read(logs or {}, self.params)
        if current is None:
            return
        if self.restore_best_weights and self.best_weights is None:
            # Then there are weights to restore even if the quantity never improves.
            self._keep_weights(epoch)
        self._best.wait += 1
        if self._improves(current, self._best.value):
            self._best.accept(current, epoch)
            self._keep_weights(epoch)
            if self.baseline is None or self._improves(current, self.baseline):
                self._best.wait = 0
        elif self._best.wait >= self.patience and epoch > 0:
            self.stopped_epoch = epoch
            self.request_stop(self._reason())

    def on_train_end(self, logs: Logs | None = None) -> None:
        if self.stopped_epoch > 0 and self.verbose > 0:
            say(f"Epoch {self.stopped_epoch + 1:05d}: early stopping")
        failed = self.run is not None and self.run.outcome == "failed"
        if self.best_weights is not None and not failed:
            if self.verbose > 0:
                say(
                    "Restoring model weights from the end of the best epoch: "
                    f"{self._best_weights_epoch + 1}."
                )
            self.model.set_weights(self.best_weights)

    def state_dict(self) -> dict[str, Any]:
        return {
            "best": vars(self._best),
            "best_weights": self.best_weights,
            "best_weights_epoch": self._best_weights_epoch,
            "stopped_epoch": self.stopped_epoch,
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self._best = Best(**state["best"])
        self.best_weights = state["best_weights"]
        self._best_weights_epoch = state["best_weights_epoch"]
        self.stopped_epoch = state["stopped_epoch"]

    def _reason(self) -> str:
        if self._best.value is None:
            return f"{self.monitor} was no number for {self.wait} epochs"
        best = readable(self._best.value)
        return f"{self.monitor} has not improved on {best} for {self.wait} epochs"

    def _improves(self, value: float, than: float | None) -> bool:
        assert self._objective is not None, "on_train_begin comes first"
        return self._objective.better(value, than)

    def _keep_weights(self, epoch: int) -> None:
        if not self.restore_best_weights:
            return
        if self.best_weights is None or not self._can_refill:
            self.best_weights = self.model.get_weights()
        else:
            # One set of buffers for the whole run: two copies of a large model may not fit.
            self.model.get_weights(out=self.best_weights)
        self._best_weights_epoch = epoch
