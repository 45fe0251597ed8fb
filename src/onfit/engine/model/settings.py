"""What a script sets up of a model and its training, as text, to find out what was changed."""

import hashlib
import json
import re
from typing import Any

from onfit.optimizers import LossScaleOptimizer, Optimizer, TorchOptimizer

_SIMPLE = (bool, int, float, str)
_NUMBER = re.compile(r'_\d+(?=")')


def settings_of(model: Any) -> dict[str, str]:
    """Optimizer, losses, metrics and layers, by name.

    Args:
        model: a model, which may be compiled.
    """
    compiled = model._compiled
    found = {} if compiled is None else _of_training(compiled)
    layers = _digest(model)
    return found if layers is None else {**found, "layers": layers}


def _of_training(compiled: Any) -> dict[str, str]:
    found = _of_optimizer(compiled.optimizer)
    for target in compiled.targets:
        place = "" if len(compiled.targets) == 1 else f" of {target.name}"
        found[f"loss{place}"] = _name(target.loss)
        found[f"metrics{place}"] = ", ".join(target.metrics) or "none"
    return found


def _of_optimizer(optimizer: Optimizer | None) -> dict[str, str]:
    if optimizer is None:
        return {}
    config: dict[str, Any] = {}
    if isinstance(optimizer, LossScaleOptimizer):
        return {**_of_optimizer(optimizer.inner_optimizer), **_plain(optimizer.get_config())}
    if not isinstance(optimizer, TorchOptimizer):
        config = optimizer.get_config()
    elif optimizer.optimizer is not None:
        config = {**optimizer.optimizer.param_groups[0]}
        config["learning_rate"] = config.pop("lr", None)
    return _plain(config)


def _plain(config: dict[str, Any]) -> dict[str, str]:
    simple = {key: value for key, value in config.items() if isinstance(value, _SIMPLE)}
    return {f"optimizer.{key}": str(value) for key, value in simple.items()}


def _name(loss: Any) -> str:
    return "none" if loss is None else str(getattr(loss, "name", None) or type(loss).__name__)


def _digest(model: Any) -> str | None:
    """A digest of the layers and their arguments; None of a model that is made by code."""
    try:
        text = json.dumps(model.get_config(), sort_keys=True)
    except Exception:  # a layer, or a function in one, that has no description
        return None
    # Of a model that a notebook made again, names such as dense_1 have other numbers.
    return hashlib.blake2b(_NUMBER.sub("", text).encode(), digest_size=4).hexdigest()
