"""LearningRateScheduler: a learning rate for each epoch, or each batch, from a function."""

import inspect
from collections.abc import Callable, Iterable
from typing import Any, Literal

from onfit.callbacks.learning_rate_scheduler.rate import as_rate
from onfit.callbacks.learning_rate_scheduler.setters import warn_of_other_setters
from onfit.core.callback import Callback, Logs
from onfit.core.console import readable, say
from onfit.core.faces import HasLearningRate, Need
from onfit.core.hooks import overrides
from onfit.core.judging.deciding import in_steps
from onfit.core.judging.decisions import Decisions, forget_decisions, note
from onfit.core.packages.keras_fit import batches_from
from onfit.core.rates import rate_of, set_rate
from onfit.core.representation import checked_arguments
from onfit.errors import ArgumentError, ArgumentTypeError, did_you_mean

Schedule = Callable[..., Any]


class LearningRateScheduler(Callback):
    """Asks a function for the learning rate at the start of every epoch, or batch, and sets it.

    Args:
        schedule: called as `schedule(epoch, learning_rate)` if it can take two arguments by
            position, else as `schedule(epoch)`. The epoch counts from 0; the rate is the
            optimizer's present one, a float. The schedule returns the new rate: a number or a
            scalar of any framework, finite and not negative.
        verbose: 1 prints each rate it sets; those of batches at the end of the epoch.
        by: `"epoch"`, or `"batch"`: then the schedule is asked before each batch, with the number
            of batches done since training began in place of the epoch. All of
            `onfit.optimizers.schedules` are such schedules. A run of steps needs `"batch"`.

    At the end of an epoch, or a validation in a run of steps, `logs["learning_rate"]` holds the
    rate in use. A warning names another callback whose rate this one would undo.

    Attributes:
        decisions: a list with a `Decision` for each epoch: the rate that was set. It holds the
            newest 1000.

    Raises:
        ArgumentTypeError: for a schedule that takes neither one argument nor two, or an argument
            that does not exist.
        ArgumentError: for another `by`; in training, for anything else that the schedule returns.

    Example:
        >>> halve = LearningRateScheduler(lambda epoch, rate: rate / 2 if epoch else rate)
        >>> warm_up = LearningRateScheduler(lambda step: min(step / 1000, 1) * 0.1, by="batch")
    """

    remembers = ()
    sets_learning_rate = True
    decisions = Decisions()

    @checked_arguments
    def __init__(
        self, schedule: Schedule, verbose: int = 0, *, by: Literal["epoch", "batch"] = "epoch"
    ) -> None:
        if by not in ("epoch", "batch"):
            raise ArgumentError(
                f"LearningRateScheduler(by={by!r}): the rate is set by 'epoch' or by 'batch'."
                f"{did_you_mean(by, ('epoch', 'batch'))}"
            )
        self._takes_rate = _takes_rate(schedule)
        self.schedule = schedule
        self.verbose = verbose
        self.by = by
        self._steps = 0  # done in a loop that calls the hooks by hand

    @property
    def sets_rate_anew(self) -> bool:
        """Whether it sets the rate whatever it is by then."""
        return self._takes_rate is False

    def needs(self) -> Iterable[Need]:
        yield Need(HasLearningRate)

    def hears(self, hook: str) -> bool:
        if hook == "on_train_batch_begin" and not overrides(self, hook, LearningRateScheduler):
            return self.by == "batch"
        if hook == "on_validation_end" and not overrides(self, hook, LearningRateScheduler):
            return self.by == "batch"
        return super().hears(hook)

    def on_train_begin(self, logs: Logs | Any = None) -> None:
        forget_decisions(self)
        self._steps = 0
        if self.sets_rate_anew:
            warn_of_other_setters(self)

    def on_epoch_begin(self, epoch: int, logs: Logs | Any = None) -> None:
        if self.by == "epoch":
            self._set(self._ask(epoch), f"epoch {epoch}")
            self._say(epoch)

    def on_train_batch_begin(self, batch: int, logs: Logs | Any = None) -> None:
        if self.by == "batch":
            step = self._steps if self._session is None else self._session.progress.step
            self._set(self._ask(step), f"step {step}")
            self._steps = step + batches_from(self, batch)

    def on_epoch_end(self, epoch: int, logs: Logs | Any = None) -> None:
        if self.by == "batch":
            self._say(epoch)
        self._log(epoch, logs)

    def on_validation_end(self, step: int, logs: Logs | Any = None) -> None:
        if in_steps(self):
            self._log(step, logs)

    def _set(self, value: Any, place: str) -> None:
        set_rate(self, as_rate(value, place))

    def _say(self, epoch: int) -> None:
        if self.verbose > 0:
            rate = readable(rate_of(self))
            say(f"Epoch {epoch + 1:05d}: LearningRateScheduler setting learning rate to {rate}.")

    def _log(self, index: int, logs: Logs | None) -> None:
        rate = rate_of(self)
        if logs is not None:
            logs["learning_rate"] = rate
        note(self, "set", f"the rate is {readable(rate)}", value=rate, **self._place(index))

    def _place(self, index: int) -> dict[str, int]:
        return {"step" if in_steps(self) else "epoch": index}

    def _ask(self, index: int) -> Any:
        if self._takes_rate is False:
            return self.schedule(index)
        rate = rate_of(self)
        if self._takes_rate:
            return self.schedule(index, rate)
        try:
            return self.schedule(index, rate)
        except TypeError:
            return self.schedule(index)


def _takes_rate(schedule: Schedule) -> bool | None:
    """Whether to call `schedule` with the rate too; None if only a call can show it.

    The signature is asked first, because a TypeError from a call may also come from a mistake
    inside the schedule, which must not be hidden.
    """
    if not callable(schedule):
        raise ArgumentTypeError(
            f"LearningRateScheduler(schedule={schedule!r}): schedule is a function of the epoch "
            f"and the rate, and this is of type {type(schedule).__name__}. Pass a function, "
            "such as lambda epoch, rate: rate * 0.9."
        )
    if hasattr(schedule, "nin"):  # a numpy ufunc, whose second argument may be `out`
        return bool(schedule.nin > 1)
    try:
        signature = inspect.signature(schedule)
    except (TypeError, ValueError):  # some functions written in C have none
        return None
    for arguments in ((0, 0.0), (0,)):
        try:
            signature.bind(*arguments)
        except TypeError:
            continue
        return len(arguments) == 2
    raise ArgumentTypeError(
        "LearningRateScheduler calls schedule(epoch, learning_rate) or schedule(epoch), by "
        f"position; this schedule takes {signature}. Give it one of these two forms."
    )
