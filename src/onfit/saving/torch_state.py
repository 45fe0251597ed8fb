"""A torch optimizer as plain data and tensors: described, made again, and given its state back.

Nothing is pickled. An optimizer is made again only of torch's own classes, or of those that
`custom_objects` has; one of another class, given to `compile` again, takes up the state.
"""

import inspect
from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from onfit.engine.step.torch_state import divided_state, whole_state
from onfit.errors import ArgumentTypeError, FileFormatError, warn
from onfit.optimizers import LossScaleOptimizer, Optimizer, TorchOptimizer
from onfit.optimizers.wrapping.torch_optimizer import Factory
from onfit.saving.contents import Config
from onfit.saving.fitting import Named
from onfit.saving.values import Custom
from onfit.storage.trees import packed

if TYPE_CHECKING:
    from onfit.engine.model.model import Model

Keep = Callable[[str, Tensor], Tensor]


def torch_within(optimizer: Optimizer) -> TorchOptimizer | None:
    """The torch optimizer that it is, or that it scales the loss for; None if there is none."""
    if isinstance(optimizer, LossScaleOptimizer):
        optimizer = optimizer.inner_optimizer
    return optimizer if isinstance(optimizer, TorchOptimizer) else None


# --- writing ---------------------------------------------------------------------------------


def kinds_of(optimizer: Optimizer) -> str:
    """The class of an optimizer; of one of torch's, that within."""
    within = torch_within(optimizer)
    return type(optimizer).__name__ if within is None else within.kind


def torch_tree(optimizer: Optimizer, named: Named, keep: Keep | None, asked: str) -> Config:
    """An optimizer of torch's, or a loss scale around one, with its state.

    What cannot be kept is left out, and said.

    Args:
        optimizer: the optimizer.
        named: the model's `named_weights`.
        keep: gives, for a name and a tensor of its state, the tensor to hold on to. None leaves
            the state out.
        asked: who asks, for the warning.
    """
    within = torch_within(optimizer)
    assert within is not None
    names = {id(tensor): name for name, tensor in named.items()}
    each = [_described(one, names, keep, asked) for one in within.torch_optimizers]
    tree = {"batches": within.batches, "by_factory": within.by_factory, "optimizers": each}
    if isinstance(optimizer, LossScaleOptimizer):
        config = {k: v for k, v in optimizer.get_config().items() if k != "inner_optimizer"}
        tree["loss_scale"] = {"config": config, "flags": optimizer.flags()}
    return tree


def _described(optimizer: Any, names: Mapping[int, str], keep: Keep | None, asked: str) -> Config:
    kind = type(optimizer)
    found: Config = {"module": kind.__module__, "class_name": kind.__name__}
    groups = [[names.get(id(p)) for p in group["params"]] for group in optimizer.param_groups]
    found["names"] = groups
    options = [_options(group) for group in optimizer.param_groups]
    found["defaults"] = _kept(optimizer.defaults, f"{asked}: an argument of {kind.__name__}")
    found["groups"] = _kept(options, f"{asked}: an option of {kind.__name__}")
    if any(name is None for group in groups for name in group):
        warn(
            f"{asked}: {kind.__name__} trains weights that are no part of the model, so its state "
            "is not kept. Make what has them an attribute of the model."
        )
        return {**found, "state": None}
    if keep is None:
        return {**found, "state": None}
    order = [name for group in groups for name in group]
    state = {
        order[index]: {slot: _slot(f"{order[index]}/{slot}", v, keep) for slot, v in own.items()}
        for index, own in whole_state(optimizer)["state"].items()
    }
    return {**found, "state": _kept(state, f"{asked}: the state of {kind.__name__}")}


def _options(group: Config) -> Config:
    return {name: value for name, value in group.items() if name != "params"}


def _slot(name: str, value: Any, keep: Keep) -> Any:
    return keep(f"optimizer/{name}", value) if isinstance(value, Tensor) else value


def _kept(tree: Any, what: str) -> Any:
    """Plain data, if it is such; else None, and a warning."""
    try:
        packed(tree)
    except ArgumentTypeError as error:
        warn(f"{what} is not kept: {error}")
        return None
    return tree


# --- reading ---------------------------------------------------------------------------------


def rebuilt(model: "Model", tree: Config, custom: Custom) -> Optimizer | None:
    """The optimizer made again over the model's weights, without its state; None if a class is not
    known here, or if an argument was not kept.
    """
    params = dict(model.named_weights())
    made = [_made(each, params, custom) for each in tree["optimizers"]]
    if not made or any(one is None for one in made):
        return None
    first = tree["optimizers"][0]
    factory: Factory | None = None
    if tree["by_factory"]:
        kind: Any = type(made[0])
        factory = partial(kind, **_arguments(kind, first["defaults"]))
    within = TorchOptimizer.around(made, factory)
    if "loss_scale" not in tree:
        return within
    return LossScaleOptimizer(within, **tree["loss_scale"]["config"])


def _made(described: Config, params: Mapping[str, Tensor], custom: Custom) -> Any:
    kind = _class_of(described, custom)
    if kind is None or described["defaults"] is None or described["groups"] is None:
        return None
    groups = [
        {**options, "params": [params[name] for name in names]}
        for options, names in zip(described["groups"], described["names"], strict=True)
    ]
    return kind(groups, **_arguments(kind, described["defaults"]))


def _class_of(described: Config, custom: Custom) -> Any:
    name = described["class_name"]
    if name in custom:
        return custom[name]
    known: Any = getattr(torch.optim, name, None)
    is_torchs = described["module"].partition(".")[0] == "torch" and isinstance(known, type)
    return known if is_torchs and issubclass(known, torch.optim.Optimizer) else None


def _arguments(kind: Any, defaults: Config) -> Config:
    taken = inspect.signature(kind).parameters
    return {name: value for name, value in defaults.items() if name in taken}


class KeptState:
    """The state of a torch optimizer in a file, for one that the model is compiled with.

    Args:
        tree: what `torch_tree` gave.
        asked: which function read it, for warnings.
    """

    def __init__(self, tree: Config, asked: str) -> None:
        self._tree, self._asked = tree, asked

    @property
    def kinds(self) -> list[str]:
        """The classes of the torch optimizers that the state is of."""
        return [each["class_name"] for each in self._tree["optimizers"]]

    def give(self, model: "Model", optimizer: Optimizer) -> None:
        """Give the state to an optimizer that was built for the model; if it is one of another
        kind, warn that the state is left out.
        """
        within = torch_within(optimizer)
        made = [] if within is None else within.torch_optimizers
        names = {id(tensor): name for name, tensor in model.named_weights()}
        pairs = list(zip(made, self._tree["optimizers"], strict=False))
        same = len(made) == len(self._tree["optimizers"])
        if within is None or not same or not all(_is_like(one, its, names) for one, its in pairs):
            warn(
                f"{self._asked}: the state of {' and '.join(self.kinds)} in it is left out, since "
                f"the model was compiled with another optimizer: {kinds_of(optimizer)}."
            )
            return
        for one, its in pairs:
            _load(one, its, names)
        within.batches = int(self._tree["batches"])
        if isinstance(optimizer, LossScaleOptimizer) and "loss_scale" in self._tree:
            optimizer.load_flags(self._tree["loss_scale"]["flags"])


def _is_like(optimizer: Any, described: Config, names: Mapping[int, str]) -> bool:
    """Whether it is of that class, and moves the same weights in the same groups."""
    groups = [{names.get(id(p)) for p in group["params"]} for group in optimizer.param_groups]
    known = [set(group) for group in described["names"]]
    return type(optimizer).__name__ == described["class_name"] and groups == known


def _load(optimizer: Any, described: Config, names: Mapping[int, str]) -> None:
    if described["state"] is None:
        return
    params = [param for group in optimizer.param_groups for param in group["params"]]
    own = described["state"]
    state = {index: own[names[id(p)]] for index, p in enumerate(params) if names[id(p)] in own}
    for index, slots in state.items():
        for slot, value in slots.items():
            if _is_of_another_shape(value, params[index]):
                raise FileFormatError(
                    f"the optimizer's {slot} for {names[id(params[index])]!r} is of shape "
                    f"{tuple(value.shape)}, and the weight of {tuple(params[index].shape)}."
                )
    optimizer.load_state_dict(divided_state(optimizer, {**optimizer.state_dict(), "state": state}))


def _is_of_another_shape(value: Any, param: Tensor) -> bool:
    """Whether a tensor of the state cannot be of this weight: Adafactor has rows and columns."""
    return isinstance(value, Tensor) and value.numel() > param.numel() and value.numel() > 1
