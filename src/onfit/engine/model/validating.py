"""The validations of a training: after epochs, or every so many batches, samples or minutes."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from onfit.core.interrupts import Interrupted
from onfit.core.run import Run
from onfit.engine.data.source import Source, size_of
from onfit.engine.data.validation import ValidationData, of_set
from onfit.engine.step.following import Following
from onfit.errors import ArgumentError
from onfit.layers.modes import evaluating

if TYPE_CHECKING:
    from onfit.core.state import Resumable
    from onfit.engine.model.compilable import Compilable


class Validations:
    """Validates a model in the course of its training.

    Args:
        model: the model.
        data: what `fit` was given to validate on, and when.
        sources: the batches of each set, by its name; a set alone has none.
        step: measures a batch, and is the meter of all.
        in_steps: whether the training has no epochs. Then a validation that a signal cuts off is
            not due again by itself.

    Attributes:
        within: whether validations come within epochs, too.
    """

    def __init__(
        self,
        model: "Compilable",
        data: ValidationData,
        sources: Mapping[str, Source],
        step: Following,
        *,
        in_steps: bool = False,
    ) -> None:
        self._model, self._data, self._sources, self._step = model, data, sources, step
        self._cadence = data.within if sources else None
        self.within = self._cadence is not None
        self._is_saved = self.within or (in_steps and bool(sources))
        # The results of the latest validation of this epoch, and whether no batch came after it.
        self._results: dict[str, float] = {}
        self._is_fresh = False
        self._cut_off = False  # whether a signal cut off the latest, which is due again

    @property
    def freq_in_steps(self) -> str | None:
        """When to validate in a training without epochs; None for its end alone.

        Raises:
            ArgumentError: for a `validation_freq` that counts epochs.
        """
        if self._data.freq == 1:
            return None
        if self._data.within is None:
            raise ArgumentError(
                f"fit(steps=..., validation_freq={self._data.freq!r}): there are no epochs to "
                "count. Write text such as '500 steps' or '10 minutes'."
            )
        return str(self._data.freq)

    def after_step(self, run: Run) -> None:
        """It is time to validate in a training without epochs."""
        if self._sources:
            self._log_results(run, run.progress.epoch)

    @property
    def parts(self) -> "dict[str, Resumable]":
        """What a run has to save, to be resumed within an epoch."""
        return {"validation": self} if self._is_saved else {}

    def begin_epoch(self, run: Run) -> None:
        """An epoch begins; or a resumed run goes on within one, and has its results again."""
        if run.progress.batch == 0:
            self._results = {}
        elif self._results:
            run.log(self._results)
        if self._cut_off:
            with run.walk.meanwhile():
                self._log_results(run, run.progress.epoch)
            run.leave_out_batches()

    def begin_steps(self, run: Run) -> None:
        """A training without epochs begins, or goes on."""
        if self._cut_off:
            with run.walk.meanwhile():
                self._log_results(run, run.progress.epoch, decide=False)

    def after_batch(self, run: Run, epoch: int, size: int) -> None:
        """A training batch of `size` samples is done."""
        assert self._cadence is not None
        due = self._cadence.due_after_batch(size)
        timed = self._cadence.unit == "seconds"
        self._is_fresh = run.processes.any_of(due) if timed else due
        if self._is_fresh:
            self._log_results(run, epoch)

    def after_epoch(self, run: Run, epoch: int) -> None:
        """The batches of an epoch are done."""
        is_last = epoch + 1 == run.params["epochs"]
        if not self._sources or run.cut_short or not self._data.due(epoch, is_last=is_last):
            return
        if not self._is_fresh:
            self._log_results(run, epoch)

    def _log_results(self, run: Run, epoch: int, *, decide: bool = True) -> None:
        logs: dict[str, float] = {}
        try:
            for name, source in self._sources.items():
                logs |= self._measured(run, epoch, name, source)
        except Interrupted:
            self._cut_off = True
            return
        self._cut_off = False
        self._results = {f"val_{name}": value for name, value in logs.items()}
        if decide:
            run.validated(**logs)
        else:
            run.validated_before(**logs)

    def _measured(self, run: Run, epoch: int, name: str, source: Source) -> dict[str, float]:
        """Loss and metrics of one of the sets."""
        with evaluating(self._model, torch_alone=source.facts.in_memory):
            logs = run.evaluate(source.epoch(epoch), self._step, self._step, size=size_of)
        return {of_set(name, metric): value for metric, value in logs.items()}

    def state_dict(self) -> dict[str, Any]:
        return {
            "cadence": None if self._cadence is None else self._cadence.state_dict(),
            "results": dict(self._results),
            "is_fresh": self._is_fresh,
            "cut_off": self._cut_off,
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        if self._cadence is not None and state["cadence"] is not None:
            self._cadence.load_state_dict(state["cadence"])
        self._results, self._is_fresh = dict(state["results"]), state["is_fresh"]
        self._cut_off = state.get("cut_off", False)
