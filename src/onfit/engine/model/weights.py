"""Reading and replacing the weights of any torch module, in place; and a model's lists of them."""

import copy
from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

import numpy as np
import torch
from torch import Tensor, nn

from onfit.dtypes import as_numpy
from onfit.engine.agreeing import require_all, settings_in_use, weights_in_short
from onfit.engine.model.building import Buildable
from onfit.errors import ArgumentTypeError, ShapeError, warn
from onfit.layers.shapes import described
from onfit.layers.wrappers import (
    named_modules,
    put,
    rename_back,
    rename_own,
    require_own_weights,
    reshard,
    trained_parameters,
    whole,
)
from onfit.storage.trees import packed

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
    if not hasattr(weights, "__len__") or isinstance(weights, (str, bytes, Mapping)):
        raise ArgumentTypeError(
            f"{described}.set_weights takes a list of arrays; got a {type(weights).__name__}. "
            "Pass what get_weights of a model of the same layers returned."
        )
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


def extra_states(net: nn.Module) -> dict[str, Any]:
    """Copies of what the modules in `net` keep beside weights (torch's `get_extra_state`), by path.

    What is neither tensors nor plain data is left out, with a warning: it could only be pickled.
    """
    found: dict[str, Any] = {}
    for path, module in named_modules(net):
        if type(module).get_extra_state is nn.Module.get_extra_state:
            continue
        state = copy.deepcopy(module.get_extra_state())
        try:
            packed(state)
        except ArgumentTypeError as error:
            warn(
                f"{type(module).__name__}.get_extra_state gives what is not kept: {error} Give "
                "tensors, numbers, text, and lists and dicts of them."
            )
        else:
            found[path] = state
    return found


def load_extra_states(net: nn.Module, states: dict[str, Any]) -> None:
    """Give the modules in `net` what `extra_states` returned."""
    for path, module in named_modules(net):
        if path in states and type(module).set_extra_state is not nn.Module.set_extra_state:
            module.set_extra_state(copy.deepcopy(states[path]))


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


# --- of a model ------------------------------------------------------------------------------


class Weighed(Buildable):
    """The part of a model that is about its weights. Before they are made, the lists are empty."""

    @property
    def weights(self) -> list[Tensor]:
        """All its weights, in the order of `get_weights`: those that train, and the others."""
        return [tensor for _, tensor in self.named_weights()]

    @property
    def variables(self) -> list[Tensor]:
        """The same; Keras' newer name."""
        return self.weights

    @property
    def non_trainable_weights(self) -> list[Tensor]:
        """The weights that training does not change: those of frozen layers, and buffers."""
        trained = {id(param) for param in trained_parameters(self) if param.requires_grad}
        return [tensor for tensor in self.weights if id(tensor) not in trained]

    @property
    def non_trainable_variables(self) -> list[Tensor]:
        """The same; Keras' newer name."""
        return self.non_trainable_weights

    # What several processes compare.
    settings_in_use, weights_in_short = settings_in_use, weights_in_short

    def get_weights(self, out: list[Any] | None = None) -> list[Any]:
        """Copies of all weights as numpy arrays: layer by layer, parameters, then buffers.

        Args:
            out: what an earlier call returned, to be filled anew instead of making new arrays.
        """
        self._require_built("get_weights")
        require_all(self, "get_weights")
        return get_weights(self, out)

    def set_weights(self, weights: list[Any]) -> None:
        """Replace all weights by arrays, in the order of `get_weights`.

        Raises:
            ShapeError: if number or shapes differ; nothing is changed then.
        """
        self._require_built("set_weights")
        require_all(self, "set_weights")
        set_weights(self, weights, described(self))

    def named_weights(self) -> list[tuple[str, Tensor]]:
        """Pairs of a readable name and a tensor, in the order of `get_weights`."""
        return named_weights(self)

    def extra_states(self) -> dict[str, Any]:
        """What torch modules in it keep beside weights (`get_extra_state`), by path."""
        return extra_states(self)

    def load_extra_states(self, states: dict[str, Any]) -> None:
        """Give the modules what `extra_states` returned."""
        load_extra_states(self, states)

    def count_params(self) -> int:
        """How many numbers its weights hold."""
        return sum(tensor.numel() for tensor in self.weights)

    def state_dict(self, *args: Any, **kwargs: Any) -> Any:
        """torch's `state_dict`; its keys leave out what is around a part, such as DDP."""
        prefix = kwargs.get("prefix", args[1] if len(args) > 1 else "")
        return rename_own(self, super().state_dict(*args, **kwargs), prefix)

    def _load_from_state_dict(self, state_dict: Any, prefix: str, *args: Any) -> None:
        # torch calls this in `load_state_dict`, its own or that of a module around this one.
        super()._load_from_state_dict(rename_back(self, state_dict, prefix), prefix, *args)
