"""The walk of a training that counts steps, not epochs."""

from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any

from onfit.core.walks.params import note
from onfit.core.walks.passes import TrainingPass
from onfit.core.walks.plan import Plan
from onfit.errors import FileFormatError, warn

if TYPE_CHECKING:
    from onfit.core.run import Run


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
    note(run.params, total_steps=plan.steps)
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
    warn(
        f"The data ended after step {run.progress.step}, before the end that the run was given: "
        "an iterator or a generator cannot begin anew. Pass what can, such as a DataLoader or "
        "arrays, or a stream that does not end."
    )
