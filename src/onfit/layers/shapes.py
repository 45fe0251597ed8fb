"""The shapes and types of a module's outputs. They are found by running the module on zeros or on
torch's meta device, which computes shapes and types but no values. So no layer needs a formula
for its shapes.
"""

import math
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from onfit.errors import ShapeError
from onfit.layers.added_losses import nothing_added
from onfit.layers.modes import evaluating
from onfit.layers.weights import Weight

Shape = tuple[int | None, ...]


@dataclass(frozen=True)
class Spec:
    """Shape (batch axis first; None for an axis that varies) and type of a tensor."""

    shape: Shape
    dtype: torch.dtype


def mapped(function: Callable[[Any], Any], kind: type | tuple[type, ...], structure: Any) -> Any:
    """A copy of `structure` (nested tuples, lists and dicts) with `function` applied to each
    instance of `kind` (or of one of several kinds).
    """
    if isinstance(structure, kind):
        return function(structure)
    if isinstance(structure, (list, tuple)):
        return type(structure)(mapped(function, kind, item) for item in structure)
    if isinstance(structure, dict):
        return {key: mapped(function, kind, item) for key, item in structure.items()}
    return structure


def tensors_in(structure: Any) -> list[Tensor]:
    """The tensors in nested tuples, lists and dicts."""
    found: list[Tensor] = []
    mapped(found.append, Tensor, structure)
    return found


def inferred(module: nn.Module, args: Any, kwargs: dict[str, Any]) -> Any:
    """The Specs of the outputs of `module`, for arguments in which Specs stand for tensors.

    Raises:
        ShapeError: if the module cannot take such arguments.
    """
    before, INFERRING.now = INFERRING.now, True
    try:
        with nothing_added(module):
            small, large = (_run(module, args, kwargs, unknown) for unknown in _UNKNOWN)
    finally:
        INFERRING.now = before
    return _compared(small, large)


class _Inferring:
    """Whether a module is run to find its shapes."""

    now = False


INFERRING = _Inferring()


class _Unknown(NamedTuple):
    """The lengths that are assumed for axes that vary."""

    batch: int
    others: int


# The first use of the meta device loads torch._dynamo, which takes a second. A layer that needs no
# more multiplications than this is run on a few samples of zeros instead.
_CHEAP = 2e7
# Nor is one that gets samples of more numbers, whatever it does with them.
_MUCH = 1e7
# The module runs once with each of these, to see which output axes vary. The `others` are long
# enough for a kernel or a window to fit, and so different that the output lengths differ too.
_UNKNOWN = (_Unknown(2, 256), _Unknown(3, 384))


def described(module: nn.Module) -> str:
    """The module's name in error texts."""
    return str(getattr(module, "described", None) or f"layer {type(module).__name__}")


def _run(module: nn.Module, args: Any, kwargs: dict[str, Any], unknown: _Unknown) -> Any:
    """Outputs for inputs whose unknown axes are as long as `unknown` says."""
    try:
        if _is_cheap(module, args):
            return _outputs(module, args, kwargs, unknown, _device(module))
        try:
            return _outputs(module, args, kwargs, unknown, "meta")
        except (NotImplementedError, RuntimeError):  # meta lacks it, or it met a tensor elsewhere
            return _outputs(module, args, kwargs, unknown, _device(module))
    except ShapeError:
        raise
    except (RuntimeError, ValueError, IndexError) as error:
        shapes = mapped(lambda spec: spec.shape, Spec, args)
        shown = shapes[0] if len(shapes) == 1 else shapes
        raise ShapeError(
            f"{described(module)} cannot take inputs of shape {shown}: {error}"
        ) from error


def _outputs(
    module: nn.Module, args: Any, kwargs: dict[str, Any], unknown: _Unknown, device: str
) -> Any:
    def stand_in(spec: Spec | Tensor) -> Tensor:
        if isinstance(spec, Tensor):  # an argument that is always the same
            return spec if device == "meta" else spec.to(device)
        assumed = (unknown.batch, *[unknown.others] * len(spec.shape[1:]))[: len(spec.shape)]
        sizes = [a if size is None else size for size, a in zip(spec.shape, assumed, strict=True)]
        return torch.zeros(sizes, dtype=spec.dtype, device=device)

    kinds = (Spec, Tensor)
    with evaluating(module), _with_stand_ins(module, device):
        outputs = module(*mapped(stand_in, kinds, args), **mapped(stand_in, kinds, kwargs))
    if device == "meta":
        mapped(_require_something, Tensor, outputs)
    return outputs


@contextmanager
def _with_stand_ins(module: nn.Module, device: str) -> Iterator[None]:
    """Have a module compute with other tensors in the place of its own, on another device.

    torch's functional_call looks for a part by its name, where a layer in a list has none.
    """
    places: list[tuple[dict[str, Any], str, Tensor, bool]] = []
    held: Any
    for part in module.modules():
        for held, copy in ((part._parameters, False), (part._buffers, True)):
            places += [(held, key, own, copy) for key, own in held.items() if own is not None]
    # Copies: a forward may change its buffers, but finding shapes must not change them.
    others = {id(own): _at(own, device, copy=copy) for _, _, own, copy in places}
    try:
        for held, key, own, _ in places:
            held[key] = others[id(own)]
        yield
    finally:
        for held, key, own, _ in places:
            held[key] = own


def _at(tensor: Tensor, device: str, *, copy: bool = False) -> Tensor:
    """A tensor on a device, without a gradient; a weight stays one."""
    there = tensor.detach().to(device, copy=copy)
    return tensor.like(there) if isinstance(tensor, Weight) else there


def _require_something(output: Tensor) -> None:
    """Raise if an output is empty: in torch 2.6 the meta device accepts a kernel that is larger
    than its input.
    """
    if not output.numel():
        raise ValueError(f"nothing comes out: its shape would be {tuple(output.shape)}")


def _is_cheap(module: nn.Module, args: Any) -> bool:
    """Whether running the module on zeros costs less than loading what the meta device needs."""
    if "torch._dynamo" in sys.modules:
        return False
    weights = sum(param.numel() for param in module.parameters())
    most = max((math.prod(shape) for shape in _sizes(args)), default=1)
    return most <= _MUCH and weights * max(_positions(args), default=1) <= _CHEAP


def _positions(args: Any) -> list[int]:
    """How often each input is multiplied with the weights: once per row, pixel or step. The longest
    axis probably holds the features.
    """
    return [math.prod(sorted(sizes)[:-1]) for sizes in _sizes(args)]


def _sizes(args: Any) -> list[list[int]]:
    """The lengths of the axes of a sample of each input."""
    shapes: list[Shape] = []
    mapped(lambda spec: shapes.append(spec.shape[1:]), Spec, args)
    return [[_UNKNOWN[-1].others if size is None else size for size in shape] for shape in shapes]


def _device(module: nn.Module) -> str:
    first = next(module.parameters(), None)
    return "cpu" if first is None else str(first.device)


def _compared(small: Any, large: Any) -> Any:
    """The Specs of two runs' outputs: an axis whose length differs between the runs varies."""
    if isinstance(small, Tensor):
        shape = tuple(a if a == b else None for a, b in zip(small.shape, large.shape, strict=True))
        return Spec(shape, small.dtype)
    if isinstance(small, (list, tuple)):
        return tuple(_compared(a, b) for a, b in zip(small, large, strict=True))
    if isinstance(small, dict):
        return {key: _compared(small[key], large[key]) for key in small}
    return small
