"""Computations that arrange values anew."""

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from onfit.errors import ArgumentError
from onfit.operations.table import Axis, axes_of, entered


@entered("numpy")
def reshape(x: Tensor, newshape: Any) -> Tensor:
    """The values in another shape; one of its lengths may be -1 (or None): it follows."""
    sizes = (newshape,) if isinstance(newshape, int) else newshape
    return x.reshape([-1 if size is None else int(size) for size in sizes])


@entered("numpy")
def transpose(x: Tensor, axes: Any = None) -> Tensor:
    """The axes in another order; in reverse if `axes` is None."""
    return x.permute(*(reversed(range(x.ndim)) if axes is None else axes))


@entered("numpy")
def expand_dims(x: Tensor, axis: Axis) -> Tensor:
    """A new axis of length 1 at that place; several for a tuple."""
    axes = (axis,) if isinstance(axis, int) else tuple(axis or ())
    rank = x.ndim + len(axes)
    for each in sorted(axis % rank for axis in axes):
        x = x.unsqueeze(each)
    return x


@entered("numpy")
def squeeze(x: Tensor, axis: Axis = None) -> Tensor:
    """Without that axis, which is of length 1; without all such axes if `axis` is None."""
    if axis is None:
        return x.squeeze()
    axes = axes_of(x, axis)
    for each in axes:
        if x.shape[each] != 1:
            raise ArgumentError(
                f"squeeze(axis={axis!r}): that axis of shape {tuple(x.shape)} is not of length 1."
            )
    return x.squeeze(axes)


@entered("numpy")
def concatenate(xs: list[Tensor], axis: int = 0) -> Tensor:
    """Tensors joined along an axis."""
    return torch.cat(list(xs), axis)


@entered("numpy")
def stack(x: list[Tensor], axis: int = 0) -> Tensor:
    """Tensors of one shape, joined along a new axis."""
    return torch.stack(list(x), axis)


@entered("numpy")
def hstack(xs: list[Tensor]) -> Tensor:
    """Tensors joined along their second axis; rows along their one."""
    return torch.hstack(list(xs))


@entered("numpy")
def vstack(xs: list[Tensor]) -> Tensor:
    """Tensors joined along their first axis; rows become the rows of a matrix."""
    return torch.vstack(list(xs))


@entered("numpy")
def append(x1: Tensor, x2: Tensor, axis: int | None = None) -> Tensor:
    """Two tensors joined along an axis; as one row if `axis` is None."""
    return torch.cat([x1.ravel(), x2.ravel()]) if axis is None else torch.cat([x1, x2], axis)


@entered("core")
def unstack(x: Tensor, num: int | None = None, axis: int = 0) -> list[Tensor]:
    """The parts along an axis, which is then gone. `num` is how many there are."""
    return list(x.unbind(axis))


@entered("numpy")
def split(x: Tensor, indices_or_sections: Any, axis: int = 0) -> list[Tensor]:
    """So many equal parts along an axis; or parts that begin at those places."""
    if isinstance(indices_or_sections, int) and x.shape[axis] % indices_or_sections:
        raise ArgumentError(
            f"split(indices_or_sections={indices_or_sections}): that axis of shape "
            f"{tuple(x.shape)} cannot be cut into {indices_or_sections} equal parts."
        )
    places = indices_or_sections
    return list(x.tensor_split(places if isinstance(places, int) else list(places), axis))


@entered("numpy")
def repeat(x: Tensor, repeats: Any, axis: int | None = None) -> Tensor:
    """Each value so many times; the values in a row if `axis` is None."""
    times = repeats if isinstance(repeats, int) else torch.as_tensor(repeats, device=x.device)
    return torch.repeat_interleave(x, times, dim=axis)


@entered("numpy")
def tile(x: Tensor, repeats: Any) -> Tensor:
    """The whole tensor so many times, along each axis."""
    return torch.tile(x, (repeats,) if isinstance(repeats, int) else tuple(repeats))


@entered("numpy")
def flip(x: Tensor, axis: Axis = None) -> Tensor:
    """The values in reverse order along axes; along all if `axis` is None."""
    return torch.flip(x, axes_of(x, axis))


@entered("numpy")
def roll(x: Tensor, shift: Any, axis: Any = None) -> Tensor:
    """The values moved on along an axis; what leaves at the end comes in at the beginning."""
    return torch.roll(x, shift, axis)


@entered("numpy")
def swapaxes(x: Tensor, axis1: int, axis2: int) -> Tensor:
    """Two axes in each other's place."""
    return x.swapaxes(axis1, axis2)


@entered("numpy")
def moveaxis(x: Tensor, source: Any, destination: Any) -> Tensor:
    """Axes moved to other places; the others keep their order."""
    return torch.movedim(x, source, destination)


@entered("numpy")
def broadcast_to(x: Tensor, shape: Any) -> Tensor:
    """The values repeated along axes of length 1, up to a shape."""
    return torch.broadcast_to(x, tuple(shape))


@entered("numpy")
def pad(
    x: Tensor, pad_width: Any, mode: str = "constant", constant_values: Tensor | None = None
) -> Tensor:
    """Values before and behind those along each axis.

    `pad_width` is a pair (before, behind) for each axis, or one pair or number for all.
    """
    widths = torch.as_tensor(pad_width).expand(x.ndim, 2).flip(0).reshape(-1).tolist()
    if mode == "constant":
        value = 0 if constant_values is None else float(constant_values)
        return F.pad(x, widths, value=value)
    while widths and not any(widths[-2:]):  # torch pads the last axes only, in these modes
        widths = widths[:-2]
    modes = {"reflect": "reflect", "symmetric": None, "edge": "replicate", "wrap": "circular"}
    if modes.get(mode) is None:
        raise ArgumentError(f"pad(mode={mode!r}): it is 'constant', 'reflect', 'edge' or 'wrap'.")
    return F.pad(x, widths, str(modes[mode]))


@entered("numpy")
def take(x: Tensor, indices: Tensor, axis: int | None = None) -> Tensor:
    """The parts at those places along an axis; of all values in a row if `axis` is None."""
    row, dim = (x.ravel(), 0) if axis is None else (x, axis % x.ndim)
    places = torch.as_tensor(indices, device=x.device).long()
    places = torch.where(places < 0, places + row.shape[dim], places)
    found = row.index_select(dim, places.ravel())
    return found.reshape(*row.shape[:dim], *places.shape, *row.shape[dim + 1 :])


@entered("numpy")
def take_along_axis(x: Tensor, indices: Tensor, axis: int | None = None) -> Tensor:
    """For each place in `indices` the value at it, along an axis: what `argsort` gave, say."""
    return torch.take_along_dim(x, indices.long(), axis)


@entered("numpy", given=("x", "key"))
def get_item(x: Tensor, key: Any) -> Tensor:
    """`x[key]`."""
    return x[tuple(key) if isinstance(key, list) else key]


@entered("core", given=("inputs", "start_indices"))
def slice_(inputs: Tensor, start_indices: Any, shape: Any) -> Tensor:
    """The block of that shape that begins at those places; -1 for all that follows."""
    starts = [int(start) for start in start_indices]
    ends = [None if size == -1 else start + size for start, size in zip(starts, shape, strict=True)]
    return inputs[tuple(map(slice, starts, ends))]


@entered("numpy")
def tril(x: Tensor, k: int = 0) -> Tensor:
    """Zeros above the `k`-th diagonal."""
    return torch.tril(x, k)


@entered("numpy")
def triu(x: Tensor, k: int = 0) -> Tensor:
    """Zeros below the `k`-th diagonal."""
    return torch.triu(x, k)


@entered("numpy")
def diag(x: Tensor, k: int = 0) -> Tensor:
    """The `k`-th diagonal of a matrix; or the matrix that has a row as its diagonal."""
    return torch.diag(x, k)


@entered("numpy")
def diagonal(x: Tensor, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Tensor:
    """The diagonal of two axes, as the last axis."""
    return torch.diagonal(x, offset, axis1, axis2)


@entered("numpy")
def sort(x: Tensor, axis: int = -1) -> Tensor:
    """The values along an axis, the smallest first."""
    return torch.sort(x, axis).values


@entered("numpy")
def argsort(x: Tensor, axis: int | None = -1) -> Tensor:
    """The places of the values along an axis, that of the smallest first."""
    return torch.argsort(x.ravel() if axis is None else x, axis or 0 if axis is None else axis)


@entered("math")
def top_k(x: Tensor, k: int, sorted: bool = True) -> tuple[Tensor, Tensor]:  # noqa: A002
    """The `k` largest values along the last axis, and their places."""
    found = torch.topk(x, k, sorted=sorted)
    return found.values, found.indices
