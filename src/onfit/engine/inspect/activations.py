"""The outputs of a model's layers, and the tables of its embeddings."""

from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from functools import partial
from typing import TYPE_CHECKING, Any

from torch import Tensor, nn

from onfit.engine.data.arrays import converted
from onfit.engine.data.reading import moved
from onfit.engine.step.exchange import called_alone
from onfit.errors import ArgumentError, did_you_mean
from onfit.layers import Embedding, TorchModule, wrappers
from onfit.layers.keys import named_layers
from onfit.layers.modes import evaluating

if TYPE_CHECKING:
    from onfit.engine.model.model import Model


def named_activations(
    model: "Model", net: nn.Module, x: Any, names: Iterable[str] | None = None
) -> list[tuple[str, list[Tensor]]]:
    """`Model.named_activations`; the names are those within `net`."""
    chosen = dict(_layers(net)) if names is None else {name: _found(net, name) for name in names}
    batch = converted(x, None, None, model.names)
    if model.device is not None:
        batch = moved(batch, model.device)
    outputs: dict[str, list[Tensor]] = {name: [] for name in chosen}
    with ExitStack() as stack:
        stack.enter_context(evaluating(model))
        stack.enter_context(called_alone(model))
        stack.enter_context(wrappers.uncompiled(model))
        for name, layer in chosen.items():
            hook = layer.register_forward_hook(partial(_keep, outputs[name]))
            stack.callback(hook.remove)
        model(batch.x)
    return [(name, tensors) for name, tensors in outputs.items() if tensors]


def named_embeddings(net: nn.Module) -> list[tuple[str, Tensor]]:
    """`Model.named_embeddings`; the names are those within `net`."""
    return [
        (name, table)
        for name, module in _named_modules(net)
        if (table := _table_of(module)) is not None
    ]


def _layers(net: nn.Module) -> Iterator[tuple[str, nn.Module]]:
    """The layers by name: the children of a net, or the net itself if it has none."""
    net = wrappers.unwrapped(net)
    if next(net.children(), None) is None:
        yield _name_of(net), net
    else:
        yield from _children(net)


def _children(net: nn.Module) -> Iterator[tuple[str, nn.Module]]:
    for name, child in named_layers(net):
        if isinstance(child, (nn.ModuleList, nn.ModuleDict)):  # only their modules are called
            yield from ((f"{name}.{inner}", layer) for inner, layer in _children(child))
        else:
            yield name, child


def _named_modules(net: nn.Module) -> Iterator[tuple[str, nn.Module]]:
    """Every module within a net by its path; a module in a TorchModule has the path of that."""
    held = {id(module.net) for module in net.modules() if isinstance(module, TorchModule)}
    for path, module in wrappers.named_modules(net):
        yield path.removesuffix(".net") if id(module) in held else path or _name_of(module), module


def _name_of(net: nn.Module) -> str:
    return str(getattr(net, "name", "") or wrappers.class_of(net).__name__.lower())


def _found(net: nn.Module, name: str) -> nn.Module:
    modules: dict[str, nn.Module] = {}
    for path, module in _named_modules(net):
        modules.setdefault(path, module)
    if name not in modules:
        known = ", ".join(layer for layer, _ in _layers(net))
        raise ArgumentError(
            f"there is no layer called {name!r}; the layers are {known}."
            f"{did_you_mean(name, modules)}"
        )
    return modules[name]


def _table_of(module: nn.Module) -> Tensor | None:
    if isinstance(module, Embedding):
        return module.embeddings if module.built else None
    return module.weight if isinstance(module, (nn.Embedding, nn.EmbeddingBag)) else None


def _keep(kept: list[Tensor], layer: nn.Module, args: Any, output: Any) -> None:
    kept.extend(_tensors(output))


def _tensors(output: Any) -> Iterator[Tensor]:
    """The tensors in what a module returns."""
    if isinstance(output, Tensor):
        yield output
    elif isinstance(output, (tuple, list)):
        for part in output:
            yield from _tensors(part)
    elif isinstance(output, dict):
        yield from _tensors(list(output.values()))
