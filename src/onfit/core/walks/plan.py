"""Where a run of steps ends, and where it validates."""

from typing import Any

from onfit.core.cadence import Cadence
from onfit.core.processes import ALONE
from onfit.errors import ArgumentError


class Plan:
    """Where a run of steps ends, and where it validates.

    Args:
        until: text such as `"10_000 steps"`, `"1_000_000 tokens"`, `"2 hours"`, or a number of
            steps.
        validate_every: text of the same kind, or a number of steps; None to validate at the end
            alone.

    Attributes:
        last: whether the batch that is under way, or was done last, is the last one.
        validation_due: whether a validation belongs to that batch. The last one always has one.

    Raises:
        ArgumentError: for what is no such text, or counts epochs.

    >>> plan = Plan("3 steps", validate_every="2 steps")
    >>> for step in range(3):
    ...     plan.batch_begins(size=32)
    ...     print(plan.validation_due, plan.last)
    False False
    True False
    True True
    """

    def __init__(self, until: str | int, validate_every: str | int | None = None) -> None:
        self._until = _cadence(until, "until")
        self._every = None
        if validate_every is not None:
            self._every = _cadence(validate_every, "validate_every")
        self.last = self.validation_due = False
        self.processes = ALONE  # those that go through the run

    @property
    def steps(self) -> int | None:
        """How many steps there will be; None if the end is not given in steps."""
        return int(self._until.amount) if self._until.unit == "batches" else None

    def batch_begins(self, size: int, tokens: int = 0) -> None:
        """A batch of `size` samples begins; `tokens` were logged since the one before began."""
        self.last = self._is_due(self._until, size, tokens)
        due = self._every is not None and self._is_due(self._every, size, tokens)
        self.validation_due = due or self.last

    def _is_due(self, cadence: Cadence, size: int, tokens: int) -> bool:
        due = cadence.due_after_batch(size, tokens)
        # Processes have clocks of their own, and decide as one.
        return self.processes.any_of(due) if cadence.unit == "seconds" else due

    def state_dict(self) -> dict[str, Any]:
        """How far the counts are."""
        every = None if self._every is None else self._every.state_dict()
        return {"until": self._until.state_dict(), "every": every, "last": self.last}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on counting. A plan that goes further than the one before begins no new count."""
        self._until.load_state_dict(state["until"])
        if self._every is not None and state["every"] is not None:
            self._every.load_state_dict(state["every"])
        self.last = state["last"]


_HOW_TO_SAY = (
    "Say how many steps, samples, tokens or minutes, such as '10_000 steps'; or walk through "
    "run.epochs()."
)


def _cadence(value: str | int, argument: str) -> Cadence:
    text = f"{value} steps" if isinstance(value, int) and not isinstance(value, bool) else value
    cadence = Cadence.of(text, owner="steps", argument=argument, how_to_say=_HOW_TO_SAY)
    if not isinstance(text, str) or cadence.unit == "epochs":
        raise ArgumentError(
            f"steps({argument}={value!r}): a run of steps has no epochs. {_HOW_TO_SAY}"
        )
    return cadence
