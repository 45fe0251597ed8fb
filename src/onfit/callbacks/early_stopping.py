"""EarlyStopping: stop when a quantity has stopped improving."""

from collections.abc import Iterable, Sequence
from inspect import signature
from typing import Any, Literal

from onfit._types import AskedMode, OnMissing
from onfit.core.callback import Callback, Logs
from onfit.core.console import say
from onfit.core.faces import HasWeights, Need, model_of
from onfit.core.judging.bounds import Bounds
from onfit.core.judging.deciding import decides, place, turns
from onfit.core.judging.decisions import Decisions, forget_decisions, note_at
from onfit.core.judging.objective import MonitorOp
from onfit.core.judging.quantities import Quantities
from onfit.core.representation import checked_arguments

Rule = Literal["all", "any"]


class EarlyStopping(Callback):
    """Stops training when a monitored quantity has stopped improving.

    Args:
        monitor: the quantity, under any of its names; or a list of several, each with its own
            direction and its own wait. The first of them decides which weights are the best.
        min_delta: how much better counts as better: a number, or a share of the best value such
            as `"1%"`. Of several quantities it may be a list, one for each; so may `mode`.
        patience: after how many epochs in a row without improvement training stops. 0 and 1
            mean the same: the first epoch that is no better stops it. Or text that counts from
            the last improvement on: `"2000 steps"`, or `"30 minutes"` of training, which a resumed
            run goes on counting; in a run of steps also `"50_000 samples"` or `"1_000_000 tokens"`.
        verbose: 1 prints when it stops and which weights it restores, 2 each decision.
        mode: `"min"`, `"max"`, or `"auto"`: the direction that the metric or its name implies.
        baseline: a value to beat. Until it is beaten, the wait goes on even while the
            quantity improves; so training stops after `patience` epochs that did not beat it.
        restore_best_weights: give the model the weights of the best epoch when training is
            over, whether it stopped early or not (but not when it failed).
        start_from_epoch: epochs before this index are ignored.
        rule: of several quantities, stop when `"all"` have stopped improving, or `"any"` has.
        stop_at: stop as soon as the quantity is this good.
        diverges_at: stop as soon as the quantity is this bad, or NaN. Such a training went wrong:
            `BackupAndRestore` keeps its checkpoints.
        on_missing: what to do if the quantity is not logged: `"warn"`, once, or `"raise"`.

    Of several quantities `baseline`, `stop_at` and `diverges_at` are about the first.

    Attributes:
        best: the best value so far; None before the first. It can be set, to go on from a value
            that is known, and so can `wait` and `best_epoch`. `on_train_begin` resets all three.
        best_epoch: the index of its epoch.
        wait: how many epochs in a row were no better. Of several quantities the shortest wait
            with `rule="all"`, the longest with `"any"`.
        stopped_epoch: the index of the epoch it stopped at; 0 if it did not.
        decisions: a list with the `Decision` of each epoch: what was decided (`"improved"`,
            `"waited"` or `"stopped"`), of which value, and why. It holds the newest 1000.

    Raises:
        ArgumentError: for an unknown `mode` or `rule`, `"auto"` if the direction is not known, a
            `patience` or `min_delta` that is no such text, or a `stop_at` that is no better than
            `diverges_at`.
        ArgumentTypeError: for an argument that does not exist.
        NotReadyError: at the first decision, for a `patience` in what the loop does not count.

    Where validations come within epochs (`validation_freq="500 batches"`), or there are no epochs
    (`Run.steps`), it decides at each validation: `patience` counts validations then, and
    `best_epoch` and `stopped_epoch` are steps.

    The arithmetic is that of Keras 3.15, except that a NaN is never the best, and that of Keras 2
    for a baseline.

    Example:
        >>> stop = EarlyStopping(monitor="val_acc", patience=3, restore_best_weights=True)
        >>> both = EarlyStopping(["val_loss", "val_acc"], min_delta="1%", patience="20 minutes")
    """

    decisions = Decisions()
    monitor_op = MonitorOp()

    @checked_arguments
    def __init__(
        self,
        monitor: str | Sequence[str] = "val_loss",
        min_delta: float | str | Sequence[float | str] = 0,
        patience: int | str = 0,
        verbose: int = 0,
        mode: AskedMode | Sequence[AskedMode] = "auto",
        baseline: float | None = None,
        restore_best_weights: bool = False,
        start_from_epoch: int = 0,
        *,
        rule: Rule = "all",
        stop_at: float | None = None,
        diverges_at: float | None = None,
        on_missing: OnMissing = "warn",
    ) -> None:
        self.monitor = monitor
        self.min_delta = min_delta
        self.patience = patience
        self.verbose = verbose
        self.mode = mode
        self.baseline = baseline
        self.restore_best_weights = restore_best_weights
        self.start_from_epoch = start_from_epoch
        self.rule = rule
        self.stop_at = stop_at
        self.diverges_at = diverges_at
        self.on_missing = on_missing
        self.stopped_epoch = 0
        self.best_weights: list[Any] | None = None
        self._best_weights_epoch = 0
        self._best_extra: dict[str, Any] = {}  # what torch modules keep beside weights
        self._stopped = False
        self._watched = Quantities("EarlyStopping", monitor, on_missing)
        self._watched.check(self)

    @property
    def best(self) -> float | None:
        """The best value so far; None before the first."""
        return self._watched.first.best.value

    @best.setter
    def best(self, value: float | None) -> None:
        self._watched.first.best.value = None if value is None else float(value)

    @property
    def best_epoch(self) -> int | None:
        """The index of the best epoch; None before the first."""
        return self._watched.first.best.epoch

    @best_epoch.setter
    def best_epoch(self, epoch: int | None) -> None:
        self._watched.first.best.epoch = epoch

    @property
    def wait(self) -> int:
        """How many epochs in a row were no better."""
        waits = [each.best.wait for each in self._watched]
        return min(waits) if self.rule == "all" else max(waits)

    @wait.setter
    def wait(self, epochs: int) -> None:
        for each in self._watched:
            each.best.wait = epochs

    def needs(self) -> Iterable[Need]:
        if self.restore_best_weights:
            yield Need(HasWeights, "restore_best_weights=True")

    def on_train_begin(self, logs: Logs | Any = None) -> None:
        self._bounds().check("EarlyStopping")  # an unknown direction is an error before training
        self._watched.begin(self)
        forget_decisions(self)
        self.stop_means = "end"
        self.stopped_epoch = 0
        self._stopped = False
        self.best_weights = None

    def on_epoch_end(self, epoch: int, logs: Logs | Any = None) -> None:
        if decides(self, "epochs"):
            self._look(epoch, epoch, logs or {})

    def on_validation_end(self, step: int, logs: Logs | Any = None) -> None:
        epoch = self.start_from_epoch if self._session is None else self._session.progress.epoch
        if decides(self, "validations"):
            self._look(epoch, step, logs or {})

    def _look(self, epoch: int, index: int, logs: Logs) -> None:
        if epoch < self.start_from_epoch:
            self._watched.put_off(self)
            return
        values = self._watched.read(logs, self.params)
        if all(value is None for value in values):
            return
        if self.restore_best_weights and self.best_weights is None:
            # Then there are weights to restore even if the quantity never improves.
            self._keep_weights(index)
        self._judge(values, index)

    def _judge(self, values: list[float | None], index: int) -> None:
        found = self._watched.judge(self, values, index)
        if values[0] is not None and self._watched.first.improved:
            self._keep_weights(index)
        over = self._crossed(values[0]) or self._watched.no_better(self, index)
        if over:
            self.stopped_epoch, self._stopped = index, True
            self.request_stop(over)
        self._note(index, values[0], found, over)

    def _crossed(self, value: float | None) -> str:
        """Why this value ends the training at once; empty if it does not."""
        if value is None or (self.stop_at is None and self.diverges_at is None):
            return ""
        diverged = self._bounds().diverged(value)
        if diverged:
            self.stop_means = "failure"
        return diverged or self._bounds().reached(value)

    def _note(self, index: int, value: float | None, found: str, over: str) -> None:
        if over:
            decision = note_at(self, index, "stopped", f"{found}; {over}", value)
        elif self.wait == 0:
            decision = note_at(self, index, "improved", found, value)
        else:
            waited = self._watched.waited(self)
            decision = note_at(self, index, "waited", f"{found}; {waited}", value)
        if self.verbose > 1:
            say(f"{place(self, index)}: EarlyStopping: {decision.why}")

    def on_train_end(self, logs: Logs | Any = None) -> None:
        if self._stopped and self.verbose > 0:
            say(f"{place(self, self.stopped_epoch)}: early stopping")
        failed = self._session is not None and self._session.outcome == "failed"
        if self.best_weights is not None and not failed:
            if self.verbose > 0:
                say(f"Restoring model weights from the end of {self._best_place()}.")
            model_of(self).set_weights(self.best_weights)
            if self._best_extra:
                model_of(self).load_extra_states(self._best_extra)

    def state_dict(self) -> dict[str, Any]:
        return {
            "watched": self._watched.state_dict(self),
            "best_weights": self.best_weights,
            "best_extra": self._best_extra,
            "best_weights_epoch": self._best_weights_epoch,
            "stopped_epoch": self.stopped_epoch,
            "stopped": self._stopped,
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        # An earlier version watched one quantity.
        self._watched.load_state_dict(state.get("watched") or [{"best": state["best"]}])
        self.best_weights = state["best_weights"]
        self._best_extra = state.get("best_extra", {})
        self._best_weights_epoch = state["best_weights_epoch"]
        self.stopped_epoch = state["stopped_epoch"]
        self._stopped = state.get("stopped", self.stopped_epoch > 0)

    def _best_place(self) -> str:
        if turns(self) == "validations":
            return f"the best step: {self._best_weights_epoch}"
        return f"the best epoch: {self._best_weights_epoch + 1}"

    def _bounds(self) -> Bounds:
        mode = self._watched.objectives(self)[0].mode
        return Bounds(self._watched.first.name, mode, self.stop_at, self.diverges_at)

    def _keep_weights(self, epoch: int) -> None:
        if not self.restore_best_weights:
            return
        extra = getattr(model_of(self), "extra_states", dict)
        self._best_extra = extra()
        get_weights = model_of(self).get_weights
        if self.best_weights is None or "out" not in signature(get_weights).parameters:
            self.best_weights = get_weights()
        else:
            # One set of buffers for the whole run: two copies of a large model may not fit.
            get_weights(out=self.best_weights)
        self._best_weights_epoch = epoch
