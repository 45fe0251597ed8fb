"""LearningRateScheduler: a learning rate for each epoch, from a function."""

import inspect
from collections.abc import Callable, Iterable
from typing import Any

from onfit.core.callback import Callback, Logs
from onfit.core.console import readable, say
from onfit.core.faces import HasLearningRate, Need
from onfit.core.rates import rate_of, set_rate
from onfit.core.representation import checked_arguments
from onfit.errors import ArgumentError, ArgumentTypeError

Schedule = Callable[..., Any]


class LearningRateScheduler(Callback):
    """Asks a function for the learning rate at the start of every epoch, and sets it.

    Args:
        schedule: called as `schedule(epoch, learning_rate)` if it can take two arguments by
            position, else as `schedule(epoch)`. The epoch counts from 0; the rate is the
            optimizer's present one, a float. The schedule returns the new rate: a number or a
            scalar of any framework, finite and not negative.
        verbose: 1 prints each rate it sets.

    At the end of an epoch, `logs["learning_rate"]` holds the rate in use.

    Raises:
        ArgumentTypeError: for a schedule that takes neither one argument nor two, or an argument
            that does not exist.
        ArgumentError: in training, for anything else that the schedule returns.

    Example:
        >>> halve = LearningRateScheduler(lambda epoch, rate: rate / 2 if epoch else rate)
    """

    remembers = ()

    @checked_arguments
    def __init__(self, schedule: Schedule, verbose: int = 0) -> None:
        self._takes_rate = _takes_rate(schedule)
        self.schedule = schedule
        self.verbose = verbose

    def needs(self) -> Iterable[Need]:
        yield Need(HasLearningRate)

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        rate = _as_rate(self._ask(epoch), epoch)
        set_rate(self, rate)
        if self.verbose > 0:
            say(
                f"Epoch {epoch + 1:05d}: LearningRateScheduler setting learning rate "
                f"to {readable(rate)}."
            )

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        if logs is not None:
            logs["learning_rate"] = rate_of(self)

    def _ask(self, epoch: int) -> Any:
        if self._takes_rate is False:
            return self.schedule(epoch)
        rate = rate_of(self)
        if self._takes_rate:
            return self.schedule(epoch, rate)
        try:
            return self.schedule(epoch, rate)
        except TypeError:
            return self.schedule(epoch)


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


def _as_rate(value: Any, epoch: int) -> float:
    try:
        number = value.item() if hasattr(value, "item") else value
        rate = float("nan") if isinstance(number, (bool, str, bytes)) else float(number)
    except (TypeError, ValueError, RuntimeError, OverflowError):  # arrays of several values too
        rate = float("nan")
    if not 0.0 <= rate < float("inf"):
        raise ArgumentError(
            f"LearningRateScheduler asked schedule for the learning rate of epoch {epoch} and "
            f"got {value!r} of type {type(value).__name__}. Return one number, finite and not "
            "negative."
        )
    return rate
