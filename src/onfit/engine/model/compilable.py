"""A torch module with an optimizer, a loss and metrics, and the steps that use them."""

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

from onfit.activations import Activation
from onfit.callbacks.history import History
from onfit.engine.data.arrays import Names
from onfit.engine.model.compiling import Compiling
from onfit.engine.model.resume import load_model_state, model_state
from onfit.engine.model.settings import settings_of
from onfit.engine.pieces import FoundPieces, Pieces
from onfit.engine.step.backward import gradients_of
from onfit.engine.step.loss_and_metrics import LossAndMetrics
from onfit.engine.step.other_optimizers import other_optimizers
from onfit.engine.step.outputs import in_order
from onfit.engine.step.own_step import WithFunctions, trackers_of
from onfit.errors import NotReadyError
from onfit.layers.shapes import Shape
from onfit.metrics import Mean, MeanMetricWrapper, Metric
from onfit.metrics.results import results
from onfit.optimizers.gradient_watch import observe


class Compilable(Compiling, WithFunctions):
    """A torch module that can be compiled, and can take the steps of a training.

    Args:
        name: its name.
    """

    def __init__(self, *, name: str | None = None) -> None:
        super().__init__(name=name)
        self.stop_training = False
        self.history: History | Any = None
        self.judge: LossAndMetrics | None = None
        # What `train_on_batch(reset_metrics=False)` and `test_on_batch` go on with.
        self.steps_by_hand: dict[str, Any] = {}

    # What a step of a subclass' own measures with while it runs; None at all other times.
    metrics_of_step: list[Metric] | None = None

    # --- what each kind of model defines -------------------------------------------------

    # Whether the outputs come as a dict by `output_names`.
    names_outputs = False

    @property
    def output_activations(self) -> list[Activation | None]:
        """For each output its last activation, if `logits` can leave that out; else None."""
        return [None] * len(self.output_names)

    def logits(self, x: Any, wanted: Sequence[bool] = (True,)) -> Any:
        """The outputs; where `wanted` is True, the numbers before the last activation."""
        return self(x)

    @property
    def plain_stack(self) -> list[Any] | None:
        """Its layers, if the model only calls one after the other; else None."""
        return None

    @property
    def input_shapes(self) -> Sequence[Shape | None]:
        """The shapes of its inputs, batch axis first; empty if they are not known."""
        return ()

    @property
    def names(self) -> Names:
        """The names of its inputs and outputs, and the inputs' shapes as far as they are known."""
        return Names(self.input_names, self.output_names, self.input_shapes)

    # --- metrics -------------------------------------------------------------------------

    @property
    def metrics(self) -> list[Metric]:
        """What is measured: the mean of the loss, the metrics of `compile`, and the metrics among
        its own attributes. Within a `train_step` or `test_step` of a subclass they are those that
        `fit` reads: what the step puts into them is in the logs, for the epoch so far.
        """
        of_step = self.metrics_of_step
        if of_step is None:
            of_step = [] if self._compiled is None else [Mean("loss"), *self._compiled.metrics]
        return [*of_step, *trackers_of(self).values()]

    def get_metrics_result(self) -> dict[str, Any]:
        """The values of all `metrics` so far, by name: what a `train_step` may return.

        A subclass may write its own: what it returns is in the logs, as it is.

        Example:
            >>> class Scored(Compilable):
            ...     def get_metrics_result(self):
            ...         results = super().get_metrics_result()
            ...         p, r = results["precision"], results["recall"]
            ...         return {**results, "f1": 2 * p * r / (p + r + 1e-7)}
        """
        return results({metric.name: metric.result() for metric in self.metrics})

    # --- gradients -----------------------------------------------------------------------

    def observe_gradients(
        self, before_update: Callable[[], object] | None = None
    ) -> Callable[[], None]:
        """From now on, have the gradients of each step in `.grad` of the parameters that train.

        They are there from before the optimizer uses them until the next step, and are the step's
        own tensors. What was in `.grad` before comes back at the end. A torch optimizer in a loop
        of one's own uses the gradients that the loop puts there.

        Args:
            before_update: called when they are there. What it changes in `.grad`, in place or by
                setting another tensor, is what the optimizer uses. None if nothing is to be
                called.

        Returns:
            A function without arguments that ends this.

        Raises:
            NotReadyError: if there is no optimizer before whose updates to call it.
            CapabilityError: if a torch optimizer does not say when it steps.

        Example:
            >>> def clip():
            ...     torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            >>> end = model.observe_gradients(clip)  # doctest: +SKIP
        """
        others = list(other_optimizers(self).values())
        optimizer = self.optimizer or next(iter(others), None)
        if optimizer is not None:
            return observe(optimizer, before_update, others)
        if before_update is None:
            return lambda: None
        raise NotReadyError(
            f"{self.described}: gradients are to be seen before each update, and there is no "
            "optimizer. Call compile(optimizer=...), or pass optimizer= to Run."
        )

    # --- resuming ------------------------------------------------------------------------

    def state_for_resume(self) -> dict[str, Any]:
        """Weights, optimizer and generators as plain data and tensors."""
        return model_state(self, self.optimizer)

    def state_in_pieces(self) -> tuple[dict[str, Any], dict[str, Any]]:
        """The same without the weights that are divided among processes; and arrays by name, which
        are this process' pieces of these.
        """
        pieces = Pieces()
        return model_state(self, self.optimizer, pieces), pieces.own

    def settings_for_resume(self) -> dict[str, str]:
        """What the script has set up, as text: a resumed run warns if that was changed."""
        return settings_of(self)

    def load_state_for_resume(self, state: dict[str, Any]) -> None:
        """Go on from a state of `state_for_resume`; or from one of `state_in_pieces`, which has the
        arrays of all processes as `pieces`.

        Raises:
            FileFormatError: if the weights or the optimizer of the state are others. Then nothing
                is changed.
        """
        found = FoundPieces(state["pieces"]) if "pieces" in state else None
        load_model_state(self, self.optimizer, state, found)

    # --- steps, for a subclass to write --------------------------------------------------

    def train_step(self, data: tuple[Any, ...]) -> dict[str, Any]:
        """Train on one batch. A subclass may write its own `train_step`; then `fit` calls that.

        Args:
            data: `(x, y)` or `(x, y, sample_weight)`.

        Returns:
            This batch's values by name; `fit` makes sample-weighted means of them.

        Example:
            >>> class MyModel(Compilable):
            ...     def train_step(self, data):
            ...         x, y = data
            ...         loss = self.compute_loss(y=y, y_pred=self(x))
            ...         grads = torch.autograd.grad(loss, self.trainable_weights)
            ...         self.optimizer.apply(grads)
            ...         return {"loss": loss}
        """
        x, y, weight = [*data, None][:3]
        y_pred = self(x)
        loss = self.compute_loss(x=x, y=y, y_pred=y_pred, sample_weight=weight)
        assert self.optimizer is not None, "compile comes first"
        params, scaled = self.trainable_weights, self.optimizer.scale_loss(loss)
        self.optimizer.apply(gradients_of(self, scaled, params))
        return self._measured(loss, y, y_pred, weight)

    def test_step(self, data: tuple[Any, ...]) -> dict[str, Any]:
        """Measure one batch. A subclass may write its own; the arguments are `train_step`'s."""
        x, y, weight = [*data, None][:3]
        y_pred = self(x)
        loss = self.compute_loss(x=x, y=y, y_pred=y_pred, sample_weight=weight)
        return self._measured(loss, y, y_pred, weight)

    def _measured(self, loss: Tensor, y: Any, y_pred: Any, weight: Any) -> dict[str, Any]:
        """What a step returns: this batch's loss and metrics."""
        if self.metrics_of_step:
            tracker, *_ = self.metrics_of_step
            assert isinstance(tracker, Mean)  # of the loss
            tracker.add_mean(loss, _size(y_pred))
        values = self.compute_metrics(y=y, y_pred=y_pred, sample_weight=weight)
        return values if self.has_own("get_metrics_result") else {"loss": loss, **values}

    def predict_step(self, data: Any) -> Any:
        """The outputs for one batch: `x`; `(x,)` for several inputs. A subclass may write its own
        `predict_step`; then `predict` calls that.
        """
        return self(data[0] if isinstance(data, tuple) else data)

    @property
    def own_train_step(self) -> Callable[[tuple[Any, ...]], dict[str, Any]] | None:
        """The `train_step` that its author wrote, whole or in part; None if it is this class's."""
        own = self.train_step if self._writes("train_step") else None
        return self.own_function("train") or own

    @property
    def own_test_step(self) -> Callable[[tuple[Any, ...]], dict[str, Any]] | None:
        """The `test_step` that its author wrote, whole or in part; None if it is this class's."""
        own = self.test_step if self._writes("test_step") else None
        return self.own_function("test") or own

    @property
    def own_predict_step(self) -> Callable[[Any], Any] | None:
        """The `predict_step` that its author wrote; None if it is this class's."""
        own = self.predict_step if self.has_own("predict_step") else None
        return self.own_function("predict") or own

    def _writes(self, step: str) -> bool:
        """Whether a subclass wrote a step, or what it calls."""
        own = (step, "compute_loss", "compute_metrics", "get_metrics_result")
        return any(map(self.has_own, own))

    def has_own(self, name: str) -> bool:
        """Whether a subclass wrote a method, or one was set on this very model."""
        return name in vars(self) or getattr(type(self), name) is not getattr(Compilable, name)

    def compute_loss(
        self,
        x: Any = None,
        y: Any = None,
        y_pred: Any = None,
        sample_weight: Any = None,
        training: bool = True,
    ) -> Tensor:
        """The compiled loss of the outputs `y_pred`, and the losses that layers add: a scalar.

        `training` is for a subclass that writes its own.
        """
        return self._judge().losses(y, in_order(self, y_pred), sample_weight)[0]

    def compute_metrics(
        self, x: Any = None, y: Any = None, y_pred: Any = None, sample_weight: Any = None
    ) -> dict[str, Tensor]:
        """The compiled metrics of the outputs `y_pred`, by name: their values for this batch. A
        metric that keeps a state gives its value for the epoch so far.
        """
        judge = self._judge()
        with torch.no_grad():
            means = judge.means(y, in_order(self, y_pred), sample_weight)
        self._note_means(means, _size(y_pred))
        if self.has_own("get_metrics_result"):
            return results(self.get_metrics_result())
        stateful, each = judge.stateful, iter(means)
        return {
            name: stateful[name].result() if name in stateful else next(each)
            for name in self.compiled.named_metrics
        }

    def _note_means(self, means: list[Tensor], size: int) -> None:
        """Have the metrics of the step take in the values of a batch; those that keep a state have
        done so.
        """
        plain = [m for m in self.metrics_of_step or () if isinstance(m, MeanMetricWrapper)]
        for metric, mean in zip(plain, means, strict=False):
            metric.add_mean(mean, size)

    def _judge(self) -> LossAndMetrics:
        """The object that computes loss and metrics of outputs; in a step of `fit`, the step's."""
        return self.judge or LossAndMetrics(self, self.compiled, behind_activations=False)


def _size(y_pred: Any) -> int:
    """How many samples a batch has, by its outputs."""
    while isinstance(y_pred, (list, tuple, dict)):
        y_pred = next(iter(y_pred.values() if isinstance(y_pred, dict) else y_pred))
    return len(y_pred) if getattr(y_pred, "ndim", 0) else 1
