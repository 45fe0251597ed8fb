"""A training that counts steps, not epochs: how far it goes, and where it validates."""

import warnings
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any

from onfit.core.cadence import Cadence
from onfit.core.walks.passes import TrainingPass
from onfit.errors import ArgumentError, FileFormatError, OnfitWarning

if TYPE_CHECKING:
    from onfit.core.run import Run


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

    @property
    def steps(self) -> int | None:
        """How many steps there will be; None if the end is not given in steps."""
        return int(self._until.amount) if self._until.unit == "batches" else None

    def batch_begins(self, size: int, tokens: int = 0) -> None:
        """A batch of `size` samples begins; `tokens` were logged since the one before began."""
        self.last = self._until.due_after_batch(size, tokens)
        due = self._every is not None and self._every.due_after_batch(size, tokens)
        self.validation_due = due or self.last

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


def _cadence(value: str | int, argument: str) -> Cadence:
    text = f"{value} steps" if isinstance(value, int) and not isinstance(value, bool) else value
    cadence = Cadence.of(text, owner="steps", argument=argument)
    if not isinstance(text, str) or cadence.unit == "epochs":
        raise ArgumentError(
            f"steps({argument}={value!r}): a run of steps has no epochs. Say how many steps, "
            "samples, tokens or minutes, such as '10_000 steps'; or walk through run.epochs()."
        )
    return cadence


class StepsPass(TrainingPass):
    """One pass through the data of a run of steps."""

    def __init__(self, run: "Run", size: Callable[[Any], int], plan: Plan) -> None:
        super().__init__(run, size)
        self._plan = plan

    def batch_begin(self) -> None:
        self._plan.batch_begins(self._size(self.batch), self._run.pace.take_new_tokens())
        super().batch_begin()

    def batch_end(self) -> bool:
        return super().batch_end() or self._plan.last


def begin_steps(run: "Run", plan: Plan, before: dict[str, Any] | None) -> None:
    """Begin a run of steps, or go on with one.

    Args:
        run: the run, whose training has begun.
        plan: where it ends, and where it validates.
        before: the state of the plan of the run that this one goes on with; None for a new run.

    Raises:
        FileFormatError: if the run that this one goes on with had epochs.
    """
    run.params["total_steps"] = plan.steps
    if before is not None:
        plan.load_state_dict(before)
        run.steps_go_on()
        return
    if run.progress.step:
        raise FileFormatError(
            "run.steps(...) cannot go on from the checkpoint, which is of a run of epochs. Walk "
            "through run.epochs(), or give this run another folder."
        )
    run.walk.settle()
    run.steps_begin()


def require_no_plan(before: dict[str, Any] | None) -> None:
    """Refuse to go on by epochs with a run of steps.

    Raises:
        FileFormatError: if the checkpoint has the plan of such a run.
    """
    if before is not None:
        raise FileFormatError(
            "run.epochs() cannot go on from the checkpoint, which is of a run of steps. Walk "
            "through run.steps(...), or give this run another folder."
        )


def passes_of(batches: Any) -> Callable[[int], Iterable[Any] | None]:
    """A function that gives the batches of each pass, and None if there are no more.

    Args:
        batches: such a function; or what yields batches, each time anew unless it is an iterator.
    """
    if not isinstance(batches, Iterable):
        given: Callable[[int], Iterable[Any] | None] = batches
        return given
    ends = isinstance(batches, Iterator)
    return lambda index: None if index and ends else batches


def warn_of_the_end(run: "Run") -> None:
    """Warn that the data ended before the run's end."""
    warnings.warn(
        f"The data ended after step {run.progress.step}, before the end that the run was given: "
        "an iterator or a generator cannot begin anew. Pass what can, such as a DataLoader or "
        "arrays, or a stream that does not end.",
        OnfitWarning,
        stacklevel=4,
    )
