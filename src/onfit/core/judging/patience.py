"""How long a callback waits for a better value: so many decisions, or steps, epochs, or time."""

import time
from dataclasses import dataclass
from typing import Any, Literal, Self

from onfit.core.cadence import Cadence
from onfit.core.judging.objective import check_count
from onfit.core.packages.keras_fit import in_keras_fit
from onfit.core.processes import ALONE
from onfit.errors import ArgumentError, NotReadyError

_OR_TEXT = "or text such as '30 minutes' or '2000 steps'"
PatienceUnit = Literal["decisions", "epochs", "batches", "samples", "tokens", "seconds"]


@dataclass(frozen=True)
class Patience:
    """For how long a value may be no better.

    Args:
        amount: how many of `unit`.
        unit: what is counted: the decisions of the callback; or epochs, batches, samples, tokens,
            seconds.
        text: as the user wrote it; empty for a number of decisions.

    >>> Patience.of("30 minutes", "EarlyStopping")
    Patience(amount=1800.0, unit='seconds', text='30 minutes')
    """

    amount: float
    unit: PatienceUnit = "decisions"
    text: str = ""

    @classmethod
    def of(cls, value: Any, owner: str) -> Self:
        """Read what a user wrote as `patience`: a number, or text such as "2000 steps".

        Raises:
            ArgumentError: if it is neither.
        """
        if not isinstance(value, str):
            check_count(value, owner, "patience", _OR_TEXT)
            return cls(float(value))
        try:
            cadence = Cadence.of(value, owner=owner, argument="patience")
        except ArgumentError as error:
            raise ArgumentError(_no_patience(owner, value)) from error
        return cls(cadence.amount, cadence.unit, value)

    def said(self, waited: float) -> str:
        """How much of it is over: `"3 of 5"`, or `"40% of 30 minutes"`.

        >>> Patience.of(5, "EarlyStopping").said(3)
        '3 of 5'
        """
        if not self.text:
            return f"{waited:g} of {self.amount:g}"
        return f"{waited / self.amount:.0%} of {self.text}"


def _no_patience(owner: str, value: str) -> str:
    return (
        f"{owner}(patience={value!r}): patience is a number of epochs, 0 or more, or text that "
        "counts steps, epochs or time, such as '2000 steps', '5 epochs' or '30 minutes'; in a run "
        "of steps also samples or tokens."
    )


class Wait:
    """Since when a callback waits for a better value. It survives a resume, and a pickle: another
    process has another clock.
    """

    def __init__(self) -> None:
        self._since: dict[str, float] | None = None  # None until the first call

    def begin(self, callback: Any) -> None:
        """The wait of `callback` begins now."""
        self._since = {"seconds": time.monotonic(), **_position(callback)}

    def waited(self, patience: Patience, callback: Any, decisions: int) -> float:
        """How much of the unit of `patience` is over.

        Args:
            patience: what is asked for.
            callback: the callback that waits.
            decisions: how many of its decisions came since the wait began.

        Raises:
            NotReadyError: for what the training does not count.
        """
        if patience.unit == "decisions" or (patience.unit == "epochs" and in_keras_fit(callback)):
            return decisions
        if self._since is None:
            self.begin(callback)
        now = {"seconds": time.monotonic(), **_position(callback)}
        if patience.unit not in now:
            raise NotReadyError(_not_counted(type(callback).__name__, patience))
        assert self._since is not None
        over = now[patience.unit] - self._since.setdefault(patience.unit, now[patience.unit])
        if patience.unit == "seconds":  # several processes go by one clock
            over = getattr(callback._session, "processes", ALONE).shared(over)
        return over

    def state_dict(self, patience: Patience) -> dict[str, float] | None:
        """Since when it waits, in the unit of `patience`, or for how many seconds. None if that is
        not needed: two equal trainings then have equal states, however long they took.
        """
        held = self._held() or {}
        return {patience.unit: held[patience.unit]} if patience.unit in held else None

    def _held(self) -> dict[str, float] | None:
        if self._since is None or "seconds" not in self._since:
            return self._since
        return {**self._since, "seconds": time.monotonic() - self._since["seconds"]}

    def load_state_dict(self, state: dict[str, float] | None) -> None:
        """Go on waiting; None begins at the next decision."""
        self._since = None if state is None else dict(state)
        if self._since is not None and "seconds" in self._since:
            self._since["seconds"] = time.monotonic() - self._since["seconds"]

    def __getstate__(self) -> dict[str, Any]:
        return {"waiting": self._held()}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.load_state_dict(state["waiting"])


def _position(callback: Any) -> dict[str, float]:
    """How many epochs and steps are done, in a run of steps also samples and tokens; nothing if no
    session says it.
    """
    session = callback._session
    if in_keras_fit(callback):
        return {"batches": int(callback.model.optimizer.iterations)}
    if session is None or session.outcome is not None:
        return {}
    done: dict[str, float] = {"epochs": session.progress.epoch, "batches": session.progress.step}
    return {**done, **session.pace.done()} if getattr(session, "_in_steps", False) else done


def _not_counted(owner: str, patience: Patience) -> str:
    if patience.unit in ("samples", "tokens"):
        return (
            f"{owner}(patience={patience.text!r}) counts {patience.unit}, and this training counts "
            "none. A run of steps does: model.fit(steps=...) counts samples, and run.steps(...) "
            "tokens, too, if run.log(tokens=...) says them. Else give steps, epochs or a time."
        )
    return (
        f"{owner}(patience={patience.text!r}) counts {patience.unit}, and its hooks were called by "
        "a loop that counts none. Give a number of epochs or a time, train with model.fit or "
        "onfit.Run, or give the callbacks to a CallbackList and call its hooks."
    )
