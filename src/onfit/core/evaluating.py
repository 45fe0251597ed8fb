"""The events of walks that do not train: validation, evaluation and prediction."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from onfit.core.faces import as_trainable
from onfit.core.listeners import Listeners
from onfit.core.logs import Logs
from onfit.core.meter import Meter, RunningMeans
from onfit.core.state import arguments_of
from onfit.core.stop import Stop, Stoppable

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


class Evaluating(Stoppable):
    """The part of every session that calls the `on_test` and `on_predict` hooks.

    A validation may come in the middle of a training batch; the batch goes on after it.
    """

    # What the loop logged for the current batch; None between two batches.
    _batch_values: dict[str, Any] | None = None
    _training_values: dict[str, Any] | None = None  # the training batch's, kept during a test
    _testing = False  # whether that batch is one of a test
    _test_index = _predict_index = 0
    _test_means: RunningMeans
    _test_meter: Meter

    def __init__(
        self,
        model: Any,
        callbacks: Any = None,
        *,
        optimizer: Any = None,
        params: dict[str, Any] | None = None,
    ) -> None:
        self.model = as_trainable(model, optimizer)
        self.callbacks = callbacks if isinstance(callbacks, Listeners) else Listeners(callbacks)
        self.params = {**_PARAMS, **(params or {})}
        self.arguments: dict[str, dict[str, str]] = {}  # of each callback, by its name
        self._stops: list[Stop] = []

    # --- callbacks -----------------------------------------------------------------------------

    def introduce(self) -> None:
        """Hand params, model and this session to the callbacks; ask which hooks they hear."""
        self.callbacks.set_params(self.params)
        self.callbacks.set_model(self.model)
        self.callbacks.set_run(self)
        self.arguments = arguments_of(self.callbacks)
        self.callbacks.listen(self.model, self._attribute)

    @contextmanager
    def introduced(self) -> Iterator[None]:
        """Introduce this session for the block; then give the callbacks what they had before. The
        block may be an evaluation inside of another run with the same callbacks.
        """
        known = [(each, each.model, each.params, each.run) for each in self.callbacks]
        self.introduce()
        try:
            yield
        finally:
            for callback, model, params, run in known:
                if run is not None:
                    callback.set_params(params)
                    callback.set_model(model)
                    callback.run = run

    # --- evaluation ----------------------------------------------------------------------------

    def test_begin(self, meter: Meter | None = None) -> None:
        """Evaluation or validation begins.

        Args:
            meter: measures the batches; by default it takes the means of what is logged.
        """
        self._test_means = RunningMeans()
        self._test_meter = self._test_means if meter is None else meter
        self._test_meter.reset()
        self._training_values, self._batch_values = self._batch_values, None
        self._test_index, self._testing = 0, True
        self.callbacks.call("on_test_begin", Logs())

    def test_batch_begin(self, size: int | None = None) -> None:
        """An evaluation batch of `size` samples begins."""
        if self.callbacks.hear("on_test_batch_begin"):
            index = self._test_index
            self.callbacks.call("on_test_batch_begin", index, Logs(batch=index, size=size))
        self._batch_values = {}

    def test_batch_end(self, size: int = 1, **values: Any) -> None:
        """An evaluation batch is over.

        Args:
            size: how many samples it has.
            **values: its numbers; the evaluation takes their means over samples.
        """
        index, self._test_index = self._test_index, self._test_index + 1
        logged, self._batch_values = self._batch_values, None
        if logged or values:
            self._test_means.add({**(logged or {}), **values}, size)
        if self.callbacks.hear("on_test_batch_end"):
            logs = Logs.of_batch(self._test_meter, index, size)
            self.callbacks.call("on_test_batch_end", index, logs)

    def test_end(self) -> Logs:
        """The evaluation is over. Returns its means, by names without `val_`."""
        self._batch_values, self._training_values = self._training_values, None
        self._testing = False
        logs = Logs.of_epoch(self._test_meter)
        self.callbacks.call("on_test_end", logs)
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
