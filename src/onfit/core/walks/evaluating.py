"""The events of walks that do not train: validation, evaluation and prediction."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

from onfit._types import Callbacks
from onfit.core.faces import as_trainable
from onfit.core.interrupts import INTERRUPTS, Interrupted, as_exception
from onfit.core.listeners import Listeners
from onfit.core.logs import Logs
from onfit.core.meter import Meter, RunningMeans
from onfit.core.packages import walk_through
from onfit.core.packages.randomness import random_state
from onfit.core.sizes import batch_size
from onfit.core.state import arguments_of
from onfit.core.stop import Stoppable
from onfit.core.walks.params import Params
from onfit.core.walks.together import logs_of
from onfit.errors import NotReadyError

_Batch = TypeVar("_Batch")

# Every key that a callback may look for in `params`, in every loop.
_PARAMS: dict[str, Any] = {
    "epochs": 1,
    "steps": None,
    "samples": None,
    "batch_size": None,
    "verbose": 1,  # as in fit: a user who adds a bar wants to see it
    "do_validation": False,
    "metrics": [],
}


@dataclass
class _Test:
    """An evaluation that is under way.

    Attributes:
        means: the means of what the loop logs.
        meter: measures the batches; `means`, unless the loop has a meter of its own.
        index: how many batches are done.
        values: what the loop logged for the current batch; None between two batches.
    """

    means: RunningMeans
    meter: Meter
    index: int = 0
    values: dict[str, Any] | None = None


class Evaluating(Stoppable):
    """The part of every session that calls the `on_test` and `on_predict` hooks.

    A validation may come in the middle of a training batch; the batch goes on after it.
    """

    _test: _Test | None = None
    _predict_index = 0

    def __init__(
        self,
        model: Any,
        callbacks: Callbacks = None,
        *,
        optimizer: Any = None,
        params: dict[str, Any] | None = None,
    ) -> None:
        self.model = as_trainable(model, optimizer)
        self.callbacks = callbacks if isinstance(callbacks, Listeners) else Listeners(callbacks)
        self.params: dict[str, Any] = Params({**_PARAMS, **(params or {})})
        self.arguments: dict[str, dict[str, str]] = {}  # of each callback, by its name
        self._stops = []
        self._asked = self._stops  # one process has nothing to wait for: what it asks for, counts

    # --- callbacks -----------------------------------------------------------------------------

    def introduce(self) -> None:
        """Hand params, model and this session to the callbacks; ask which hooks they hear."""
        self.callbacks.set_params(self.params)
        self.callbacks.set_model(self.model)
        self.callbacks.set_run(self)
        self.arguments = arguments_of(self.callbacks)
        self.callbacks.is_main = self.processes.is_main
        self.callbacks.listen(self.model, self._flag_was_set)

    @contextmanager
    def introduced(self) -> Iterator[None]:
        """Introduce this session for the block; then give the callbacks what they had before. The
        block may be an evaluation inside of another run with the same callbacks.
        """
        known = [(each, each.model, each.params, each._session) for each in self.callbacks]
        self.introduce()
        try:
            yield
        finally:
            for callback, model, params, run in known:
                if run is not None:
                    callback.set_params(params)
                    callback.set_model(model)
                    callback._session = run

    # --- evaluation ----------------------------------------------------------------------------

    def test_begin(self, meter: Meter | None = None) -> None:
        """Evaluation or validation begins.

        Args:
            meter: measures the batches; by default it takes the means of what is logged.

        Raises:
            NotReadyError: if another one is under way.
        """
        if self._test is not None:
            raise NotReadyError("an evaluation is under way. Call test_end() before test_begin().")
        means = RunningMeans()
        self._test = _Test(means, means if meter is None else meter)
        self._test.meter.reset()
        self.callbacks.call("on_test_begin", Logs())

    @property
    def _open_test(self) -> _Test:
        if self._test is None:
            raise NotReadyError("no evaluation is under way. Call test_begin() first.")
        return self._test

    def test_batch_begin(self, size: int | None = None) -> None:
        """An evaluation batch of `size` samples begins."""
        test = self._open_test
        if self.callbacks.hear("on_test_batch_begin"):
            logs = Logs(batch=test.index, size=size)
            self.callbacks.call("on_test_batch_begin", test.index, logs)
        test.values = {}

    def test_batch_end(self, size: int = 1, **values: Any) -> None:
        """An evaluation batch is over.

        Args:
            size: how many samples the batch has.
            **values: its numbers; the evaluation's logs get their means over samples.
        """
        test = self._open_test
        index, test.index = test.index, test.index + 1
        logged, test.values = test.values, None
        if logged or values:
            test.means.add({**(logged or {}), **values}, size)
        if self.callbacks.hear("on_test_batch_end"):
            logs = Logs.of_batch(test.meter, index, size)
            self.callbacks.call("on_test_batch_end", index, logs)

    def test_end(self) -> Logs:
        """The evaluation is over. Returns its means, under names without `val_`."""
        logs = logs_of(self._open_test.meter, {}, self.processes, "the end of a validation")
        self._test = None
        self.callbacks.call("on_test_end", logs)
        return logs

    def evaluate(
        self,
        batches: Iterable[_Batch],
        step: Callable[[_Batch], object],
        meter: Meter,
        *,
        size: Callable[[_Batch], int] | None = None,
    ) -> Logs:
        """Call `step` with each batch, and the `on_test` hooks; return the means of `meter`.

        Raises:
            Interrupted: after a signal to this run, which is saved then.
        """
        run = self.note_generators()
        size = batch_size if size is None else size
        begins = self.callbacks.hear("on_test_batch_begin")
        self.test_begin(meter)
        try:
            for batch in INTERRUPTS.awaited(walk_through(batches)):
                self.test_batch_begin(size(batch) if begins else None)
                step(batch)
                self.test_batch_end(size(batch))
        except Interrupted:
            self.cut_off()
            self.test_end()
            raise
        except BaseException:
            self._test = None
            raise
        logs = self.test_end()
        if run is not None:
            run.before = {}
        return logs

    # --- prediction ----------------------------------------------------------------------------

    def predict_begin(self) -> None:
        """Prediction begins."""
        self._predict_index = 0
        self.callbacks.call("on_predict_begin", Logs())

    def predict_batch_begin(self, size: int | None = None) -> None:
        """A prediction batch of `size` samples begins."""
        if self.callbacks.hear("on_predict_batch_begin"):
            index = self._predict_index
            self.callbacks.call("on_predict_batch_begin", index, Logs(batch=index, size=size))

    def predict_batch_end(self, size: int, outputs: Any) -> None:
        """A prediction batch of `size` samples is over; `outputs` are its predictions."""
        index, self._predict_index = self._predict_index, self._predict_index + 1
        if self.callbacks.hear("on_predict_batch_end"):
            logs = Logs(batch=index, size=size, outputs=outputs)
            self.callbacks.call("on_predict_batch_end", index, logs)

    def predict_end(self) -> None:
        """Prediction is over."""
        self.callbacks.call("on_predict_end", Logs())

    def predict(
        self,
        batches: Iterable[_Batch],
        step: Callable[[_Batch], Any],
        *,
        size: Callable[[_Batch], int] | None = None,
    ) -> Iterator[Any]:
        """Yield `step(batch)` for each batch, and call the `on_predict` hooks."""
        size = batch_size if size is None else size
        hear = self.callbacks.hear
        heard = hear("on_predict_batch_begin") or hear("on_predict_batch_end")
        run = self.note_generators()
        self.predict_begin()
        try:
            for batch in INTERRUPTS.awaited(walk_through(batches)):
                count = size(batch) if heard else 0
                self.predict_batch_begin(count)
                outputs = step(batch)
                self.predict_batch_end(count, outputs)
                yield outputs
        except Interrupted:
            self.cut_off()
            raise
        if run is not None:
            run.before = {}
        self.predict_end()

    # --- signals -------------------------------------------------------------------------------

    def note_generators(self) -> Any:
        """Note how the random generators are: what a signal cuts off is done anew from there.
        Returns the run that keeps the note; None if there is none, or it has an earlier one.
        """
        run = self._to_save()
        if run is None or not run.keepers or run.before:
            return None
        run.before = {"random": random_state()}
        return run

    def _to_save(self) -> Any:
        """The run that a signal has saved: the one in whose hook this walk is; None if in none."""
        return INTERRUPTS.innermost

    def cut_off(self) -> None:
        """A signal came while data were waited for. What the caller would get is not whole.

        Raises:
            KeyboardInterrupt, SystemExit: as the signal says.
        """
        assert INTERRUPTS.received is not None
        raise as_exception(INTERRUPTS.received) from None
