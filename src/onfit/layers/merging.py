"""Layers that make one tensor from several. Each also exists as a function: `add([a, b])`."""

from collections.abc import Sequence
from functools import reduce
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from onfit.errors import ArgumentError, ArgumentTypeError, ShapeError
from onfit.layers.layer import Layer
from onfit.layers.masking.masks import USE, mask_of
from onfit.layers.shapes import Shape


class _Merge(Layer):
    """A layer that is called on a list of tensors."""

    supports_masking = True

    def build(self, input_shape: Any) -> None:
        if not isinstance(input_shape, list) or not input_shape:
            raise ArgumentTypeError(
                f"{self.described} takes a list of tensors: {type(self).__name__}()([a, b])."
            )
        self._check(input_shape)

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        """A step counts where it counts in any input; without a mask on all of them, everywhere."""
        if mask is None or any(each is None for each in mask):
            return None
        return reduce(torch.logical_or, mask)

    def _check(self, shapes: list[Shape]) -> None:
        """Check that inputs of such shapes can be merged.

        Raises:
            ShapeError: if not.
        """
        raise NotImplementedError


class _Elementwise(_Merge):
    """Merges value by value. A tensor with fewer axes is repeated along those it lacks, which
    follow the batch axis.
    """

    def _check(self, shapes: list[Shape]) -> None:
        rank = max(map(len, shapes))
        filled = [(*shape[:1], *[1] * (rank - len(shape)), *shape[1:]) for shape in shapes]
        for sizes in zip(*filled, strict=True):
            if len({*sizes} - {1, None}) > 1:
                raise ShapeError(
                    f"{self.described} merges value by value and got inputs of shapes "
                    f"{', '.join(map(str, shapes))}. Give inputs of one shape (an axis of "
                    "length 1 is repeated)."
                )

    def forward(self, inputs: Sequence[Tensor]) -> Tensor:
        return self._merged(_of_one_rank(inputs))

    def _merged(self, inputs: Sequence[Tensor]) -> Tensor:
        raise NotImplementedError


def _of_one_rank(inputs: Sequence[Tensor]) -> Sequence[Tensor]:
    rank = max(x.ndim for x in inputs)
    return [x[:, *(None,) * (rank - x.ndim)] if x.ndim < rank else x for x in inputs]


class Add(_Elementwise):
    """The sum of several tensors."""

    def _merged(self, inputs: Sequence[Tensor]) -> Tensor:
        return reduce(torch.add, inputs)


class Subtract(_Elementwise):
    """The first of two tensors minus the second."""

    def _check(self, shapes: list[Shape]) -> None:
        if len(shapes) != 2:
            raise ArgumentError(f"{self.described} takes two tensors; got {len(shapes)}.")
        super()._check(shapes)

    def _merged(self, inputs: Sequence[Tensor]) -> Tensor:
        return torch.sub(*inputs)


class Multiply(_Elementwise):
    """The product of several tensors, value by value. A step that a mask leaves out counts as 1,
    and is 0 if it counts nowhere.
    """

    def forward(self, inputs: Sequence[Tensor]) -> Tensor:
        masks = [mask_of(x) for x in inputs] if USE.begun else []
        if all(mask is None for mask in masks):
            return super().forward(inputs)
        kept = [
            x if mask is None else torch.where(mask[..., None], x, 1)
            for x, mask in zip(inputs, masks, strict=True)
        ]
        counts = self.compute_mask(inputs, masks)
        product = super().forward(kept)
        return product if counts is None else product * counts[..., None]

    def _merged(self, inputs: Sequence[Tensor]) -> Tensor:
        return reduce(torch.mul, inputs)


class Average(_Elementwise):
    """The mean of several tensors."""

    def _merged(self, inputs: Sequence[Tensor]) -> Tensor:
        return reduce(torch.add, inputs) / len(inputs)


class Maximum(_Elementwise):
    """The largest of several tensors, value by value."""

    def _merged(self, inputs: Sequence[Tensor]) -> Tensor:
        return reduce(torch.maximum, inputs)


class Minimum(_Elementwise):
    """The smallest of several tensors, value by value."""

    def _merged(self, inputs: Sequence[Tensor]) -> Tensor:
        return reduce(torch.minimum, inputs)


class Concatenate(_Merge):
    """Joins several tensors along an axis.

    Args:
        axis: the axis to join along; all other axes must be equally long.
        **layer: arguments of every layer.

    Example:
        >>> Concatenate()([torch.zeros(5, 2), torch.zeros(5, 3)]).shape
        torch.Size([5, 5])
    """

    def __init__(self, axis: int = -1, **layer: Any) -> None:
        super().__init__(**layer)
        self.axis = axis

    def _check(self, shapes: list[Shape]) -> None:
        rank = len(shapes[0])
        if not -rank <= self.axis < rank or any(len(shape) != rank for shape in shapes):
            raise ShapeError(self._misfit(shapes))
        for axis, sizes in enumerate(zip(*shapes, strict=True)):
            if axis != self.axis % rank and len({*sizes} - {None}) > 1:
                raise ShapeError(self._misfit(shapes))

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        """The masks joined as the inputs are; an input without a mask counts everywhere."""
        if mask is None or all(each is None for each in mask):
            return None
        whole = [
            torch.ones_like(x, dtype=torch.bool)
            if each is None
            else each.reshape(*each.shape, *[1] * (x.ndim - each.ndim)).expand_as(x)
            for x, each in zip(inputs, mask, strict=True)
        ]
        return torch.cat(whole, self.axis).any(-1)

    def _misfit(self, shapes: list[Shape]) -> str:
        return (
            f"{self.described} needs inputs that differ along axis {self.axis} alone; got shapes "
            f"{', '.join(map(str, shapes))}."
        )

    def forward(self, inputs: Sequence[Tensor]) -> Tensor:
        return torch.cat(list(inputs), dim=self.axis)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "axis": self.axis}


class Dot(_Merge):
    """The dot products of two tensors along an axis of each, sample by sample.

    Args:
        axes: the axis in both, or a tuple with the axis in each. Axis 0 is the batch, which is
            not allowed here.
        normalize: first scale both to length 1 along their axes; the result is the cosine between
            them.
        **layer: arguments of every layer.

    Example:
        >>> Dot(axes=1)([torch.tensor([[1.0, 2.0]]), torch.tensor([[3.0, 4.0]])])
        tensor([[11.]])
    """

    def __init__(self, axes: int | Sequence[int], normalize: bool = False, **layer: Any) -> None:
        super().__init__(**layer)
        self.axes = axes if isinstance(axes, int) else tuple(axes)
        self.normalize = normalize

    @property
    def _pair(self) -> tuple[int, ...]:
        return (self.axes, self.axes) if isinstance(self.axes, int) else self.axes

    def _check(self, shapes: list[Shape]) -> None:
        if len(shapes) != 2 or len(self._pair) != 2:
            raise ArgumentError(
                f"{self.described} takes two tensors and an axis of each; got {len(shapes)} "
                f"tensors and axes={self.axes}."
            )
        sizes = [
            shape[axis] if axis and -len(shape) < axis < len(shape) else -1
            for shape, axis in zip(shapes, self._pair, strict=True)
        ]
        if -1 in sizes or len({*sizes} - {None}) > 1:
            raise ShapeError(
                f"{self.described} multiplies along axes {self._pair}, which must be equally "
                f"long and not the batch; got shapes {shapes[0]}, {shapes[1]}."
            )

    def forward(self, inputs: Sequence[Tensor]) -> Tensor:
        first, second = inputs
        if self.normalize:
            first, second = (
                F.normalize(x, dim=axis, eps=1e-7)
                for x, axis in zip(inputs, self._pair, strict=True)
            )
        left, right = self._labels(first.ndim, second.ndim)
        kept = [label for label in (*left, *right[1:]) if label != _SUMMED]
        product: Tensor = torch.einsum(first, left, second, right, kept)
        return product if product.ndim > 1 else product[:, None]

    def compute_mask(self, inputs: Any, mask: Any = None) -> None:
        """None: the output has no steps that the inputs had."""

    def _labels(self, first: int, second: int) -> tuple[list[int], list[int]]:
        """A number for each axis of both tensors: 0 for the batch, 1 for the axes that are summed
        over, and other numbers for the rest.
        """
        left, right = [0, *range(2, first + 1)], [0, *range(first + 1, first + second)]
        left[self._pair[0]] = right[self._pair[1]] = _SUMMED
        return left, right

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "axes": self.axes, "normalize": self.normalize}


_SUMMED = 1


def add(inputs: Sequence[Any], **layer: Any) -> Any:
    """The sum of tensors or symbols: `Add(**layer)(inputs)`."""
    return Add(**layer)(inputs)


def subtract(inputs: Sequence[Any], **layer: Any) -> Any:
    """The first minus the second: `Subtract(**layer)(inputs)`."""
    return Subtract(**layer)(inputs)


def multiply(inputs: Sequence[Any], **layer: Any) -> Any:
    """The product, value by value: `Multiply(**layer)(inputs)`."""
    return Multiply(**layer)(inputs)


def average(inputs: Sequence[Any], **layer: Any) -> Any:
    """The mean: `Average(**layer)(inputs)`."""
    return Average(**layer)(inputs)


def maximum(inputs: Sequence[Any], **layer: Any) -> Any:
    """The largest, value by value: `Maximum(**layer)(inputs)`."""
    return Maximum(**layer)(inputs)


def minimum(inputs: Sequence[Any], **layer: Any) -> Any:
    """The smallest, value by value: `Minimum(**layer)(inputs)`."""
    return Minimum(**layer)(inputs)


def concatenate(inputs: Sequence[Any], axis: int = -1, **layer: Any) -> Any:
    """The tensors joined along `axis`: `Concatenate(axis, **layer)(inputs)`."""
    return Concatenate(axis, **layer)(inputs)


def dot(
    inputs: Sequence[Any], axes: int | Sequence[int], normalize: bool = False, **layer: Any
) -> Any:
    """The dot products along an axis of each: `Dot(axes, normalize, **layer)(inputs)`."""
    return Dot(axes, normalize, **layer)(inputs)
