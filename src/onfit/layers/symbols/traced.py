"""The calls of a layer or model on symbols, as attributes of it."""

from typing import Any

from onfit._instead import OF_MODELS
from onfit.errors import ArgumentError, NotConnectedError
from onfit.layers.graph import Node, Symbol, symbols_in
from onfit.layers.shapes import mapped

_OF_SYMBOLS = ("input", "inputs", "output", "outputs")
# Names of the type of its weights, as Keras has them.
_DTYPES = ("dtype", "compute_dtype", "variable_dtype")
_SHAPES = ("input_shape", "output_shape")


class Traced:
    """The calls of a layer or model on symbols, and their results; mixed into both."""

    nodes: list[Node]

    @property
    def output(self) -> Any:
        """The symbol that its one call on symbols returned.

        Raises:
            NotConnectedError: if it was called on no symbol, or on several.
        """
        return self._only_node.outputs

    @property
    def outputs(self) -> list[Symbol]:
        """The symbols that its one call on symbols returned, as a list."""
        return list(symbols_in(self.output))

    @property
    def input(self) -> Any:
        """The symbol that it was called on; a list of them if there were several."""
        node = self._only_node
        if len(node.args) == 1 and not node.kwargs:
            return node.args[0]
        found = list(symbols_in((node.args, node.kwargs)))
        return found[0] if len(found) == 1 else found

    @property
    def inputs(self) -> list[Symbol]:
        """The symbols that it was called on, as a list."""
        return list(symbols_in(self.input))

    def get_output_at(self, index: int) -> Any:
        """What its `index`-th call on symbols returned."""
        if not -len(self.nodes) <= index < len(self.nodes):
            raise ArgumentError(
                f"get_output_at({index}): {self._called} was called on symbols "
                f"{len(self.nodes)} times."
            )
        return self.nodes[index].outputs

    @property
    def _only_node(self) -> Node:
        if len(self.nodes) != 1:
            raise NotConnectedError(self._why_not_connected())
        return self.nodes[0]

    def _why_not_connected(self) -> str:
        return (
            f"{self._called} was called on symbols {len(self.nodes)} times, so there is no one "
            "output of it. Build the model it is in, or use get_output_at(index)."
        )

    def __getattr__(self, name: str) -> Any:
        # Python comes here for what an object lacks, and where a property raised AttributeError;
        # torch's own text would then say that there is no such attribute.
        if name in _OF_SYMBOLS:
            raise NotConnectedError(self._why_not_connected())
        if name in _SHAPES:  # no properties, since many a class sets such an attribute itself
            symbols = self.input if name == "input_shape" else self.output
            return mapped(lambda symbol: symbol.shape, Symbol, symbols)
        if name in _DTYPES:
            policy: Any = self.dtype_policy
            return policy.compute_dtype if name == "compute_dtype" else policy.variable_dtype
        if name in OF_MODELS:
            raise AttributeError(f"{self._called} has no {name}. Write {OF_MODELS[name]}.")
        return super().__getattr__(name)  # type: ignore[misc]

    @property
    def _called(self) -> str:
        return str(getattr(self, "described", type(self).__name__))
