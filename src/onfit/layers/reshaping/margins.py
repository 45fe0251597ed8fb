"""Layers that put something around their inputs, or cut something off them."""

from collections.abc import Sequence
from typing import Any

from torch import Tensor

from onfit.errors import ArgumentError, ShapeError
from onfit.layers.checks import whole
from onfit.layers.layer import Layer
from onfit.layers.spatial import Layout, Margins, padded

# One number, or a number or a pair (before, after) for each axis of space.
Widths = int | Sequence[int | Sequence[int]]


class _Margin(Layer):
    """A layer with a margin on each side of each axis of space."""

    rank: int

    def __init__(
        self, argument: str, widths: Widths, data_format: str | None, **layer: Any
    ) -> None:
        super().__init__(**layer)
        self.layout = Layout.of(self, self.rank, data_format)
        self.data_format = self.layout.data_format
        self._margins = self._read(argument, widths)

    def _read(self, argument: str, widths: Widths) -> Margins:
        given: Any = widths
        if self.rank == 1:
            given = (widths if isinstance(widths, (tuple, list)) else (widths, widths),)
        elif not isinstance(widths, (tuple, list)):
            given = (widths,) * self.rank
        pairs = [tuple(each) if isinstance(each, (tuple, list)) else (each, each) for each in given]
        if len(pairs) != self.rank or any(len(pair) != 2 for pair in pairs):
            raise ArgumentError(
                f"{type(self).__name__}({argument}={widths!r}): {argument} is one number, or a "
                "number or a pair (before, after) for each axis of space."
            )
        first, last = [[whole(self, argument, pair[i], least=0) for pair in pairs] for i in (0, 1)]
        return list(zip(first, last, strict=True))

    @property
    def _shown(self) -> Any:
        return self._margins[0] if self.rank == 1 else tuple(self._margins)


class _ZeroPadding(_Margin):
    def __init__(self, padding: Widths, data_format: str | None = None, **layer: Any) -> None:
        super().__init__("padding", padding, data_format, **layer)

    @property
    def padding(self) -> Any:
        """How many zeros there are before and after."""
        return self._shown

    def forward(self, x: Tensor) -> Tensor:
        self.layout.check(self, x.shape)
        return self.layout.from_torch(padded(self.layout.to_torch(x), self._margins))

    def get_config(self) -> dict[str, Any]:
        config = {"padding": self.padding, "data_format": self.layout.data_format}
        return {**super().get_config(), **config}


class ZeroPadding1D(_ZeroPadding):
    """Puts zeros before and after a sequence.

    Args:
        padding: how many; one number, or a pair (before, after).
        data_format: `"channels_last"` (also for None) or `"channels_first"`.
        **layer: arguments of every layer.
    """

    rank = 1

    def __init__(self, padding: Widths = 1, data_format: str | None = None, **layer: Any) -> None:
        super().__init__(padding, data_format, **layer)


class ZeroPadding2D(_ZeroPadding):
    """Puts zeros around an image.

    Args:
        padding: how many; one number, a number for height and for width, or a pair for each:
            ((above, below), (left, right)).
        data_format: `"channels_last"` (also for None) or `"channels_first"`.
        **layer: arguments of every layer.
    """

    rank = 2

    def __init__(
        self, padding: Widths = (1, 1), data_format: str | None = None, **layer: Any
    ) -> None:
        super().__init__(padding, data_format, **layer)


class _Cropping(_Margin):
    def __init__(self, cropping: Widths, data_format: str | None = None, **layer: Any) -> None:
        super().__init__("cropping", cropping, data_format, **layer)

    @property
    def cropping(self) -> Any:
        """How much is cut off before and after."""
        return self._shown

    def forward(self, x: Tensor) -> Tensor:
        self.layout.check(self, x.shape)
        cut = self.layout.to_torch(x)
        for axis, (before, after) in enumerate(self._margins, start=2):
            if before + after >= cut.shape[axis]:
                raise ShapeError(
                    f"{self.described} cuts off {before} and {after}; got inputs of shape "
                    f"{tuple(x.shape)}, of which nothing would be left."
                )
            cut = cut.narrow(axis, before, cut.shape[axis] - before - after)
        return self.layout.from_torch(cut)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "cropping": self.cropping}


class Cropping1D(_Cropping):
    """Cuts steps off a sequence.

    Args:
        cropping: how many; one number, or a pair (before, after).
        **layer: arguments of every layer.
    """

    rank = 1

    def __init__(self, cropping: Widths = (1, 1), **layer: Any) -> None:
        super().__init__(cropping, **layer)


class _CroppingOfSpace(_Cropping):
    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "data_format": self.layout.data_format}


class Cropping2D(_CroppingOfSpace):
    """Cuts margins off an image.

    Args:
        cropping: how much; one number, a number for height and for width, or a pair for each:
            ((above, below), (left, right)).
        data_format: `"channels_last"` (also for None) or `"channels_first"`.
        **layer: arguments of every layer.
    """

    rank = 2

    def __init__(
        self, cropping: Widths = ((0, 0), (0, 0)), data_format: str | None = None, **layer: Any
    ) -> None:
        super().__init__(cropping, data_format, **layer)
