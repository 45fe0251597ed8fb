"""What a training logs, and the validations at which callbacks decide."""

from collections.abc import Callable
from time import perf_counter
from typing import Any, Literal

from onfit._types import Callbacks, LogValues
from onfit.core.ending import Keeper
from onfit.core.judging.deciding import DECIDE_AT
from onfit.core.logs import Logs
from onfit.core.meter import Meter, RunningMeans, as_number
from onfit.core.packages.plain import is_plain
from onfit.core.processes import processes, warn_of_unconnected
from onfit.core.progress import Progress
from onfit.core.timing import Timing
from onfit.core.walks.evaluating import Evaluating
from onfit.core.walks.pace import Pace
from onfit.core.walks.plan import Plan
from onfit.core.walks.together import Together, is_called_in_main_alone, logs_of
from onfit.errors import ArgumentError, did_you_mean

DecideAt = Literal["epochs", "validations"]


class Recording(Evaluating):
    """The part of every session that keeps what is logged until callbacks get it as a row.

    A row has the means of the batches since the row before, and everything that was logged beside
    them. In a run of epochs an epoch is a row. In a run of steps a row ends with each validation.
    """

    progress: Progress
    pace: Pace
    timing: Timing
    keepers: list[Keeper]
    alone = False  # whether no other process takes part, even if there are some
    shares_batches = False  # whether the processes are one training, each with a share of a batch
    # Whether a step trains other weights than when this was asked last.
    has_changed: Callable[[], bool] = staticmethod(bool)
    _since = 0.0  # when the wait for a batch's data, or the batch's step, began
    _outer: Any = None  # the run in whose hook this one is; None if in none

    def __init__(
        self,
        model: Any,
        callbacks: Callbacks = None,
        *,
        optimizer: Any = None,
        params: dict[str, Any] | None = None,
        meter: Meter | None = None,
        decide_at: DecideAt = "epochs",
    ) -> None:
        if decide_at not in DECIDE_AT:
            raise ArgumentError(
                f"{type(self).__name__}(decide_at={decide_at!r}): callbacks decide at 'epochs' or "
                f"at 'validations'.{did_you_mean(decide_at, DECIDE_AT)}"
            )
        params = {"decide_at": decide_at, **(params or {})}
        super().__init__(model, callbacks, optimizer=optimizer, params=params)
        self._means = RunningMeans()
        self._meter: Meter = self._means if meter is None else meter
        self._batch_values: dict[str, Any] | None = None  # None between two batches
        self._row: dict[str, Any] = {}  # what was logged beside the batches
        self._undecided = False  # whether a validation is over, and its batch is not
        self._in_steps = False
        self.plan: Plan | None = None  # of a run of steps
        self._plan_state: dict[str, Any] | None = None  # of the run that this one goes on with
        self._last_logs = Logs()
        self._together: Together | None = None  # with the other processes, if there are any

    # --- other processes -----------------------------------------------------------------------

    def _meet_others(self) -> None:
        """Find the processes that train with this one. A training in a hook that only the main
        process is called for is that one's alone.
        """
        if not self.alone and not is_called_in_main_alone(self._outer):
            self.processes = processes()
            warn_of_unconnected()
        if self.processes.world > 1:
            if not self.shares_batches:  # else `fit` has done so
                self.processes.arrive()
            self._asked = []
            self._together = Together(self, self.processes)
            self._together.require_same_callbacks()

    def agree(self) -> None:
        """Let stops count that not all processes know of yet. All call this at one place."""
        if self._together is not None:
            self._together.agree()

    def leaves_saving_to_all(self) -> bool:
        """Ask all processes to save the run after this batch. False if there is only this one."""
        if self._together is None:
            return False
        self._together.save_wanted = True
        return True

    # --- what is logged ------------------------------------------------------------------------

    def log(self, values: LogValues | None = None, /, **named: Any) -> None:
        """Log numbers: within a batch for this batch, else for this epoch.

        A batch's numbers become sample-weighted means in the epoch's logs; of a `val_` number
        logged in a training batch the epoch has the latest. They may be scalars of any framework;
        those of a batch become floats only when a callback reads them.

        Args:
            values: a dict of numbers by name.
            **named: more of them.
        """
        found = {**(values or {}), **named}
        if self._test is not None and self._test.values is not None:
            self._test.values |= {name.removeprefix("val_"): found[name] for name in found}
        elif self._batch_values is None:
            self._add_to_row(found)
        else:
            results = {name: found.pop(name) for name in list(found) if name.startswith("val_")}
            self._add_to_row(results)
            self._batch_values |= found

    def _add_to_row(self, values: LogValues) -> None:
        self._row |= {name: as_number(value) for name, value in values.items()}

    def before_optimizer_step(self) -> None:
        """The optimizer is about to step. A step that a callback takes itself is none of these."""
        if self.callbacks.called is None:
            index = self.progress.batch
            self.callbacks.call("on_before_optimizer_step", index, Logs(batch=index))

    def test_begin(self, meter: Meter | None = None) -> None:
        self.timing.validation_begins()
        super().test_begin(meter)

    def test_end(self) -> Logs:
        logs = super().test_end()
        self._since += self.timing.validation_ends()  # it is no part of the batch around it
        return logs

    def validated(self, **values: Any) -> bool:
        """A validation is over. Returns whether the loop has to stop.

        Callbacks hear of it in `on_validation_end`: at once, or when the batch that is under way
        is over.

        Args:
            **values: its results. Their names have no `val_`; the logs add it.
        """
        self.validated_before(**values)
        if self._batch_values is None:
            self._decide()
            self._since = perf_counter()  # the wait for the next batch begins
        return self.stopping

    def validated_before(self, **values: Any) -> None:
        """The validation of the batch before is over; callbacks hear of it when the run goes on."""
        self._add_to_row({f"val_{name}": value for name, value in values.items()})
        self._undecided = True

    def _decide(self) -> None:
        """Call `on_validation_end` with the row so far. In a run of steps the row ends here."""
        self._undecided = False
        heard = self._together is not None or self.callbacks.hear("on_validation_end")
        if not self._in_steps and not heard:
            return
        logs = self._logs_of_row()
        if self._in_steps:
            logs.update(self.pace.report())
        given = set(logs)
        if self._in_steps:
            logs.items()  # as numbers, before the meter begins anew
            self._last_logs = logs
            self._begin_row()
        self.callbacks.call("on_validation_end", self.progress.step, logs)
        if not self._in_steps:  # a number that a callback wrote belongs to the epoch, too
            self._row |= {name: logs[name] for name in logs if name not in given}

    def _decide_what_came_since(self) -> None:
        """Decide at the end of a training without epochs, if batches came since the last decision.
        A training that only pauses goes on with its row.
        """
        if not self.pausing and (self._undecided or self._row or Logs.of_epoch(self._meter)):
            self._decide()

    def _call_of_epoch(self, hook: str, epoch: int, logs: Logs) -> None:
        self.callbacks.call(hook, epoch, logs)

    def _decide_what_is_left(self) -> None:
        """Decide, in a resumed run, at a validation whose batch was the last that was saved."""
        if self._undecided:
            self._decide()

    @property
    def place(self) -> str:
        """What is printed of where the training is: its epoch, or the step if it has no epochs."""
        if self._in_steps:
            return f"after step {self.progress.step}"
        return f"{'in' if self.cut_short else 'after'} epoch {self.progress.epoch}"

    def _begin_row(self) -> None:
        self._meter.reset()
        self.pace.begin_row()
        self._row, self._batch_values = {}, None

    def _logs_of_row(self) -> Logs:
        alike = None if self._together is None else self._together.alike
        return logs_of(self._meter, self._row, self.processes, "the end of an epoch", alike)

    @property
    def goes_on_in_steps(self) -> bool:
        """Whether the run goes on with one that counts steps and has no epochs."""
        return self._plan_state is not None

    def row_state(self) -> dict[str, Any]:
        """What the row has beside its batches, for a run that goes on in another process."""
        return {
            "values": {name: value for name, value in self._row.items() if is_plain(value)},
            "undecided": self._undecided,
            "plan": None if self.plan is None else self.plan.state_dict(),
            **self.pace.state_dict(),
        }

    def load_row_state(self, state: dict[str, Any]) -> None:
        """Go on with the row of such a state, which may be empty."""
        self._row = dict(state.get("values", {}))
        self._undecided = state.get("undecided", False)
        self._plan_state = state.get("plan")
        self.pace.load_state_dict(state)
