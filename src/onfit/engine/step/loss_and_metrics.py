"""Loss and metrics of one batch, computed from logits where that is safer."""

import warnings
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from torch import Tensor

from onfit.engine.data.arrays import Samples
from onfit.engine.fast.derivatives import Slope, slope_of
from onfit.engine.fast.waiting import Value, Waiting, may_wait
from onfit.engine.step.compiled import Compiled
from onfit.engine.step.penalties import penalties_of
from onfit.engine.step.totals import StatefulTotals, Totals
from onfit.errors import DataError, NotReadyError, OnfitWarning
from onfit.losses import Loss, reduced
from onfit.metrics import AnyMetric, Metric, StatefulMetric
from onfit.metrics.own import ready_for_logs

if TYPE_CHECKING:
    from onfit.engine.model.compilable import Compilable


class Objective:
    """What a batch is worth: the number that training lowers, and what is measured beside it.

    Args:
        model: gives outputs, or logits of those whose last activation may be left out.
        compiled: losses and metrics.
        behind_activations: whether to ask the model for logits; False to judge outputs that
            are there already.
        copies: whether targets are in memory of their own, which nobody writes to afterwards.

    Attributes:
        metrics: for each output its metrics, by name in the logs. Those that keep a state are
            this objective's own: what validation measures is not mixed into training's.

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
        if not compiled.has_loss:
            raise NotReadyError(
                "this model was compiled without a loss. Call model.compile(optimizer, loss)."
            )
        self._model = model
        self._copies = copies
        self._targets = compiled.targets
        self._several = compiled.several
        self._on_logits = [
            behind_activations
            and target.loss is not None
            and target.loss.logits_of is not None
            and head is target.loss.logits_of
            and target.loss.may_go("call_on_logits")
            for target, head in zip(compiled.targets, model.output_activations, strict=True)
        ]
        self._any_logits = any(self._on_logits)
        self._means = [
            None if target.loss is None else _mean_of(target.loss, on_logits)
            for target, on_logits in zip(compiled.targets, self._on_logits, strict=True)
        ]
        self._activations = [
            None if target.loss is None
            else target.loss.logits_of if on_logits
            else target.loss.output_activation
            for target, on_logits in zip(compiled.targets, self._on_logits, strict=True)
        ]  # fmt: skip
        self.metrics: list[dict[str, AnyMetric]] = [
            {name: ready_for_logs(metric) for name, metric in target.metrics.items()}
            for target in compiled.targets
        ]
        self._penalties = penalties_of(model)

    def __call__(self, batch: Samples) -> tuple[list[Tensor], Any]:
        """The losses (the total, then those of several outputs), and the outputs."""
        x, y, weight = batch
        if y is None:
            raise DataError("there is no y: the loss compares outputs with targets. Pass y.")
        outputs = self._model.logits(x, self._on_logits) if self._any_logits else self._model(x)
        return self.losses(y, outputs, weight), outputs

    def losses(self, y: Any, outputs: Any, weight: Any = None) -> list[Tensor]:
        """The total loss of outputs, then those of several outputs."""
        if self._several:
            losses = self._losses(y, outputs, weight)
        else:
            losses = [self._loss(0, y, outputs, weight)]
        for penalty in self._penalties:
            losses[0] = losses[0] + penalty()
        return losses

    def _losses(self, y: Any, outputs: Any, weight: Any) -> list[Tensor]:
        ys = self._one_each(y)
        weights = weight if isinstance(weight, tuple) else (weight,) * len(self._targets)
        indices = [i for i, target in enumerate(self._targets) if target.loss is not None]
        each = [self._loss(i, ys[i], outputs[i], weights[i]) for i in indices]
        total: Any = sum(
            loss * self._targets[i].weight for i, loss in zip(indices, each, strict=True)
        )
        return [total, *each]

    def _loss(self, index: int, y: Any, output: Any, weight: Tensor | None) -> Tensor:
        loss = self._targets[index].loss
        assert loss is not None
        mean = self._means[index]
        if weight is None and mean is not None:
            return mean(y, output)
        if loss.is_called_whole:
            return loss(y, output) if weight is None else loss(y, output, weight)
        if weight is not None:
            loss = loss.weightable()
        call = loss.call_on_logits if self._on_logits[index] else loss.call
        return reduced(call(y, output), weight, loss.reduction)

    def _one_each(self, y: Any) -> Sequence[Any]:
        if not isinstance(y, tuple) or len(y) != len(self._targets):
            raise DataError(
                f"the model has {len(self._targets)} outputs "
                f"({', '.join(target.name for target in self._targets)}), and y is "
                f"{f'of {len(y)}' if isinstance(y, tuple) else 'one array'}. "
                "Pass a list or dict with a y for each output."
            )
        return y

    @property
    def on_logits(self) -> bool:
        """Whether a model of one output is asked for logits."""
        return self._any_logits

    @property
    def slope(self) -> Slope | None:
        """The loss of a model of one output with its gradient by that, if somebody has written
        it and nothing is added to the loss.
        """
        loss = self._targets[0].loss
        if self._several or self._penalties or loss is None:
            return None
        return slope_of(loss, self._any_logits)

    def warn_of_logits(self, outputs: Any) -> None:
        """Look at what a crossentropy takes for probabilities, though nobody knows whether it went
        through a softmax or sigmoid. Waits for the device: once is enough.
        """
        for index, target in enumerate(self._targets):
            if target.loss is None or target.loss.logits_of is None or self._on_logits[index]:
                continue
            output = outputs[index] if self._several else outputs
            if isinstance(output, Tensor) and bool(((output < 0) | (output > 1)).any()):
                kind = type(target.loss).__name__
                warnings.warn(
                    f"{kind} takes probabilities, and the output of {self._model.described} has "
                    f"numbers below 0 or above 1: it gives logits. Pass "
                    f"losses.{kind}(from_logits=True), or end the model in a softmax or sigmoid.",
                    OnfitWarning,
                    stacklevel=2,
                )

    # --- measuring -----------------------------------------------------------------------

    @property
    def stateful(self) -> dict[str, StatefulMetric]:
        """The metrics that keep a state, by their names in the logs."""
        named = {name: metric for metrics in self.metrics for name, metric in metrics.items()}
        return {name: m for name, m in named.items() if isinstance(m, StatefulMetric)}

    def totals(self, compiled: Compiled) -> Totals:
        """A meter for what this objective measures."""
        stateful = self.stateful
        return StatefulTotals(compiled.names, stateful) if stateful else Totals(compiled.names)

    def measure(self, y: Any, outputs: Any) -> list[Value]:
        """The metrics of a batch, but for those that keep a state, which take it in."""
        if not self._several:
            return self._measured(0, y, outputs)
        return [
            value
            for index, output in enumerate(outputs)
            for value in self._measured(index, y[index], output)
        ]

    def _measured(self, index: int, y: Any, output: Any) -> list[Value]:
        """Metrics of one output; they see what the user means by it: probabilities, not logits."""
        metrics = self.metrics[index]
        if not metrics:
            return []
        output = output.detach() if isinstance(output, Tensor) else output
        activation, seen = self._activations[index], None
        values: list[Value] = []
        for metric in metrics.values():
            shown = output
            if activation is not None and not metric.sees_logits(output):
                shown = seen = activation(output) if seen is None else seen
            if not isinstance(metric, Metric):
                assert isinstance(metric, StatefulMetric)
                metric.update(y, shown)
            elif self._on_logits[index] and may_wait(metric, output):
                # Logits are made anew for each batch; targets may lie in somebody's buffer.
                kept = y if self._copies else y.clone()
                values.append(Waiting(metric, kept, output))
            else:
                values.append(metric.of_batch(y, shown))
        return values


def _mean_of(loss: Loss, on_logits: bool) -> Callable[[Any, Any], Tensor] | None:
    """What gives the mean over samples without weights at once; None if nothing does."""
    way = "call_mean_on_logits" if on_logits else "call_mean"
    mean: Callable[[Any, Any], Tensor] = getattr(loss, way)
    return mean if loss.takes_mean and loss.may_go(way) else None
