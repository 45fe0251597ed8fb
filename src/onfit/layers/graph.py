"""Symbols and nodes. A functional model is written by calling layers on symbols, which stand for
tensors that do not exist yet.

Each call records a Node: the layer, the symbols it was called on, and the symbols it returned.
The nodes are kept beside the modules, never in a `state_dict`; `engine/model/functional.py` turns
them into a model.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from torch import nn

from onfit.dtypes import DtypeLike, dtype_name, torch_dtype
from onfit.errors import ArgumentError, ArgumentTypeError, NotConnectedError, did_you_mean
from onfit.layers.shapes import Shape, Spec, inferred, mapped


class Node:
    """One call of a layer.

    Attributes:
        layer: the module that was called; None for an `Input`.
        args: the positional arguments of the call, with symbols in the place of tensors.
        kwargs: the named arguments.
        outputs: what the call returned: a symbol, or a tuple or dict of them.
    """

    def __init__(self, layer: nn.Module | None, args: Any = (), kwargs: Any = None) -> None:
        self.layer = layer
        self.args = args
        self.kwargs = kwargs or {}
        self.outputs: Any = None


class Symbol:
    """Stands for a tensor that does not exist yet.

    Attributes:
        shape: its shape, batch axis first; None where an axis varies.
        dtype: its type, as torch names it.
        node: the call that returned it.
        name: for an `Input`, its name.

    Example:
        >>> x = Input((28, 28))
        >>> x.shape
        (None, 28, 28)
    """

    def __init__(self, spec: Spec, node: Node, name: str = "") -> None:
        self.shape = spec.shape
        self.dtype = spec.dtype
        self.node = node
        self.name = name
        # The layer that stands for it where it goes into a model; made when it is asked for.
        self.input_layer: nn.Module | None = None

    @property
    def spec(self) -> Spec:
        """Its shape and type."""
        return Spec(self.shape, self.dtype)

    @property
    def ndim(self) -> int:
        """How many axes it has, the batch axis included."""
        return len(self.shape)

    def __repr__(self) -> str:
        layer = self.node.layer
        kind = "input" if layer is None else type(layer).__name__
        origin = self.name or getattr(layer, "name", "") or kind
        return f"<Symbol {origin!r} shape={self.shape} dtype={self.dtype}>"

    @classmethod
    def __torch_function__(
        cls, function: Any, types: Any, args: Any = (), kwargs: Any = None
    ) -> Any:
        name = getattr(function, "__name__", str(function))
        raise ArgumentTypeError(
            f"torch's {name} was called on a symbol, which has no values yet. Put a function in "
            "layers.Lambda(function)(x), and a torch module in layers.TorchModule(module)(x)."
        )

    def __bool__(self) -> bool:
        raise ArgumentTypeError("a symbol has no values yet, so it is neither true nor false.")


# What a model is made of: one symbol, or a list or dict of them.
Symbols = Symbol | Sequence[Any] | Mapping[str, Any]


def Input(  # noqa: N802 - a function by Keras' name, which reads like the layer it stands for
    shape: Sequence[int | None] | None = None,
    batch_size: int | None = None,
    name: str | None = None,
    dtype: DtypeLike = None,
    batch_shape: Sequence[int | None] | None = None,
    **of_keras: Any,
) -> Symbol:
    """Declare an input of a model.

    Args:
        shape: shape of one sample, without the batch axis; None for an axis that varies.
        batch_size: the length of the batch axis, if it is fixed.
        name: its name, by which dicts of inputs find it.
        dtype: type of its values, as torch or numpy names it; floats if None.
        batch_shape: the shape with the batch axis, instead of `shape`.
        **of_keras: `sparse`, `ragged`, `optional` and `tensor` of Keras, as long as they ask for
            nothing.

    Returns:
        A symbol to call layers on; also the first thing in a `Sequential`.

    Example:
        >>> Input(shape=(784,)).shape
        (None, 784)
    """
    _refuse(of_keras)
    if batch_shape is not None:
        batch_size, *shape = batch_shape
    if not isinstance(shape, (tuple, list)):
        raise ArgumentError(
            f"Input(shape={shape!r}): shape is a tuple without the batch axis, such as ({shape},)."
        )
    node = Node(None)
    node.outputs = Symbol(Spec((batch_size, *shape), torch_dtype(dtype)), node, name or "")
    symbol: Symbol = node.outputs
    return symbol


def _refuse(given: dict[str, Any]) -> None:
    """Refuse arguments of `Input` that onfit does not have."""
    for name, value in given.items():
        if name not in _OF_KERAS:
            known = ["shape", "batch_size", "name", "dtype", "batch_shape"]
            raise ArgumentTypeError(
                f"Input({name}=...): there is no such argument.{did_you_mean(name, known)} There "
                f"are: {', '.join(known)}."
            )
        if value is not None and value is not False:
            raise ArgumentError(f"Input({name}={value!r}) is not there. {_OF_KERAS[name]}")


# Arguments of Keras' Input, and what to do instead.
_OF_KERAS = {
    "sparse": "Give dense arrays.",
    "ragged": "Pad the sequences to one length.",
    "optional": "Give the model an array of zeros where there is no input.",
    "tensor": "Call the model on the tensor: model(tensor).",
}


def symbols_in(structure: Any) -> Iterator[Symbol]:
    """The symbols in a nest of tuples, lists and dicts."""
    if isinstance(structure, Symbol):
        yield structure
    elif isinstance(structure, (list, tuple)):
        for item in structure:
            yield from symbols_in(item)
    elif isinstance(structure, dict):
        yield from symbols_in(list(structure.values()))


def record(module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Build `module` for the symbols it is called on, record the call, and return its outputs."""
    get_ready = getattr(module, "_get_ready", None)
    if get_ready is not None:
        get_ready(args, kwargs)
    specs = inferred(module, _as_specs(args), _as_specs(kwargs))
    node = Node(module, args, kwargs)
    node.outputs = mapped(lambda spec: Symbol(spec, node), Spec, specs)
    if hasattr(module, "nodes"):
        module.nodes.append(node)  # type: ignore[union-attr, operator]
    return node.outputs


def shapes_of(structure: Any) -> Any:
    """The shape of an argument; lists and dicts of shapes for those of inputs."""
    if isinstance(structure, (list, tuple)):
        return [shapes_of(item) for item in structure]
    if isinstance(structure, dict):
        return {key: shapes_of(item) for key, item in structure.items()}
    sizes = getattr(structure, "shape", None)
    shape: Shape | None = None if sizes is None else (None, *sizes[1:])
    return shape


def symbols_of(shapes: Any) -> Any:
    """A symbol of floats for each shape in nested lists and dicts; a shape is a tuple, or a list of
    numbers.
    """
    if isinstance(shapes, dict):
        return {key: symbols_of(shape) for key, shape in shapes.items()}
    if any(isinstance(part, (tuple, list, dict)) for part in shapes):
        return [symbols_of(shape) for shape in shapes]
    return Input(batch_shape=shapes)


def _as_specs(structure: Any) -> Any:
    return mapped(lambda symbol: symbol.spec, Symbol, structure)


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
            floats = (p.dtype for p in self.parameters() if p.is_floating_point())
            own = vars(self).get("_dtype") or next(floats, None)
            return dtype_name(own or torch_dtype(None))
        return super().__getattr__(name)  # type: ignore[misc]

    @property
    def _called(self) -> str:
        return str(getattr(self, "described", type(self).__name__))
