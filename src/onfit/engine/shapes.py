"""What shape comes out of a module: found by running it on torch's meta device, which computes
shapes and no values. No layer needs a shape formula.
"""

from typing import Any

import torch
from torch import Tensor, nn
from torch.func import functional_call

from onfit.engine.modes import evaluating
from onfit.errors import ShapeError

Shape = tuple[int | None, ...]


def output_shape(module: nn.Module, input_shape: Shape, dtype: torch.dtype | None = None) -> Shape:
    """The shape of `module`'s output for inputs of `input_shape`; None where it varies.

    Args:
        module: any module whose weights exist.
        input_shape: batch axis first; None for every axis whose length is not fixed.
        dtype: of the input; torch's default float type if None.

    Raises:
        ShapeError: if the module cannot take such inputs.
    """
    small, large = (_run(module, input_shape, dtype, unknown) for unknown in (2, 3))
    # An axis that grows with the unknown ones is itself unknown.
    return tuple(a if a == b else None for a, b in zip(small, large, strict=True))


def _run(
    module: nn.Module, input_shape: Shape, dtype: torch.dtype | None, unknown: int
) -> tuple[int, ...]:
    sizes = [unknown if axis is None else axis for axis in input_shape]
    try:
        output = _on_meta(module, sizes, dtype)
    except NotImplementedError:
        output = _on_zeros(module, sizes, dtype)
    except ShapeError:
        raise
    except (RuntimeError, ValueError, IndexError) as error:
        raise ShapeError(
            f"{described(module)} cannot take inputs of shape {input_shape}: {error}"
        ) from error
    return tuple(output.shape)


def _on_meta(module: nn.Module, sizes: list[int], dtype: torch.dtype | None) -> Tensor:
    state: dict[str, Any] = {
        name: tensor.to("meta")
        for name, tensor in (*module.named_parameters(), *module.named_buffers())
    }
    with evaluating(module):
        output: Tensor = functional_call(
            module, state, torch.empty(sizes, dtype=dtype, device="meta")
        )
    return output


def _on_zeros(module: nn.Module, sizes: list[int], dtype: torch.dtype | None) -> Tensor:
    """For modules with an operation that meta does not know."""
    device = next(module.parameters(), torch.empty(0)).device
    with evaluating(module):
        output: Tensor = module(torch.zeros(sizes, dtype=dtype, device=device))
    return output


def described(module: nn.Module) -> str:
    """How errors speak of a module."""
    return str(getattr(module, "described", None) or f"layer {type(module).__name__}")
