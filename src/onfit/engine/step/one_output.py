"""The loss and the metrics of one output of a model."""

from typing import Any

from torch import Tensor

from onfit.activations import Activation
from onfit.engine.step.compiled import Target
from onfit.engine.step.totals import Value
from onfit.engine.step.ways import WAYS
from onfit.errors import warn
from onfit.layers.masking.masks import mask_of
from onfit.losses import Loss
from onfit.losses.masked import masked_loss, weights_of
from onfit.metrics import MeanMetricWrapper, Metric, StatefulMetric
from onfit.metrics.own import ready_for_logs
from onfit.metrics.weighted import MaskedMetric, Weighted, heeds_masks


class OneOutput:
    """Computes the loss of one output, and measures it.

    Args:
        target: what `compile` received for this output.
        head: the activation that the output goes through last, if the model can leave it out.
        copies: whether targets are in memory of their own, which is not written to later.
        masked: whether the output may have a mask.

    Attributes:
        on_logits: whether the loss is computed from logits: the output before `head`.
        loss: computes the loss of `(y, output, weight)`; None if the output is only measured.
        metrics: the metrics, by name in the logs. Those that keep a state are copies of the
            user's, so that validation and training do not mix.
    """

    def __init__(
        self, target: Target, head: Activation | None, *, copies: bool, masked: bool = False
    ) -> None:
        self.target = target
        loss = target.loss
        self.on_logits = loss is not None and _meets(loss, head)
        self._masked = masked
        self.loss = None if loss is None else WAYS.loss(loss, self.on_logits)
        if masked and loss is not None and self.loss is not None:
            self.loss = masked_loss(self.loss, loss.reduction)
        self._activation = None if loss is None else _still_to_come(loss, self.on_logits)
        self.metrics: dict[str, Metric] = {
            name: ready_for_logs(heeds_masks(metric) if masked else metric)
            for name, metric in target.metrics.items()
        }
        self._measures = [
            (
                metric,
                WAYS.metric(metric, on_logits=self.on_logits, copies=copies)
                if isinstance(metric, MeanMetricWrapper)
                else None,
            )
            for metric in self.metrics.values()
        ]

    def measure(self, y: Any, output: Any, weight: Any = None) -> list[Value]:
        """The values of the metrics; those that keep a state take the batch in, and give none.

        Metrics see probabilities, not logits, except for those that ask for logits. The weights of
        the samples count only in those of `compile(weighted_metrics=)`.
        """
        if not self._measures:
            return []
        mask = mask_of(output) if self._masked else None
        output = output.detach() if isinstance(output, Tensor) else output
        activation, seen = self._activation, None
        values: list[Value] = []
        for metric, measure in self._measures:
            shown = output
            if activation is not None and not metric.sees_logits(output):
                shown = seen = activation(output) if seen is None else seen
            if measure is not None:
                values.append(measure(y, shown))
            else:
                assert isinstance(metric, StatefulMetric)
                its = None if isinstance(metric, MaskedMetric) else weight
                if mask is not None and isinstance(metric, Weighted):
                    its = weights_of(mask, its, shown)
                if its is not None and isinstance(metric, Weighted):
                    metric.update(y, shown, its)
                else:
                    metric.update(y, shown)
        return values

    def as_given(self, output: Any) -> Any:
        """The output as the model gives it, its last activation included, without a gradient."""
        output = output.detach() if isinstance(output, Tensor) else output
        head = self.target.loss.logits_of if self.target.loss and self.on_logits else None
        return output if head is None else head(output)

    def warn_of_logits(self, output: Any, model: str) -> None:
        """Warn if a crossentropy takes the output for probabilities, and its numbers are not.

        Whether the output went through a softmax or sigmoid is not known, so this looks at the
        numbers. It waits for the device: once is enough.

        Args:
            output: the output of a batch.
            model: how errors call the model.
        """
        loss = self.target.loss
        if loss is None or loss.logits_of is None or self.on_logits:
            return
        if isinstance(output, Tensor) and bool(((output < 0) | (output > 1)).any()):
            kind = type(loss).__name__
            warn(
                f"{kind} takes probabilities, and the output of {model} has "
                f"numbers below 0 or above 1: it gives logits. Pass "
                f"losses.{kind}(from_logits=True), or end the model in a softmax or sigmoid."
            )


def _meets(loss: Loss, head: Activation | None) -> bool:
    """Whether a loss can be computed from the output before this last activation."""
    return head is not None and head is loss.logits_of and loss.may_see_logits


def _still_to_come(loss: Loss, on_logits: bool) -> Activation | None:
    """What makes probabilities of the output that the loss sees; None if it is as the user means
    it.
    """
    return loss.logits_of if on_logits else loss.output_activation
