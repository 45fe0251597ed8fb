"""Reading and replacing the weights of any torch module, in place."""

import copy
from collections.abc import Sequence
from typing import Any, TypeVar

import numpy as np
import torch
from torch import Tensor, nn

from onfit.dtypes import as_numpy
from onfit.errors import ShapeError
from onfit.layers.wrappers import named_modules, put, require_own_weights, reshard, whole

Array = np.ndarray[Any, Any]
_Module = TypeVar("_Module", bound=nn.Module)


def named_weights(net: nn.Module) -> list[tuple[str, Tensor]]:
    """Every tensor of `net`'s state, once each, layer by layer: parameters, then buffers.

    The names leave out what is around a net: DDP, `torch.compile` and the like.

    Raises:
        CapabilityError: for torch's FullyShardedDataParallel, which cuts weights up.
    """
    require_own_weights(net)
    reshard(net)
    seen: set[int] = set()
    found = []
    for prefix, module in named_modules(net):
        own = [*module.named_parameters(recurse=False), *module.named_buffers(recurse=False)]
        for name, tensor in own:
            if id(tensor) not in seen and name not in module._non_persistent_buffers_set:
                seen.add(id(tensor))
                found.append((f"{prefix}.{name}" if prefix else name, tensor))
    return found


def get_weights(net: nn.Module, out: list[Array] | None = None) -> list[Array]:
    """Copies of all weights as numpy arrays; into the arrays of `out`, if there are any."""
    tensors = [tensor for _, tensor in named_weights(net)]
    if out is None:
        return [_array(tensor) for tensor in tensors]
    for array, tensor in zip(out, tensors, strict=True):
        torch.from_numpy(array).copy_(whole(tensor.detach()))
    return out


def set_weights(net: nn.Module, weights: Sequence[Any], described: str) -> None:
    """Copy `weights`, in the order of `get_weights`, into the net's own tensors.

    Raises:
        ShapeError: if their number or a shape differs; nothing is changed then.
    """
    mine = named_weights(net)
    if len(mine) != len(weights):
        raise ShapeError(
            f"{described} has {len(mine)} weights, and set_weights got {len(weights)}. "
            "Pass what get_weights of a model of the same layers returned."
        )
    for (name, tensor), value in zip(mine, weights, strict=True):
        if tuple(np.shape(value)) != tuple(tensor.shape):
            raise ShapeError(
                f"{described}: weight {name!r} has shape {tuple(tensor.shape)}, and set_weights "
                f"got {tuple(np.shape(value))} for it."
            )
    for (_, tensor), value in zip(mine, weights, strict=True):
        put(tensor, value)


def drawn_again(module: _Module) -> _Module:
    """A copy whose torch modules have drawn their weights again, as new ones would."""
    twin = copy.deepcopy(module)
    for part in twin.modules():
        reset: Any = getattr(part, "reset_parameters", None)
        if reset is not None:
            reset()
    return twin


def _array(tensor: Tensor) -> Array:
    return as_numpy(whole(tensor.detach())).copy()
