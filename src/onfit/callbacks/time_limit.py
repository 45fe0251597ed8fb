"""TimeLimit: stop before the machine's time is over."""

import os
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from typing import Any

from onfit.core.cadence import Cadence
from onfit.core.callback import Callback, Logs
from onfit.core.judging.decisions import Decisions, forget_decisions, note, note_at_batch
from onfit.core.representation import checked_arguments
from onfit.errors import ArgumentError

_SLURM, _END_OF_SLURM = "slurm", "SLURM_JOB_END_TIME"
_BEFORE_THE_END = "2 minutes"


class TimeLimit(Callback):
    """Stops training when its time is up, after the batch it is in.

    For machines that can be used for a limited time. With a `BackupAndRestore` the run is saved
    at that very batch. Start the script again, and the run goes on from there, with the whole
    limit again.

    Args:
        limit: for how long to train, from the start of `fit` (from the constructor in a loop
            that does not call `on_train_begin`): text such as `"2 hours"`, `"90 minutes"` or
            `"30 seconds"`, a number of seconds, or a `datetime.timedelta`. Choose it shorter
            than the time you have, so that the script can finish. `"slurm"` is the time that
            SLURM gives this job, from the job's `SLURM_JOB_END_TIME`.
        clock: returns seconds; only differences matter.
        before: how long before that time to stop, in the same forms; by default 2 minutes for
            `"slurm"`, so that the run can be saved, and no time for other limits.

    Attributes:
        decisions: a list with the `Decision` to stop, if it did.

    Raises:
        ArgumentError: if `limit` is not a time above 0, and for `"slurm"` where SLURM tells no
            end.

    Example:
        >>> limit = TimeLimit("2 hours")
    """

    remembers = ()
    stop_means = "pause"
    decisions = Decisions()

    @checked_arguments
    def __init__(
        self,
        limit: str | float | timedelta,
        *,
        clock: Callable[[], float] = time.monotonic,
        before: str | float | timedelta | None = None,
    ) -> None:
        self.limit, self.before = limit, before
        self._before = _seconds_before(before, limit == _SLURM)
        self._seconds = self._limit_in_seconds() - self._before
        if limit != _SLURM and self._seconds <= 0:
            raise ArgumentError(
                f"TimeLimit({limit!r}, before={before!r}) leaves no time to train. Choose a longer "
                "limit, or a shorter time before it."
            )
        self._clock = clock
        self._begin = clock()
        self._stopped = False

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state)
        self._begin = self._clock()  # the clocks of two machines have nothing in common

    def on_train_begin(self, logs: Logs | Any = None) -> None:
        self._begin = self._clock()
        self._seconds = self._limit_in_seconds() - self._before
        self._stopped = False
        forget_decisions(self)

    def on_train_batch_end(self, batch: int, logs: Logs | Any = None) -> None:
        if self._is_over():
            note_at_batch(self, batch, "stopped", self._why)
            self._stop()

    def on_epoch_end(self, epoch: int, logs: Logs | Any = None) -> None:
        # Validation takes time too, and in some loops epochs have no batches.
        if self._is_over():
            note(self, "stopped", self._why, epoch=epoch)
            self._stop()

    def _limit_in_seconds(self) -> float:
        return _until_slurm_ends() if self.limit == _SLURM else _seconds_of(self.limit, "limit")

    def _is_over(self) -> bool:
        return not self._stopped and self._clock() - self._begin >= self._seconds

    def _stop(self) -> None:
        self._stopped = True
        self.request_stop(self._why)

    @property
    def _why(self) -> str:
        if self.limit == _SLURM:
            return "the end of its SLURM job is near"
        return f"its limit of {_said(self.limit)} is reached"


def _until_slurm_ends() -> float:
    end = os.environ.get(_END_OF_SLURM)
    if end is None:
        raise ArgumentError(
            f"TimeLimit('slurm'): SLURM says when a job ends in {_END_OF_SLURM}, and this process "
            "has none: it is in no job, or SLURM is older than 22.05. Give the time itself, such "
            "as '2 hours'."
        )
    try:
        return float(end) - time.time()
    except ValueError as error:
        raise ArgumentError(
            f"TimeLimit('slurm'): {_END_OF_SLURM} is {end!r}, and no time in seconds since 1970. "
            "Give the time itself, such as '2 hours'."
        ) from error


def _seconds_before(before: Any, in_slurm: bool) -> float:
    if before is None:
        before = _BEFORE_THE_END if in_slurm else 0
    return 0.0 if before == 0 else _seconds_of(before, "before")


def _seconds_of(limit: Any, argument: str) -> float:
    seconds = 0.0
    if isinstance(limit, timedelta):
        seconds = limit.total_seconds()
    elif isinstance(limit, str):
        with suppress(ArgumentError):  # which would offer epochs and batches, too
            cadence = Cadence.of(limit, owner="TimeLimit", argument=argument)
            seconds = cadence.amount if cadence.unit == "seconds" else 0.0
    elif isinstance(limit, (int, float)) and not isinstance(limit, bool):
        seconds = limit
    if not seconds > 0:
        raise ArgumentError(
            f"TimeLimit({argument}={limit!r}): it is a time above 0. Pass text such as '2 hours' "
            "or '90 minutes', a number of seconds, or a timedelta."
        )
    return seconds


def _said(limit: str | float | timedelta) -> str:
    return f"{limit} seconds" if isinstance(limit, (int, float)) else str(limit)
