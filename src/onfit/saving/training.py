"""The arguments of `compile` as a configuration, and made again from one."""

import inspect
from typing import Any

import torch.nn.functional as F
from torch import nn
from torch.nn.modules.loss import _Loss as TorchLossModule

from onfit import losses, metrics, optimizers
from onfit.engine.step.compiled import Compiled, Target
from onfit.errors import ArgumentError
from onfit.losses import FunctionLoss, Loss, TorchLoss
from onfit.metrics import MeanMetricWrapper, Metric, StatefulMetric
from onfit.metrics.own import as_given
from onfit.metrics.weighted import Weighted
from onfit.optimizers import LossScaleOptimizer, Optimizer
from onfit.saving.values import (
    WEIGHTS_INSTEAD,
    Config,
    Custom,
    argument_names,
    find,
    from_plain,
    function_name,
    lookup,
    make,
    require_whole,
    served,
    to_plain,
    unknown,
)

# --- writing ---------------------------------------------------------------------------------


def training_config(compiled: Compiled, owner: str) -> Config:
    """Loss, metrics and optimizer in Keras' words.

    Raises:
        ArgumentError: for a function without a name.
    """
    optimizer = optimizer_config(compiled.optimizer, owner)
    return {**losses_config(compiled, owner), "optimizer_config": optimizer}


def losses_config(compiled: Compiled, owner: str) -> Config:
    """Loss and metrics in Keras' words; errors are those of `training_config`."""
    # For several outputs, losses and metrics are lists with an item for each output.
    loss = [_target_loss(target, owner) for target in compiled.targets]
    measured = [_target_metrics(target, owner) for target in compiled.targets]
    weighted = [_weighted_metrics(target, owner) for target in compiled.targets]
    weights = [target.factor.number for target in compiled.targets]
    several = compiled.several
    return {
        "loss": loss if several else loss[0],
        "loss_weights": None if set(weights) == {1.0} else weights,
        "metrics": measured if several else measured[0] or None,
        "weighted_metrics": (weighted if several else weighted[0]) if any(weighted) else None,
    }


def optimizer_config(optimizer: Optimizer, owner: str) -> Config:
    """The optimizer in Keras' words."""
    config = to_plain(optimizer.get_config(), f"{owner}: {optimizer.name}")
    if isinstance(optimizer, LossScaleOptimizer):
        config["inner_optimizer"] |= optimizer_config(optimizer.inner_optimizer, owner)
    if not _is_ours(optimizer, optimizers):
        require_whole(optimizer, config, Optimizer, f"{owner}: {optimizer.name}")
    return {"class_name": type(optimizer).__name__, "config": config}


def _target_loss(target: Target, owner: str) -> Any:
    return None if target.loss is None else _loss_config(target.loss, owner)


def _target_metrics(target: Target, owner: str) -> list[Any]:
    plain = [m for m in target.metrics.values() if not isinstance(m, Weighted)]
    return [_metric_config(metric, owner) for metric in as_given(plain)]


def _weighted_metrics(target: Target, owner: str) -> list[Any]:
    weighted = [m.metric for m in target.metrics.values() if isinstance(m, Weighted)]
    return [_metric_config(metric, owner) for metric in as_given(weighted)]


def _loss_config(loss: Loss, owner: str) -> Any:
    owner = f"{owner}: loss={loss.name}"
    if isinstance(loss, TorchLoss):
        return _torch_loss_config(loss.criterion, owner)
    if isinstance(loss, FunctionLoss):
        return function_name(loss.function, owner, losses.get)
    config = to_plain(loss.get_config(), owner)
    if not _is_ours(loss, losses):
        require_whole(loss, config, Loss, owner)
    return {"class_name": type(loss).__name__, "config": config}


def _torch_loss_config(criterion: Any, owner: str) -> Config:
    """A torch loss by its name and plain arguments; Keras cannot read it."""
    if not isinstance(criterion, nn.Module):
        name = criterion.__name__
        return {"module": F.__name__, "class_name": "function", "config": name}
    kind = type(criterion)
    names = [n for n in inspect.signature(kind).parameters if n not in ("size_average", "reduce")]
    config = {name: getattr(criterion, name, criterion) for name in names}
    plain = all(value is None or isinstance(value, (int, float, str)) for value in config.values())
    if getattr(nn, kind.__name__, None) is not kind or not plain:
        raise ArgumentError(
            f"{owner}: {criterion!r} is a module with code or tensors of its own, which a file "
            f"cannot hold. Put it in a function with a name (def ...). {WEIGHTS_INSTEAD}"
        )
    return {"module": nn.__name__, "class_name": kind.__name__, "config": config}


def _metric_config(metric: Metric, owner: str) -> Any:
    owner = f"{owner}: metric {metric.name}"
    known = lookup(metrics.get, metric.name)
    # A metric that keeps a state is written out: in Keras, its name may mean something else.
    if known is not None and _alike(known, metric) and isinstance(metric, MeanMetricWrapper):
        return metric.name
    if type(metric) is MeanMetricWrapper:
        return _function_metric_config(metric, owner, taken=known is not None)
    if isinstance(metric, StatefulMetric) and type(metric).get_config is Metric.get_config:
        return metric.name  # it says no arguments
    config = to_plain(metric.get_config(), owner)
    if not _is_ours(metric, metrics):
        require_whole(metric, config, Metric, owner)
    return {"class_name": type(metric).__name__, "config": config}


def _function_metric_config(metric: MeanMetricWrapper, owner: str, taken: bool) -> Any:
    named = metrics.get(metric.function)
    if _is_ours(named, metrics) and type(named) is not MeanMetricWrapper:
        config = to_plain(metric.get_config(), owner)
        return {"class_name": type(named).__name__, "config": config}
    if taken or metric.name == "<lambda>":
        function_name(metric.function, owner, metrics.get)  # raises the error
    return metric.name


def _alike(known: Metric, metric: Metric) -> bool:
    configs = [each.get_config() for each in (known, metric) if hasattr(each, "get_config")]
    return (
        type(known) is type(metric)
        and getattr(known, "function", None) is getattr(metric, "function", None)
        and (len(configs) < 2 or configs[0] == configs[1])
    )


def _is_ours(made: Any, room: Any) -> bool:
    return getattr(room, type(made).__name__, None) is type(made)


# --- reading ---------------------------------------------------------------------------------


def compile_arguments(config: Config, custom: Custom) -> dict[str, Any]:
    """The arguments of `compile` that `training_config`, or Keras, wrote.

    Raises:
        ArgumentError: for a name that neither onfit nor `custom` knows.
    """
    optimizer = optimizer_from_config(config["optimizer_config"], custom)
    return {"optimizer": optimizer, **losses_arguments(config, custom)}


def losses_arguments(config: Config, custom: Custom) -> dict[str, Any]:
    """The arguments of `compile` but for the optimizer; errors are those of `compile_arguments`."""
    return {
        "loss": _loss(config.get("loss"), custom),
        "metrics": _metrics(config.get("metrics"), custom),
        "loss_weights": config.get("loss_weights"),
        "weighted_metrics": _metrics(config.get("weighted_metrics"), custom),
    }


def optimizer_from_config(config: Config, custom: Custom) -> Any:
    """The optimizer that `optimizer_config`, or Keras, wrote; errors are those of
    `compile_arguments`.
    """
    kind, config = config["class_name"], config["config"]
    if kind in custom:
        return make(custom[kind], from_plain(config, custom))
    if kind == LossScaleOptimizer.__name__:
        inner = optimizer_from_config(config["inner_optimizer"], custom)
        return LossScaleOptimizer(**{**config, "inner_optimizer": inner})
    known = type(find(kind, {}, optimizers.get))
    config = served(known.get_config_names(), config)
    return optimizers.from_config(kind, from_plain(config, custom))


def _loss(config: Any, custom: Custom) -> Any:
    if config is None:
        return None
    if isinstance(config, str):
        return find(config, custom, losses.get)
    if isinstance(config, list):
        return [_loss(item, custom) for item in config]
    if "class_name" not in config:
        return {output: _loss(item, custom) for output, item in config.items()}
    kind, module, config = config["class_name"], config.get("module"), config["config"]
    if kind in custom:
        return make(custom[kind], from_plain(config, custom))
    if module == F.__name__:
        return _torch_function(config)
    if kind == "function":
        return find(config, custom, losses.get)
    if module == nn.__name__ and issubclass(getattr(nn, kind, type), TorchLossModule):
        return getattr(nn, kind)(**config)
    known = type(find(kind, {}, losses.get))
    return known(**served(argument_names(known), config))


def _torch_function(name: Any) -> Any:
    # Not every name in that module: it has others than losses, and other modules.
    if name not in _TORCH_LOSSES:
        raise ArgumentError(f"the file names {name!r} as a loss, and torch has no such loss.")
    return getattr(F, name)


_TORCH_LOSSES = (
    *("binary_cross_entropy", "binary_cross_entropy_with_logits", "cosine_embedding_loss"),
    *("cross_entropy", "ctc_loss", "gaussian_nll_loss", "hinge_embedding_loss", "huber_loss"),
    *("kl_div", "l1_loss", "margin_ranking_loss", "mse_loss", "multi_margin_loss"),
    *("multilabel_margin_loss", "multilabel_soft_margin_loss", "nll_loss", "poisson_nll_loss"),
    *("smooth_l1_loss", "soft_margin_loss", "triplet_margin_loss"),
)


def _metrics(config: Any, custom: Custom) -> Any:
    """A metric, or nested lists and dicts of metrics, by output."""
    if config is None:
        return None
    if isinstance(config, list):
        return [_metrics(item, custom) for item in config]
    if isinstance(config, dict) and "class_name" not in config:
        return {output: _metrics(item, custom) for output, item in config.items()}
    return _metric(config, custom)


def _metric(config: Any, custom: Custom) -> Metric:
    if isinstance(config, str):
        return _named_metric(config, find(config, custom, metrics.get))
    kind, config = config["class_name"], config["config"]
    if kind in custom:
        return metrics.get(make(custom[kind], from_plain(config, custom)))
    if kind == "function":
        return _named_metric(config, find(config, custom, metrics.get))
    known = getattr(metrics, kind, None)
    if not (isinstance(known, type) and issubclass(known, Metric)):
        raise ArgumentError(unknown(kind, custom))
    return metrics.from_config(kind, _small(served(argument_names(known), config)))


def _small(config: Config) -> Config:
    """The configuration of a metric, which makes as much memory as its numbers say.

    Raises:
        ArgumentError: for a number that asks for more than a file should.
    """
    for key, value in config.items():
        most = _MOST_CLASSES if key == "num_classes" else _MOST
        if isinstance(value, int) and value > most:
            raise ArgumentError(f"it has a metric with {key}={value}; at most {most} are made.")
    return config


_MOST = 1_000_000
_MOST_CLASSES = 4_096  # a metric of classes has a matrix of them, squared


def _named_metric(name: str, found: Any) -> Metric:
    """A metric from an object of `custom_objects`: a metric, its class, or a function."""
    found = found() if isinstance(found, type) else found
    if metrics.is_of_torchmetrics(found):
        return metrics.TorchMetric(found, name)
    return found if isinstance(found, Metric) else MeanMetricWrapper(found, name)
