"""Any torch module as a Model."""

import copy
from collections.abc import Container, Sequence
from typing import Any

import torch
from torch import nn

from onfit.engine.model.layered import AnyLayer
from onfit.engine.model.model import Model
from onfit.engine.model.printed import line_of, tree_of
from onfit.errors import ArgumentTypeError
from onfit.layers.wrappers import class_of, rename_back, rename_own, unwrapped


class Wrapped(Model):
    """The model that `Model(net)` makes. Its `state_dict` is the net's own, key for key, also of a
    net that is compiled, or in a wrapper such as DDP.

    Args:
        net: the torch module to train.
        name: its name; by default that of the module's class.
    """

    goes_to_accelerator = False  # it stays where its owner put it

    @classmethod
    def is_asked_for(cls, args: Sequence[Any], kwargs: Container[str]) -> bool:
        """Whether `Model(*args, **kwargs)` has a torch module first."""
        return bool(args) and isinstance(args[0], nn.Module)

    def __init__(self, net: nn.Module, *, name: str | None = None) -> None:
        if not isinstance(net, nn.Module):
            raise ArgumentTypeError(
                f"Model(net) takes a torch.nn.Module; got {net!r} of type {type(net).__name__}."
            )
        super().__init__(name=name or class_of(net).__name__.lower())
        self.net = net

    @property
    def described(self) -> str:
        """The name of this model in errors: as the user wrote it."""
        return f"Model({type(self.net).__name__})"

    def __repr__(self) -> str:
        return f"{line_of(self, self.described)}\n{tree_of(self.net)}"

    def __str__(self) -> str:
        return repr(self)

    @property
    def layers(self) -> list[AnyLayer]:
        """The net's children; the net itself if it has none."""
        net = unwrapped(self.net)
        return list(net.children()) or [net]

    def forward(self, x: Any) -> Any:
        """The net's output; a tuple or dict of inputs becomes several arguments."""
        if isinstance(x, tuple):
            return self.net(*x)
        return self.net(**x) if isinstance(x, dict) else self.net(x)

    def _is_built(self) -> bool:
        # A lazy module makes its weights at its first input.
        return not any(map(torch.nn.parameter.is_lazy, self.net.parameters()))

    def named_weights(self) -> list[tuple[str, torch.Tensor]]:
        """Pairs of the net's own name for a weight and its tensor."""
        return [(name.removeprefix("net."), tensor) for name, tensor in super().named_weights()]

    @property
    def _inside(self) -> nn.Module:
        return self.net

    def state_dict(self, *args: Any, **kwargs: Any) -> Any:
        """The net's `state_dict`, as the net has it without what is around it."""
        prefix = kwargs.get("prefix", args[1] if len(args) > 1 else "")
        return rename_own(self.net, self.net.state_dict(*args, **kwargs), prefix)

    def load_state_dict(self, state_dict: Any, *args: Any, **kwargs: Any) -> Any:
        """Load into the net."""
        state = copy.copy(state_dict)  # a copy has the versions of modules that torch notes in it
        return self.net.load_state_dict(rename_back(self.net, state), *args, **kwargs)

    def _load_from_state_dict(self, state_dict: Any, prefix: str, *args: Any) -> None:
        # torch calls this in `load_state_dict` of a module around this one.
        for key in [key for key in state_dict if key.startswith(prefix)]:
            state_dict[f"{prefix}net.{key.removeprefix(prefix)}"] = state_dict.pop(key)
        super()._load_from_state_dict(state_dict, prefix, *args)
