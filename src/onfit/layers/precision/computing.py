"""Computing in the types of a policy: what comes in, the arithmetic, and what comes out."""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import torch
from torch import Tensor

from onfit.layers.shapes import mapped, tensors_in
from onfit.policies import DTypePolicy

HALVES = (torch.float16, torch.bfloat16)


def in_policy(called: Any, compute: Callable[..., Any], args: Any, kwargs: Any) -> Any:
    """What `compute` gives for the arguments, in the types of the policy of a layer or model.

    A mixed policy computes under torch.autocast, which has the half types of weights made where
    a matrix is multiplied, and leaves to float32 what needs it.

    Args:
        called: the layer or model.
        compute: its computation.
        args: the arguments.
        kwargs: further ones by name.
    """
    if not called.autocast:
        return compute(*args, **kwargs)
    policy: DTypePolicy = called._policy
    kind = kind_of((args, kwargs), called)
    if called.casts_inputs:
        # Where there is no autocast, inputs must be of the type of the weights.
        meets_weights = kind == _SHAPES_ALONE and next(called.parameters(), None) is not None
        wanted = policy.variable if meets_weights else policy.compute
        args, kwargs = in_dtype(args, wanted), in_dtype(kwargs, wanted)
    with autocast(policy, kind):
        output = compute(*args, **kwargs)
    return in_dtype(output, policy.compute) if called.casts_outputs else output


def preactivation_of(layer: Any, args: tuple[Any, ...]) -> Any:
    """What a layer gives before its activation, in the types of its policy."""
    if layer._policy is None:
        return layer.preactivation(*args)
    return in_policy(layer, layer.preactivation, args, {})


# The device on which only shapes are found. torch has no autocast there.
_SHAPES_ALONE = "meta"


def autocast(policy: DTypePolicy, kind: str) -> AbstractContextManager[Any]:
    """torch's autocast for a policy; without a mixed one there is none, whatever is around it.

    Args:
        policy: the policy.
        kind: the kind of the device: `"cpu"`, `"cuda"`, `"mps"` ...
    """
    if kind == _SHAPES_ALONE or not (policy.is_mixed or torch.is_autocast_enabled(kind)):
        return nullcontext()
    return torch.autocast(kind, policy.compute if policy.is_mixed else None, policy.is_mixed)


def in_dtype(structure: Any, dtype: torch.dtype) -> Any:
    """The floats in nested tuples, lists and dicts, in that type."""
    return mapped(lambda x: x.to(dtype) if x.is_floating_point() else x, Tensor, structure)


def widened(structure: Any) -> Any:
    """Tensors, or nested lists, tuples and dicts of them; those of half types in torch's default
    type, which sums and squares need.
    """
    if isinstance(structure, Tensor):
        return structure.to(torch.get_default_dtype()) if structure.dtype in HALVES else structure
    if type(structure) in (list, tuple):
        return type(structure)(map(widened, structure))
    if type(structure) is dict:
        return {name: widened(part) for name, part in structure.items()}
    return structure


def kind_of(given: Any, called: Any) -> str:
    """The kind of device on which something is computed."""
    first = next(iter(tensors_in(given)), None)
    if first is None:
        first = next(called.parameters(), None)
    return "cpu" if first is None else first.device.type
