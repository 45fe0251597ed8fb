"""ReduceLROnPlateau: lower the learning rate when a quantity has stopped improving."""

from array import array
from collections.abc import Iterable
from typing import Any

from onfit._types import AskedMode, OnMissing
from onfit.core.callback import Callback, Logs
from onfit.core.console import readable, say
from onfit.core.faces import HasLearningRate, Need
from onfit.core.judging.deciding import decides, place
from onfit.core.judging.decisions import Decisions, forget_decisions, note_at
from onfit.core.judging.objective import MonitorOp, Objective, check_count, check_mode
from onfit.core.judging.patience import Patience
from onfit.core.judging.watched import Watched
from onfit.core.rates import rate_of, set_rate
from onfit.core.representation import checked_arguments
from onfit.errors import ArgumentError, warn


class ReduceLROnPlateau(Callback):
    """Lowers the learning rate when a monitored quantity has stopped improving.

    Args:
        monitor: the quantity, under any of its names.
        factor: the rate is multiplied by this number, from 0 up to but not including 1.
        patience: after how many epochs in a row without improvement the rate is lowered.
            0 and 1 mean the same: at the first epoch that is no better. Or text that counts from
            the last improvement, reduction or cooldown on: `"2000 steps"`, or `"30 minutes"` of
            training, which a resumed run goes on counting; in a run of steps also
            `"50_000 samples"` or `"1_000_000 tokens"`.
        verbose: 1 prints each reduction, 2 each decision.
        mode: `"min"`, `"max"`, or `"auto"`: the direction that the metric or its name implies.
        min_delta: how much better counts as better: a number whose sign is ignored, or a share
            of the best value such as `"1%"`.
        cooldown: after a reduction, the wait begins again at the epoch with this number; the
            next epoch has number 1. So 0 and 1 mean the same: no pause.
        min_lr: the rate never goes below this. A warning says if the rate is no higher when
            training begins, since there is nothing to lower then.
        epsilon: the older name of `min_delta`.
        on_missing: what to do if the quantity is not logged: `"warn"`, once, or `"raise"`.

    Attributes:
        best: the best value so far; None before the first. It can be set, to go on from a value
            that is known, and so can `wait`. `on_train_begin` resets both.
        wait: how many epochs in a row were no better, outside of a cooldown.
        cooldown_counter: how many epochs of the cooldown are left.
        decisions: a list with the `Decision` of each epoch: what was decided (`"improved"`,
            `"waited"` or `"reduced"`), of which value, and why. It holds the newest 1000.

    `logs["learning_rate"]` holds the rate of the epoch, before any reduction.

    Raises:
        ArgumentError: for an unknown `mode`, a `factor` that does not lower the rate, a `patience`
            or `min_delta` that is no such text, or `mode="auto"` if the direction is not known.
        ArgumentTypeError: for an argument that does not exist.
        NotReadyError: at the first decision, for a `patience` in what the loop does not count.

    Where validations come within epochs (`validation_freq="500 batches"`), or there are no epochs
    (`Run.steps`), it decides at each validation, and `patience` and `cooldown` count validations.

    The arithmetic is that of Keras 3.15, except that a NaN is never the best.

    Example:
        >>> reduce = ReduceLROnPlateau(monitor="val_loss", factor=0.2, patience=5, min_lr=0.001)
    """

    sets_learning_rate = True
    decisions = Decisions()
    monitor_op = MonitorOp()

    @checked_arguments
    def __init__(
        self,
        monitor: str = "val_loss",
        factor: float = 0.1,
        patience: int | str = 10,
        verbose: int = 0,
        mode: AskedMode = "auto",
        min_delta: float | str = 1e-4,
        cooldown: int = 0,
        min_lr: float = 0,
        epsilon: float | None = None,
        *,
        on_missing: OnMissing = "warn",
    ) -> None:
        check_mode(mode, "ReduceLROnPlateau")
        Patience.of(patience, "ReduceLROnPlateau")
        check_count(cooldown, "ReduceLROnPlateau", "cooldown")
        _check_factor(factor)
        self.monitor = monitor
        self.factor = factor
        self.patience = patience
        self.verbose = verbose
        self.mode = mode
        self.min_delta: float | str = min_delta if epsilon is None else _renamed(epsilon)
        Objective.of("min", self.min_delta, "ReduceLROnPlateau")
        self.cooldown = cooldown
        self.min_lr = min_lr
        self.on_missing = on_missing
        self.cooldown_counter = 0
        self._looked = False  # whether there is anything to lower
        self._watched = Watched("ReduceLROnPlateau", monitor, on_missing)

    @property
    def best(self) -> float | None:
        """The best value so far; None before the first."""
        return self._watched.best.value

    @best.setter
    def best(self, value: float | None) -> None:
        self._watched.best.value = None if value is None else float(value)

    @property
    def wait(self) -> int:
        """How many epochs in a row were no better, outside of a cooldown."""
        return self._watched.best.wait

    @wait.setter
    def wait(self, epochs: int) -> None:
        self._watched.best.wait = epochs

    def needs(self) -> Iterable[Need]:
        yield Need(HasLearningRate)

    def in_cooldown(self) -> bool:
        """Whether a reduction was so recent that the wait stays at 0."""
        return self.cooldown_counter > 0

    def on_train_begin(self, logs: Logs | Any = None) -> None:
        self._objective()  # a direction that is not known is an error before training
        # Setting a rate that follows a schedule is an error. This raises it before training, not
        # at the first plateau.
        set_rate(self, rate_of(self))
        self._looked = False
        self._warn_if_there_is_nothing_to_lower(rate_of(self))
        self._watched.begin(self)
        forget_decisions(self)
        self.cooldown_counter = 0

    def on_epoch_end(self, epoch: int, logs: Logs | Any = None) -> None:
        logs = {} if logs is None else logs
        self._log_rate(logs)
        if decides(self, "epochs"):
            self._look(epoch, logs)

    def on_validation_end(self, step: int, logs: Logs | Any = None) -> None:
        if decides(self, "validations"):
            logs = {} if logs is None else logs
            self._log_rate(logs)
            self._look(step, logs)

    def _log_rate(self, logs: Logs) -> None:
        rate = logs["learning_rate"] = rate_of(self)
        self._warn_if_there_is_nothing_to_lower(rate)

    def _look(self, index: int, logs: Logs) -> None:
        current = self._watched.monitor.read(logs, self.params)
        if current is not None:
            self._judge(current, index)

    def state_dict(self) -> dict[str, Any]:
        patience = Patience.of(self.patience, "ReduceLROnPlateau")
        return {
            **self._watched.state_dict(patience),
            "cooldown_counter": self.cooldown_counter,
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self._watched.load_state_dict(state)
        self.cooldown_counter = state["cooldown_counter"]

    def _judge(self, current: float, epoch: int) -> None:
        objective, best = self._objective(), self._watched.best
        found = self._watched.compared(current, objective, best.value)
        if self.in_cooldown():
            self.cooldown_counter -= 1
        if objective.better(current, best.value):
            best.accept(current, epoch)
            self._watched.succeed(self)
            self._note(epoch, current, "improved", found)
        elif self.in_cooldown():
            self._watched.waiting.begin(self)
            left = f"{self.cooldown_counter} of {self.cooldown} of the cooldown left"
            self._note(epoch, current, "waited", f"{found}; {left}")
        else:
            best.wait += 1
            self._wait(epoch, current, found)

    def _wait(self, epoch: int, current: float, found: str) -> None:
        patience = Patience.of(self.patience, "ReduceLROnPlateau")
        waited = self._watched.waited(patience, self)
        said = f"{found}; {patience.said(waited)}"
        if waited < patience.amount:
            self._note(epoch, current, "waited", said)
        elif self._can_lower(rate_of(self)):
            self._reduce(epoch, current, said)
        else:
            self._note(epoch, current, "waited", f"{said}, and the rate is as low as min_lr")

    def _note(self, epoch: int, value: float, what: str, why: str) -> None:
        note_at(self, epoch, what, why, value)
        if self.verbose > 1:
            say(f"{place(self, epoch)}: ReduceLROnPlateau: {why}")

    def _objective(self) -> Objective:
        return self._watched.objective(self.mode, self.min_delta, self.model)

    def _warn_if_there_is_nothing_to_lower(self, rate: float) -> None:
        """Warn once, when training begins, that the rate is at its lowest."""
        if not self._looked and not self._can_lower(rate):
            warn(
                f"ReduceLROnPlateau(min_lr={self.min_lr!r}) never goes below min_lr, and the "
                f"learning rate is {readable(rate)}: there is nothing to lower, unless something "
                "raises the rate. Pass a min_lr below the rate, or leave the callback out."
            )
        self._looked = True

    def _can_lower(self, rate: float) -> bool:
        # Compared in single precision: an optimizer may hold 0.001 as 0.0010000000474974513,
        # which is not above a min_lr of 0.001.
        return _single(rate) > _single(self.min_lr)

    def _reduce(self, epoch: int, current: float, said: str) -> None:
        rate = rate_of(self)
        lower = float(max(rate * self.factor, self.min_lr))
        set_rate(self, lower)
        self.cooldown_counter = self.cooldown
        self._watched.succeed(self)
        why = f"{said}: the rate goes from {readable(rate)} to {readable(lower)}"
        self._note(epoch, current, "reduced", why)
        if self.verbose > 0 and lower != rate:
            say(
                f"{place(self, epoch)}: ReduceLROnPlateau reducing learning rate "
                f"to {readable(lower)}."
            )


def _check_factor(factor: float) -> None:
    if not 0 <= factor < 1:
        raise ArgumentError(
            f"ReduceLROnPlateau(factor={factor!r}): the learning rate is multiplied by factor "
            "to lower it. Pass a number from 0 up to but not including 1, such as 0.1."
        )


def _renamed(epsilon: float) -> float:
    warn(
        f"ReduceLROnPlateau(epsilon={epsilon!r}): the `epsilon` argument is deprecated. It is the "
        f"older name of min_delta, and is used as such. Write min_delta={epsilon!r}."
    )
    return epsilon


def _single(value: float) -> float:
    """`value` rounded to single precision."""
    return array("f", [value])[0]
