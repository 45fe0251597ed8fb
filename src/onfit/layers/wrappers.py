"""Modules around another module, such as DDP's and torch.compile's: names without them, and weights
that lie in parts on several processes.
"""

from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from functools import lru_cache
from typing import Any

import torch
from torch import Tensor, nn

from onfit.errors import CapabilityError

_DDP = "torch.nn.parallel.distributed.DistributedDataParallel"
_FSDP1 = "torch.distributed.fsdp.fully_sharded_data_parallel.FullyShardedDataParallel"
_FSDP2 = "torch.distributed.fsdp.FSDPModule"  # the class that `fully_shard` adds to a module's own
_COMPILED = "torch._dynamo.eval_frame.OptimizedModule"

# For each class of wrappers, the attribute that is the wrapped module. The classes stand here by
# name: to import them takes longer than many trainings.
_INNER = {
    _DDP: "module",
    "torch.nn.parallel.data_parallel.DataParallel": "module",
    _COMPILED: "_orig_mod",
    _FSDP1: "_fsdp_wrapped_module",
    "torch.distributed.algorithms._checkpoint.checkpoint_wrapper.ActivationWrapper": (
        "_checkpoint_wrapped_module"
    ),
}

# Wrappers with these attributes leave them out of the keys of a `state_dict` by themselves.
_LEFT_OUT_BY_TORCH = ("_fsdp_wrapped_module", "_checkpoint_wrapped_module")


# --- names -----------------------------------------------------------------------------------


def inner_name(module: nn.Module) -> str | None:
    """The attribute in which a wrapper has the module that it wraps; None for other modules."""
    return next((_INNER[name] for name in _names_of(module) if name in _INNER), None)


def unwrapped(module: nn.Module) -> nn.Module:
    """The module within all wrappers around it; the module itself if there are none."""
    name = inner_name(module)
    return module if name is None else unwrapped(getattr(module, name))


def class_of(module: nn.Module) -> type[nn.Module]:
    """The class of the module within all wrappers, as it was written."""
    inner = unwrapped(module)
    # `fully_shard` puts two classes before that of the module.
    return type(inner).__mro__[2] if _FSDP2 in _names_of(inner) else type(inner)


def named_modules(
    net: nn.Module, *, remove_duplicate: bool = True
) -> Iterator[tuple[str, nn.Module]]:
    """`net.named_modules()`, with paths that leave out the wrappers.

    A wrapper has the path of the module that it wraps, and comes before it.
    """
    return ((own, module) for _, own, module in _walked(net, remove_duplicate))


def named_parameters(net: nn.Module) -> list[tuple[str, nn.Parameter]]:
    """`net.named_parameters()`, with names that leave out the wrappers; parameters that fully_shard
    divides are those that train.
    """
    reshard(net)
    found: dict[int, tuple[str, nn.Parameter]] = {}
    for prefix, module in named_modules(net):
        for name, param in module.named_parameters(recurse=False):
            found.setdefault(id(param), (_joined(prefix, name), param))
    return list(found.values())


def rename_own(net: nn.Module, state: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    """Leave the wrappers out of the keys of a `state_dict` of `net`, in place; the same dict.

    Args:
        net: the module.
        state: has the keys of `net` after `prefix`, and maybe others.
        prefix: what each key of `net` begins with.
    """
    own = {path: own for path, own, _ in _walked(net, remove_duplicate=False)}
    if all(path == short for path, short in own.items()):
        return state
    for key in list(state):
        value = state.pop(key)
        path, _, name = key.removeprefix(prefix).rpartition(".")
        known = key.startswith(prefix) and path in own
        state[prefix + _joined(own[path], name) if known else key] = value
    metadata: dict[str, Any] = getattr(state, "_metadata", {})
    for path, short in own.items():
        if path != short and prefix + path in metadata:
            metadata[f"{prefix}{short}".removesuffix(".")] = metadata.pop(prefix + path)
    return state


def rename_back(net: nn.Module, state: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    """Put the wrappers into the keys again, as `net.load_state_dict` expects them: the reverse of
    `rename_own`. Keys that have the wrappers already stay.
    """
    metadata: dict[str, Any] = getattr(state, "_metadata", {})
    full: dict[str, str] = {}
    for path, own, module in _walked(net, remove_duplicate=False):
        for name in (*module._parameters, *module._buffers, "_extra_state"):
            full[_joined(own, name)] = _joined(path, name)
        if path != own and prefix + own in metadata:
            metadata.setdefault(prefix + path, metadata[prefix + own])
    for key in list(state):
        value = state.pop(key)
        known = key.startswith(prefix)
        state[prefix + full.get(key[len(prefix) :], key[len(prefix) :]) if known else key] = value
    return state


def _walked(net: nn.Module, remove_duplicate: bool) -> Iterator[tuple[str, str, nn.Module]]:
    """Each module: its path in torch's keys, its path without wrappers, and itself."""
    known: dict[str, tuple[str, str, str | None]] = {}  # by its path among modules
    for path, module in net.named_modules(remove_duplicate=remove_duplicate):
        outer, _, name = path.rpartition(".")
        key, own, inner = known.get(outer, ("", "", None))
        if name != inner:
            own = _joined(own, name)
        if name != inner or name not in _LEFT_OUT_BY_TORCH:
            key = _joined(key, name)
        known[path] = (key, own, inner_name(module))
        yield key, own, module


def _joined(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name


def _names_of(module: nn.Module) -> tuple[str, ...]:
    """The full names of its class and the bases of that."""
    return _names_of_class(type(module))  # type: ignore[arg-type]


@lru_cache(1000)  # this is asked of every module, and some nets have thousands
def _names_of_class(kind: type) -> tuple[str, ...]:
    return tuple(f"{base.__module__}.{base.__qualname__}" for base in kind.__mro__)


def _has(net: nn.Module, *classes: str) -> bool:
    """Whether a module in `net` is of one of these classes."""
    return any(name in classes for one in net.modules() for name in _names_of(one))


# --- many processes --------------------------------------------------------------------------


def shares_gradients(net: nn.Module) -> bool:
    """Whether the gradients of `net` are brought together from several processes: torch's wrappers
    do that, and anything may that runs in a process group.
    """
    return _is_in_group() or wrapped_for_processes(net)


def in_ddp(net: nn.Module) -> list[Any]:
    """The parts of `net` that DDP has wrapped."""
    return [one for one in net.modules() if _DDP in _names_of(one)]


def wrapped_for_processes(net: nn.Module) -> bool:
    """Whether a wrapper in `net` itself brings the gradients of several processes together."""
    return _has(net, _DDP, _FSDP1, _FSDP2)


def trained_parameters(net: nn.Module) -> list[nn.Parameter]:
    """`net.parameters()`; where `fully_shard` divides them, those that train."""
    reshard(net)
    return list(net.parameters())


def reshard(net: nn.Module) -> None:
    """Let the parts of `net` that `fully_shard` divides have the parameters that train. After a
    forward pass without a backward pass they have whole copies of them.
    """
    for module in net.modules() if _is_in_group() else ():
        if _FSDP2 in _names_of(module):
            module.reshard()  # type: ignore[operator]


def _is_in_group() -> bool:
    return torch.distributed.is_available() and torch.distributed.is_initialized()


def require_own_weights(net: nn.Module) -> None:
    """Check that weights are in their own shapes.

    Raises:
        CapabilityError: for torch's FullyShardedDataParallel, which cuts them up.
    """
    if _has(net, _FSDP1):
        raise CapabilityError(
            "weights by name were asked for, to be read, set or saved; FullyShardedDataParallel "
            "has joined them and cut them into pieces. Use torch.distributed.fsdp.fully_shard("
            "net), which keeps each weight."
        )


def is_fully_sharded(module: nn.Module) -> bool:
    """Whether `fully_shard` was called on this module itself."""
    return _FSDP2 in _names_of(module)


def is_divided(tensor: Tensor) -> bool:
    """Whether a tensor lies in parts on several processes."""
    return hasattr(tensor, "full_tensor")


def region_of(tensor: Tensor) -> tuple[tuple[int, ...], Tensor]:
    """What this process has of a tensor: where that begins on each axis, and the numbers."""
    if not is_divided(tensor):
        return (0,) * tensor.ndim, tensor
    from torch.distributed.tensor._utils import compute_local_shape_and_global_offset

    held: Any = tensor
    _, begin = compute_local_shape_and_global_offset(held.shape, held.device_mesh, held.placements)
    return tuple(begin), held.to_local()


def put_in_parts(module: nn.Module) -> None:
    """Divide the weights of a module among all processes; they are together while it is called."""
    from torch.distributed.device_mesh import init_device_mesh
    from torch.distributed.fsdp import fully_shard, register_fsdp_forward_method

    for param in module.parameters():
        param.data = param.data.contiguous()  # a kernel may lie in torch's order of axes
    device = next(module.parameters()).device.type
    mesh = init_device_mesh(device, (torch.distributed.get_world_size(),))
    module.register_forward_hook(_in_memory_of_its_own)  # before that of `fully_shard`
    fully_shard(module, mesh=mesh, reshard_after_forward=True)
    if hasattr(module, "preactivation"):
        register_fsdp_forward_method(module, "preactivation")


def _in_memory_of_its_own(module: nn.Module, args: Any, output: Any) -> Any:
    """The output of a module, copied if it is a view: an operation in place on a view would pass
    `fully_shard` by on the way back.
    """
    return output.clone() if isinstance(output, Tensor) and output._is_view() else output


def is_watched(module: nn.Module) -> bool:
    """Whether a hook looks at what a module gives, beside those that divide its weights."""
    hooks = [hook for hook in module._forward_hooks.values() if hook is not _in_memory_of_its_own]
    return len(hooks) > is_fully_sharded(module)  # `fully_shard` adds one


def divides_weights(net: nn.Module) -> bool:
    """Whether weights of `net` lie in pieces on several processes."""
    return _is_in_group() and any(hasattr(param, "full_tensor") for param in net.parameters())


def whole(tensor: Tensor) -> Tensor:
    """The tensor; of one that lies in parts on several processes all of it. Then every process has
    to call this.
    """
    full: Any = getattr(tensor, "full_tensor", None)
    return tensor if full is None else full()


def divided_like(value: Tensor, tensor: Tensor) -> Tensor:
    """A whole `value`, divided among the processes as `tensor` is; as it is if that is whole."""
    if not hasattr(tensor, "full_tensor"):
        return value
    from torch.distributed.tensor import distribute_tensor  # it takes a while, and few need it

    value = value.to(tensor.device, tensor.dtype)
    return distribute_tensor(value, tensor.device_mesh, tensor.placements)  # type: ignore[attr-defined]


def put(tensor: Tensor, value: Any) -> None:
    """Copy an array or tensor of the same shape into `tensor`.

    Raises:
        ValueError: if the shape is another; torch would repeat the numbers of a smaller one.
    """
    given = torch.as_tensor(value)
    if given.shape != tensor.shape:
        raise ValueError(f"shape {tuple(given.shape)} in place of {tuple(tensor.shape)}")
    with torch.no_grad():
        tensor.copy_(divided_like(given, tensor))


# --- compiled modules ------------------------------------------------------------------------


def uncompiled(net: nn.Module) -> AbstractContextManager[None]:
    """A `with` block in which what `torch.compile` made of modules in `net` runs as it was written,
    so that hooks within it are called.
    """
    if not _has(net, _COMPILED):
        return nullcontext()
    return torch.compiler.set_stance("force_eager")  # type: ignore[no-any-return]
