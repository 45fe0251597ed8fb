"""A training that the loop walks through with generators.

with Run(model, callbacks, epochs=20) as run:          on_train_begin ... on_train_end
    for epoch in run.epochs():                         on_epoch_begin ... on_epoch_end
        for x, y in run.batches(loader):               on_train_batch_begin ... _end
            run.log(loss=step(x, y))
        for x, y in run.validation(val_loader):        on_test_begin ... on_test_end
            run.log(loss=loss_of(x, y))
"""

from collections.abc import Callable, Iterable, Iterator
from typing import Any, TypeVar

from onfit._types import Callbacks, LogValues
from onfit.core.meter import Meter
from onfit.core.representation import checked_arguments
from onfit.core.sizes import batch_size
from onfit.core.state import Resumable
from onfit.core.walks.passes import Passes, TrainingPass, ValidationPass
from onfit.core.walks.plan import Plan
from onfit.core.walks.recording import DecideAt
from onfit.core.walks.signalled import Signalled
from onfit.core.walks.steps import (
    StepsPass,
    begin_steps,
    passes_of,
    require_no_plan,
    warn_of_the_end,
)
from onfit.errors import DataError, NotReadyError, warn

_Batch = TypeVar("_Batch")


class Run(Signalled):
    """One training: generators of epochs and batches, which call the hooks before and after each.

    A run ends well on Ctrl-C, SIGTERM and SIGUSR1: after the first signal it ends the batch, calls
    the end hooks and raises; a second signal acts at once. The attributes are those of `Session`.

    Args:
        model: a torch module, an onfit model, or any object attributes can be set on;
            callbacks see it as `self.model`.
        callbacks: callbacks, called in this order.
        optimizer: the optimizer of a model that does not hold its own, so that callbacks can
            read and set its learning rate; of several torch optimizers a list.
        epochs: the run ends before the epoch of this index, as in `fit`.
        initial_epoch: the index of the first epoch.
        params: more of the callbacks' `params` (`batch_size`, `steps`, `samples`, `metrics` ...).
        meter: measures the batches; by default it takes the means of what is logged.
        parts: other objects, by name, whose state is saved and restored with the run: torch
            schedulers that the loop steps, a GradScaler, anything with `state_dict` and
            `load_state_dict`.

    Raises:
        CapabilityError: before training, if the model lacks what a callback needs.

    Example:
        >>> from types import SimpleNamespace
        >>> from onfit.callbacks import History
        >>> history = History()
        >>> with Run(SimpleNamespace(), [history], epochs=2) as run:
        ...     for epoch in run.epochs():
        ...         for batch in run.batches([[1, 2], [3, 4]]):
        ...             run.log(loss=sum(batch))
        >>> history.history
        {'loss': [5.0, 5.0]}
    """

    @checked_arguments
    def __init__(
        self,
        model: Any,
        callbacks: Callbacks = None,
        *,
        optimizer: Any = None,
        epochs: int = 1,
        initial_epoch: int = 0,
        params: dict[str, Any] | None = None,
        meter: Meter | None = None,
        parts: dict[str, Resumable] | None = None,
        decide_at: DecideAt = "epochs",
    ) -> None:
        super().__init__(
            model,
            callbacks,
            optimizer=optimizer,
            epochs=epochs,
            initial_epoch=initial_epoch,
            params=params,
            meter=meter,
            parts=parts,
            decide_at=decide_at,
        )
        self._end_epoch = epochs
        self._passes = Passes()

    # --- epochs --------------------------------------------------------------------------------

    def epochs(self) -> Iterator[int]:
        """Yield the index of each epoch, and call its hooks before and after it.

        The run looks for a stop before each epoch and after each batch.
        """
        if not self._begun or self._ended:
            state = "has ended" if self._ended else "has not begun"
            raise NotReadyError(
                f"run.epochs() was called, and the run {state}. Write: with Run(...) as run:"
            )
        require_no_plan(self._plan_state)
        if not self.walk.resuming:
            self._close_epoch()  # an epoch that the loop left by `break` in an earlier walk
        self._call_again()
        while self.progress.epoch < self._end_epoch and not self.stopping:
            if self.in_epoch:  # a run that was resumed in the middle of an epoch
                self._decide_what_is_left()
                self.leave_out_batches()
            else:
                self.epoch_begin()
            yield self.progress.epoch
            self._close_epoch()
        self.walk.settle()  # for a resumed run that had nothing left to do

    def _close_epoch(self) -> None:
        self._passes.end_all()
        super()._close_epoch()

    # --- steps ---------------------------------------------------------------------------------

    def steps(
        self,
        batches: Iterable[_Batch] | Callable[[int], Iterable[_Batch]],
        *,
        until: str | int,
        validate_every: str | int | None = None,
        size: Callable[[_Batch], int] | None = None,
    ) -> Iterator[_Batch]:
        """Yield each training batch of a run without epochs, and call its hooks.

        The batches are walked through again and again until the end. No epoch hook is called:
        callbacks decide, and record a row, in `on_validation_end`, which comes after each batch
        within which the loop has validated, and at the end. The means of a row begin anew after it.
        `tokens` that the loop logs for a batch are added up, not averaged; the rows then have
        `tokens_per_second`, and always `samples_per_second`.

        Args:
            batches: anything that yields batches; or a function that gives those of pass 0, 1, 2
                and so on. An iterator cannot begin anew: the run ends with it.
            until: where the run ends: text such as `"10_000 steps"`, `"1_000_000 tokens"`,
                `"2 hours"`, or a number of steps.
            validate_every: text of the same kind: when `validation_due` is True. It always is at
                the last batch.
            size: how many samples a batch has; by default the length of its first array.

        Raises:
            ArgumentError: for an `until` or `validate_every` that is no such text.

        Example:
            >>> from types import SimpleNamespace
            >>> from onfit.callbacks import History
            >>> history = History()
            >>> with Run(SimpleNamespace(), [history]) as run:
            ...     for batch in run.steps([[1], [3]], until="4 steps", validate_every="2 steps"):
            ...         run.log(loss=batch[0])
            ...         if run.validation_due:
            ...             for held_out in run.validation([[5]]):
            ...                 run.log(loss=held_out[0])
            >>> history.step, history.history["loss"], history.history["val_loss"]
            ([2, 4], [2.0, 2.0], [5.0, 5.0])
        """
        plan = self.plan = Plan(until, validate_every)
        plan.processes = self.processes
        return self._walk_steps(passes_of(batches), plan, batch_size if size is None else size)

    def _walk_steps(
        self,
        of_pass: Callable[[int], Iterable[_Batch] | None],
        plan: Plan,
        size: Callable[[_Batch], int],
    ) -> Iterator[_Batch]:
        begin_steps(self, plan, self._plan_state)
        self._decide_what_is_left()
        while not plan.last and not self.stopping:
            batches = of_pass(self.progress.epoch)
            if batches is None:
                warn_of_the_end(self)
                break
            yield from self._passes.through(batches, StepsPass(self, size, plan))
            if self.progress.batch == 0:
                raise DataError("run.steps(batches, ...): there is no batch in `batches`.")
            if not plan.last and not self.stopping:
                self.progress.epoch, self.progress.batch = self.progress.epoch + 1, 0
        self._close_epoch()

    @property
    def validation_due(self) -> bool:
        """Whether it is time to validate: within the batch of a run of steps after which
        `validate_every` or the run ends.
        """
        return self.plan is not None and self.in_epoch and self.plan.validation_due

    # --- batches -------------------------------------------------------------------------------

    def batches(
        self, batches: Iterable[_Batch], *, size: Callable[[_Batch], int] | None = None
    ) -> Iterator[_Batch]:
        """Yield each training batch, and call its hooks before and after it.

        A batch that the loop leaves by `break` counts if something was logged for it.

        Args:
            batches: anything that yields batches, such as a DataLoader.
            size: how many samples a batch has; by default the length of its first array.

        Raises:
            NotReadyError: outside of `epochs()`, where logged values would belong to no epoch.
        """
        self._require_epoch("batches")
        one = TrainingPass(self, batch_size if size is None else size)
        return self._passes.through(batches, one)

    def _require_epoch(self, method: str) -> None:
        if not self.in_epoch:
            raise NotReadyError(
                f"run.{method}(...) was called outside of an epoch, which its values belong to. "
                f"Write: for epoch in run.epochs(): for batch in run.{method}(...):"
            )

    def log(self, values: LogValues | None = None, /, **named: Any) -> None:
        self._passes.end_left()
        if self._open_epoch is None:
            names = ", ".join([*(values or {}), *named])
            warn(
                f"run.log({names}) was called outside of an epoch, so no callback sees it. Log "
                "within `for epoch in run.epochs():`, or within run.steps(...)."
            )
        super().log(values, **named)

    # --- validation ------------------------------------------------------------------------

    def validation(
        self, batches: Iterable[_Batch], *, size: Callable[[_Batch], int] | None = None
    ) -> Iterator[_Batch]:
        """Yield each validation batch, and call the `on_test` hooks around it.

        The means over samples of what is logged for the batches become `val_<name>` in the epoch's
        logs. Of two validations in one epoch the later counts. After a stop that cut the epoch
        short there is none.

        Args:
            batches: anything that yields batches.
            size: how many samples a batch has; by default the length of its first array.

        Example:
            >>> from types import SimpleNamespace
            >>> from onfit.callbacks import History
            >>> history = History()
            >>> with Run(SimpleNamespace(), [history]) as run:
            ...     for epoch in run.epochs():
            ...         for batch in run.validation([[1, 2], [4]]):
            ...             run.log(loss=sum(batch) / len(batch))
            >>> history.history
            {'val_loss': [2.3333333333333335]}
        """
        self._require_epoch("validation")
        if self.cut_short:  # a stop leaves out the validation
            return iter(())
        one = ValidationPass(self, batch_size if size is None else size)
        return self._passes.through(batches, one)
