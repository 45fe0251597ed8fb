"""What `compile` receives, in one plain object beside the model."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain, count
from typing import Any, Literal

from onfit import losses, metrics, optimizers
from onfit._types import Mode
from onfit.core.aliases import find
from onfit.engine.step.by_output import spread
from onfit.engine.step.loss_weights import LossWeight, factors_of
from onfit.engine.step.trained import Trained
from onfit.errors import ArgumentError, ArgumentTypeError
from onfit.losses import Loss
from onfit.metrics import Metric
from onfit.metrics.own import parts_of
from onfit.metrics.weighted import Weighted
from onfit.optimizers import Optimizer


@dataclass
class Target:
    """What `compile` received for one output.

    Attributes:
        name: the output's name.
        loss: its loss; None if only metrics look at it.
        factor: says the factor of its loss in the total.
        metrics: its metrics, by name in the logs.
    """

    name: str
    loss: Loss | None
    factor: LossWeight = field(default_factory=LossWeight)
    metrics: dict[str, Metric] = field(default_factory=dict)

    @property
    def weight(self) -> Any:
        """The factor of its loss in the total, now: a number or a tensor."""
        return self.factor.value


class Compiled:
    """Optimizer, loss and metrics of a model.

    Not a torch module, so that none of it shows in the model's `state_dict`.

    Args:
        optimizer: anything `optimizers.get` takes.
        loss: anything `losses.get` takes; a list or dict of them for several outputs; None for
            a model whose loss is computed elsewhere.
        metrics: a metric, or a list of them (anything `metrics.get` takes); a list of lists or a
            dict for several outputs.
        loss_weights: a list or dict of factors of the outputs' losses: numbers, or tensors and
            variables, which are read at each step.
        output_names: the names of the model's outputs.
        weighted_metrics: further metrics, as `metrics`, in which each sample counts by its weight.

    Attributes:
        given: the arguments as they were given, by name; without the optimizer.
        trained: what the steps train.
    """

    def __init__(
        self,
        optimizer: Any = "rmsprop",
        loss: Any = None,
        metrics: Any = None,
        loss_weights: Any = None,
        output_names: Sequence[str] = ("output",),
        weighted_metrics: Any = None,
    ) -> None:
        self.given = {
            "loss": loss,
            "metrics": metrics,
            "loss_weights": loss_weights,
            "output_names": output_names,
            "weighted_metrics": weighted_metrics,
        }
        self.trained = Trained()
        self.optimizer: Optimizer = optimizers.get(optimizer)
        self.several = len(output_names) > 1
        losses_of = spread(loss, output_names, "loss")
        self.has_loss = any(each is not None for each in losses_of.values())
        factors = factors_of(loss_weights, output_names)
        weighted = _spread_metrics(weighted_metrics, output_names, "weighted_metrics")
        self.targets = [
            Target(
                name,
                None if losses_of[name] is None else _loss_of(losses_of[name]),
                factors[name],
                {self._log_name(name, k): m for k, m in _metrics_of(found, weighted[name]).items()},
            )
            for name, found in _spread_metrics(metrics, output_names, "metrics").items()
        ]

    def replaced(self, **given: Any) -> "Compiled":
        """The same with other values of some arguments."""
        return Compiled(**{"optimizer": self.optimizer, **self.given, **given})

    def _log_name(self, output: str, metric: str) -> str:
        return f"{output}_{metric}" if self.several else metric

    @property
    def loss_names(self) -> list[str]:
        """`loss`, and for several outputs the names of their losses."""
        each = [f"{target.name}_loss" for target in self.targets if target.loss is not None]
        return ["loss", *each] if self.several else ["loss"]

    @property
    def factors(self) -> list[float]:
        """The factors of the outputs' losses, now."""
        return [target.factor.number for target in self.targets]

    @property
    def loss(self) -> Loss | None:
        """The loss of a model of one output."""
        return self.targets[0].loss

    @property
    def metrics(self) -> list[Metric]:
        """All metrics."""
        return list(self.named_metrics.values())

    @property
    def named_metrics(self) -> dict[str, Metric]:
        """All metrics, by their names in the logs; those of `weighted_metrics` last."""
        named = [each for target in self.targets for each in target.metrics.items()]
        return dict(sorted(named, key=lambda each: isinstance(each[1], Weighted)))

    @property
    def names(self) -> list[str]:
        """The names in the logs: losses, then metrics as the user wrote them."""
        return [*self.loss_names, *self.named_metrics]

    @property
    def measured(self) -> list[tuple[str, type]]:
        """What is measured: names, and the kinds of metrics."""
        kinds = {name: type(metric) for name, metric in self.named_metrics.items()}
        return [(name, kinds.get(name, Loss)) for name in self.names]

    def direction(self, monitor: str) -> Mode | None:
        """Whether the metric of a log name should grow or shrink; None if it does not say."""
        if monitor in ("loss", "val_loss"):
            return "min"
        directions: dict[str, Mode | None] = dict.fromkeys(self.loss_names, "min")
        directions |= {name: metric.direction for name, metric in self.named_metrics.items()}
        found = find(monitor.removeprefix("val_"), directions)
        return None if found is None else directions[found]


Change = Literal["optimizer", "losses", "loss_weights"]
_LOSSES = ("loss", "metrics", "weighted_metrics", "output_names")


class Begun:
    """What `compile` received before training.

    A checkpoint holds what was changed of it since: a script that is started again compiles as
    before, and the callback that compiled in mid-training does not do so again.

    Args:
        compiled: what the model was compiled with.
    """

    def __init__(self, compiled: Compiled) -> None:
        self._optimizer = compiled.optimizer
        self._given = dict(compiled.given)
        self._factors = compiled.factors

    def changes(self, compiled: Compiled) -> list[Change]:
        """What is another now."""
        losses = any(compiled.given[name] is not self._given[name] for name in _LOSSES)
        found: dict[Change, bool] = {
            "optimizer": compiled.optimizer is not self._optimizer,
            "losses": losses,
            "loss_weights": losses or compiled.factors != self._factors,
        }
        return [name for name, is_another in found.items() if is_another]


def _spread_metrics(given: Any, names: Sequence[str], argument: str) -> dict[str, Any]:
    """The metrics of each output. A flat list is for every output."""
    nested = isinstance(given, (list, tuple)) and any(
        isinstance(item, (list, tuple)) or item is None for item in given
    )
    one_each = isinstance(given, (list, tuple)) and len(given) == len(names) > 1
    if isinstance(given, Mapping) or nested or one_each:
        return spread(given, names, argument)
    return dict.fromkeys(names, given)


def _loss_of(given: Any) -> Loss:
    loss = losses.get(given)
    if loss.reduction == "none":
        raise ArgumentError(
            f"loss={type(loss).__name__}(reduction='none') gives a value for each sample, and "
            "training lowers one number. Leave out reduction, or pass 'sum'."
        )
    return loss


def _metrics_of(given: Any, weighted: Any) -> dict[str, Metric]:
    """Metrics by name. If several have one name, it is numbered from the second on, as in Keras;
    and a weighted one is first called `weighted_<name>`.
    """
    named: dict[str, Metric] = {}
    for metric in _each_of(given, "metrics"):
        _add(metric, named, chain([metric.name], _numbered(metric.name)))
    for metric in map(Weighted, _each_of(weighted, "weighted_metrics")):
        longer = f"weighted_{metric.name}"
        _add(metric, named, chain([metric.name, longer], _numbered(longer)))
    return named


def _numbered(name: str) -> Iterator[str]:
    return (f"{name}_{number}" for number in count(1))


def _add(metric: Metric, named: dict[str, Metric], names: Iterator[str]) -> None:
    """Put a metric under the first of the names that is free."""
    named[next(name for name in names if name not in named)] = metric


def _each_of(given: Any, argument: str) -> list[Metric]:
    if given is None:
        return []
    if isinstance(given, (str, Metric)) or callable(given):
        given = [given]
    if not isinstance(given, Sequence):
        raise ArgumentTypeError(
            f"{argument} is a list of names or functions, such as ['accuracy']; got {given!r}."
        )
    return [part for metric in given for part in parts_of(metrics.get(metric))]
