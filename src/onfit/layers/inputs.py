"""The layer that stands for an input of a model."""

from collections.abc import Sequence
from typing import Any

from onfit.dtypes import DtypeLike
from onfit.errors import ArgumentError
from onfit.layers.graph import Input, Symbol
from onfit.layers.layer import Layer
from onfit.layers.shapes import Shape


class InputLayer(Layer):
    """What comes into a model. It has no weights, and gives back what it gets.

    A functional model lists one for each of its inputs, so that its layers have the same numbers
    as in Keras. A `Sequential` may begin with one, which says the same as an `Input`.

    Args:
        shape: shape of one sample, without the batch axis; None for an axis that varies.
        batch_size: the length of the batch axis, if it is fixed.
        dtype: type of the values; floats if None.
        batch_shape: the shape with the batch axis, instead of `shape`.
        input_shape: an older name of `shape`.
        batch_input_shape: an older name of `batch_shape`.
        input_tensor: what `Input(...)` gave, instead of all these.
        name: the name of the layer and of the input.
        **layer: arguments of every layer.

    Example:
        >>> InputLayer(shape=(4,)).output.shape
        (None, 4)
    """

    def __init__(
        self,
        shape: Sequence[int | None] | None = None,
        batch_size: int | None = None,
        dtype: DtypeLike = None,
        batch_shape: Sequence[int | None] | None = None,
        input_shape: Sequence[int | None] | None = None,
        batch_input_shape: Sequence[int | None] | None = None,
        input_tensor: Symbol | None = None,
        name: str | None = None,
        **layer: Any,
    ) -> None:
        super().__init__(name=name, **layer)
        if input_tensor is None:
            whole = batch_input_shape if batch_shape is None else batch_shape
            own = input_shape if shape is None else shape
            input_tensor = Input(own, batch_size, name, dtype, batch_shape=whole)
        elif not isinstance(input_tensor, Symbol):
            raise ArgumentError(
                f"InputLayer(input_tensor={input_tensor!r}) takes what Input(...) gives."
            )
        self._symbol = input_tensor
        self._symbol.input_layer = self
        self.nodes = [self._symbol.node]
        self.built = True

    @property
    def name(self) -> str:
        """The name of the input."""
        symbol: Symbol | None = vars(self).get("_symbol")
        return symbol.name if symbol is not None else vars(self).get("_name", "")

    @name.setter
    def name(self, value: str) -> None:
        vars(self)["_name"] = value
        if "_symbol" in vars(self):
            self._symbol.name = value

    @property
    def input(self) -> Symbol:
        """The symbol that goes into the model."""
        return self._symbol

    @property
    def output(self) -> Symbol:
        """The same symbol."""
        return self._symbol

    @property
    def batch_shape(self) -> Shape:
        """The shape of what comes in, batch axis first."""
        return self._symbol.shape

    def forward(self, x: Any) -> Any:
        """What came in."""
        return x

    def get_config(self) -> dict[str, Any]:
        dtype = str(self._symbol.dtype).removeprefix("torch.")
        return {"batch_shape": self.batch_shape, "dtype": dtype, "name": self.name}

    @classmethod
    def of(cls, symbol: Symbol) -> Layer:
        """The layer of a symbol that goes into a model: always the same."""
        if symbol.input_layer is None:
            cls(input_tensor=symbol)
        made: Any = symbol.input_layer
        return made  # type: ignore[no-any-return]
