"""Loss and metrics of one batch, computed from logits where that is safer."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from torch import Tensor

from onfit.engine.data.arrays import Samples
from onfit.engine.data.noted import note_batch
from onfit.engine.step.compiled import Compiled
from onfit.engine.step.one_output import OneOutput
from onfit.engine.step.outputs import calls_in_order
from onfit.engine.step.totals import StatefulTotals, Totals, Value, measured
from onfit.errors import DataError, NotReadyError
from onfit.layers.added_losses import Calling, added_in, may_add, penalties_of, values_of
from onfit.layers.masking.masks import may_be_made
from onfit.layers.precision import in_policy, widened
from onfit.losses import Loss
from onfit.metrics import StatefulMetric

if TYPE_CHECKING:
    from onfit.engine.model.compilable import Compilable

_NO_LOSS = (
    "this model was compiled without a loss, and no layer adds one with add_loss. "
    "Call model.compile(optimizer, loss)."
)


class LossAndMetrics:
    """The number that training lowers, and what is measured beside it.

    Args:
        model: gives outputs, or logits of those whose last activation may be left out.
        compiled: losses and metrics.
        behind_activations: whether to ask the model for logits; False to judge outputs that
            are there already.
        copies: whether targets are in memory of their own, which is not written to later.

    Raises:
        NotReadyError: if there is no loss.
        ArgumentError: if a metric gives several numbers, which a log cannot hold.
    """

    def __init__(
        self,
        model: "Compilable",
        compiled: Compiled,
        *,
        behind_activations: bool = True,
        copies: bool = False,
    ) -> None:
        if not compiled.has_loss and not may_add(model):
            raise NotReadyError(_NO_LOSS)
        heads = model.output_activations if behind_activations else [None] * len(compiled.targets)
        self._model = model
        self._compute = calls_in_order(model)
        self._several = compiled.several
        self._has_loss = compiled.has_loss
        self._is_weighed = compiled.given["loss_weights"] is not None
        masked = may_be_made(model)
        self._each = [
            OneOutput(target, head, copies=copies, masked=masked)
            for target, head in zip(compiled.targets, heads, strict=True)
        ]
        self._wanted = [each.on_logits for each in self._each]
        self._penalties = penalties_of(model)
        self.on_logits = any(self._wanted)

    def __call__(self, batch: Samples) -> tuple[list[Tensor], Any]:
        """The losses (the total, then those of several outputs), and the outputs."""
        x, y, weight = batch
        if y is None and self._has_loss:
            raise DataError("there is no y: the loss compares outputs with targets. Pass y.")
        try:
            if not self.on_logits:
                outputs = self._compute(x)
            else:
                with Calling(self._model):
                    outputs = self._logits(x)
            outputs = widened(outputs)
            return self._all_losses(y, outputs, weight), outputs
        except Exception as error:
            note_batch(error, x, y)
            raise

    def _logits(self, x: Any) -> Any:
        model = self._model
        if model._policy is None:
            return model.logits(x, self._wanted)
        return in_policy(model, model.logits, (x, self._wanted), {})

    def losses(self, y: Any, outputs: Any, weight: Any = None) -> list[Tensor]:
        """The total loss of outputs, then those of several outputs."""
        return self._all_losses(y, widened(outputs), weight)

    def _all_losses(self, y: Any, outputs: Any, weight: Any) -> list[Tensor]:
        added = [*added_in(self._model), *self.penalties()]
        if not self._has_loss:
            if not added:
                raise NotReadyError(_NO_LOSS)
            losses: list[Any] = [0.0]
        elif self._several:
            losses = self._losses(y, outputs, weight)
        else:
            loss = self._each[0].loss
            assert loss is not None  # a model of one output has a loss, or none at all
            losses = [loss(y, outputs, weight)]
            if self._is_weighed:
                losses[0] = losses[0] * self._each[0].target.weight
        for each in added:
            losses[0] = losses[0] + (each if each.ndim == 0 else each.sum())
        return losses

    def penalties(self) -> list[Tensor]:
        """The penalties on weights, of now."""
        return values_of(self._penalties)

    def _losses(self, y: Any, outputs: Any, weight: Any) -> list[Tensor]:
        ys = self._one_each(y)
        parts = zip(self._each, ys, outputs, self._weights(weight), strict=True)
        found = [
            (each.target.weight, each.loss(y, output, weight))
            for each, y, output, weight in parts
            if each.loss is not None
        ]
        total: Any = sum(loss * weight for weight, loss in found)
        return [total, *[loss for _, loss in found]]

    def _weights(self, weight: Any) -> tuple[Any, ...]:
        """Weights for each output: one array is for all of them."""
        return weight if isinstance(weight, tuple) else (weight,) * len(self._each)

    def _one_each(self, y: Any) -> Sequence[Any]:
        if not isinstance(y, tuple) or len(y) != len(self._each):
            raise DataError(
                f"the model has {len(self._each)} outputs "
                f"({', '.join(each.target.name for each in self._each)}), and y is "
                f"{f'of {len(y)}' if isinstance(y, tuple) else 'one array'}. "
                "Pass a list or dict with a y for each output."
            )
        return y

    @property
    def only_loss(self) -> Loss | None:
        """The loss, if it is all that training lowers: there is one output, and no penalty."""
        more = self._several or self._penalties or self._is_weighed
        return None if more else self._each[0].target.loss

    def warn_of_logits(self, outputs: Any) -> None:
        """Warn of outputs that a crossentropy takes for probabilities, and that are not."""
        for index, each in enumerate(self._each):
            each.warn_of_logits(outputs[index] if self._several else outputs, self._model.described)

    # --- measuring -----------------------------------------------------------------------

    @property
    def stateful(self) -> dict[str, StatefulMetric]:
        """The metrics that keep a state, by their names in the logs."""
        named = {name: metric for each in self._each for name, metric in each.metrics.items()}
        return {name: m for name, m in named.items() if isinstance(m, StatefulMetric)}

    def totals(self, compiled: Compiled) -> Totals:
        """A meter for what is computed here."""
        stateful = self.stateful
        return StatefulTotals(compiled.names, stateful) if stateful else Totals(compiled.names)

    def measure(self, y: Any, outputs: Any, weight: Any = None) -> list[Value]:
        """The metrics of a batch, except for those that keep a state: they take the batch in."""
        if not self._several:
            return self._each[0].measure(y, outputs, weight)
        parts = zip(self._each, y, outputs, self._weights(weight), strict=True)
        return [value for each, *part in parts for value in each.measure(*part)]

    def means(self, y: Any, outputs: Any, weight: Any = None) -> list[Tensor]:
        """What `measure` gives, each as a scalar."""
        values = self.measure(y, widened(outputs), weight)
        return [value.float().mean() for value in measured(values)]

    def as_given(self, outputs: Any) -> Any:
        """The outputs as the model gives them, their last activations included."""
        if not self._several:
            return self._each[0].as_given(outputs)
        return [each.as_given(output) for each, output in zip(self._each, outputs, strict=True)]
