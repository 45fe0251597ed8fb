"""What has to be the same in each of several processes that train one model: what `fit` is asked
for, and what its steps use.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from onfit.core.processes import Processes, processes
from onfit.core.walks.alike import differences
from onfit.errors import ArgumentError, DataError
from onfit.layers.layer import Layer
from onfit.layers.weights import as_plain_tensors
from onfit.layers.wrappers import is_divided, named_modules, named_parameters

if TYPE_CHECKING:
    from onfit.engine.model.compilable import Compilable


def require_alike(model: "Compilable", together: Processes, asked: dict[str, Any]) -> None:
    """Compare the processes' models, and `asked`, which has names and values, before they begin:
    where that differs, one would wait for the others for ever.

    Raises:
        ArgumentError: in all processes, naming what differs.
    """
    mine = {
        **asked,
        "weights": [(name, tuple(weight.shape)) for name, weight in model.named_weights()],
        "metrics": model.compiled.names,
        "distribution": model.distribution,
        "sync_batch_norm": model.sync_batch_norm,
    }
    found = differences(together.of_all(mine, "the beginning of fit"))
    if found:
        raise ArgumentError(
            f"fit was asked for other things in some of {together.world} processes: {found}. Ask "
            "for the same in all; files and printed lines come from the main one alone anyway."
        )


def require_as_many(each: Sequence[dict[str, Any]]) -> None:
    """Compare how many batches each process has, to train on and to validate on.

    Raises:
        DataError: in all processes, if one has more than another.
    """
    found = differences(each)
    if found:
        raise DataError(
            f"fit was given other data in some of {len(each)} processes: {found} (to train on, and "
            "then to validate on). Give all of them equally many."
        )


def require_all(model: Any, what: str) -> None:
    """Meet the others where weights are divided, which all processes have to bring together.

    Raises:
        OutOfStepError: if another process does something else.
    """
    if model.is_divided:
        processes().of_all(None, f"{what} of a model whose weights are divided")


# --- while they train ------------------------------------------------------------------------


def settings_in_use(model: "Compilable") -> dict[str, Any]:
    """The numbers that a step of training uses beside weights and data, by names that an error can
    show: learning rates, factors of losses and penalties, rates of dropout, which weights train.
    """
    found = dict(_of_layers(model))
    if model._compiled is not None:
        compiled = model.compiled
        found |= _of_optimizer(compiled.optimizer)
        for target in compiled.targets:
            found[f"loss of {target.name}"] = type(target.loss).__name__
            found |= _numbers(f"of the loss of {target.name}", _config_of(target.loss))
            found[f"loss_weights of {target.name}"] = target.factor.number
        trained = set(map(id, model.trained_weights))
        found |= {
            f"trainable of {name}": id(weight) in trained
            for name, weight in named_parameters(model)
        }
    return found


def weights_in_short(model: "Compilable") -> tuple[float, float] | None:
    """The sum of all weights that may train, and their norm; None where each process has its own
    piece of them.
    """
    weights = [weight.detach() for _, weight in named_parameters(model)]
    if not weights or any(map(is_divided, weights)) or any(weight.is_meta for weight in weights):
        return None
    sums = [weight.sum(dtype=torch.float32) for weight in weights]
    norms = [torch.linalg.vector_norm(weight, dtype=torch.float32) for weight in weights]
    home = sums[0].device
    both = [torch.stack([each.to(home) for each in of_all]) for of_all in (sums, norms)]
    total, norm = torch.stack([both[0].sum(), both[1].norm()]).tolist()
    return total, norm


def changes_of(model: "Compilable", together: Processes) -> Callable[[], bool]:
    """What says whether other weights of a model train than when it was asked last. One process
    alone has none to tell of it.
    """
    return Flags(model).changed if together.world > 1 else bool


class Flags:
    """Which weights of a model train, as its layers and a user's `requires_grad` say.

    Args:
        model: what is trained.
    """

    def __init__(self, model: "Compilable") -> None:
        self._model, self._parameters = model, list(model.parameters())
        self._known = self._now()

    def _now(self) -> Any:
        with as_plain_tensors():
            return self._model._compiled, [each.requires_grad for each in self._parameters]

    def changed(self) -> bool:
        """Whether they are others than when this was asked last, or compiled anew."""
        before, self._known = self._known, self._now()
        return before[0] is not self._known[0] or before[1] != self._known[1]


def _of_layers(model: "Compilable") -> Iterator[tuple[str, Any]]:
    for path, module in named_modules(model):
        name = str(getattr(module, "name", path))
        if type(module).__module__.startswith("torch.nn."):
            config = {key: one for key, one in vars(module).items() if isinstance(one, float)}
        elif isinstance(module, Layer):
            config = _config_of(module)
        else:
            continue
        yield from _numbers(f"of {name}", config).items()


def _of_optimizer(optimizer: Any) -> dict[str, Any]:
    of_torch = getattr(optimizer, "torch_optimizers", ())
    groups = [group for one in of_torch for group in one.param_groups]
    if not groups:
        return _numbers("of the optimizer", _config_of(optimizer))
    found: dict[str, Any] = {}
    for index, group in enumerate(groups):
        named = {"learning_rate" if key == "lr" else key: one for key, one in group.items()}
        del named["params"]
        found |= _numbers(f"of the optimizer's group {index}", named)
    return found


def _config_of(described: Any) -> Any:
    """The arguments of an object that says them; a class of a user's own may not do so well."""
    with suppress(Exception):
        return described.get_config()
    return {}


def _numbers(of: str, config: Any, path: str = "") -> dict[str, Any]:
    """The numbers in a configuration, by names; a seed may be another in each process, and what
    trains is said of each weight.
    """
    if isinstance(config, Tensor | np.ndarray | np.generic):
        config = config.tolist() if config.ndim == 0 else None
    if isinstance(config, bool | int | float):
        return {f"{path} {of}": config}
    if hasattr(config, "get_config"):
        config = _config_of(config)
    items: Iterable[Any] = config.items() if isinstance(config, Mapping) else ()
    if isinstance(config, list | tuple):
        items = enumerate(config)
    found: dict[str, Any] = {}
    for key, value in items:
        if key not in ("seed", "trainable"):
            within = key in ("config", "class_name") or not path
            found |= _numbers(of, value, str(key) if within else f"{path}.{key}")
    return found
