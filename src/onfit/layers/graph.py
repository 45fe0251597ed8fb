"""Symbols and nodes. A functional model is written by calling layers on symbols, which stand for
tensors that do not exist yet.

Each call records a Node: the layer, the symbols it was called on, and the symbols it returned.
The nodes are kept beside the modules, never in a `state_dict`; `engine/model/functional.py` turns
them into a model.
"""

import inspect
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from onfit.dtypes import DtypeLike, torch_dtype
from onfit.errors import ArgumentError, ArgumentTypeError, did_you_mean
from onfit.layers.shapes import INFERRING, Shape, Spec, inferred, mapped, tensors_in
from onfit.layers.symbols.operators import OF_TENSORS, Operators
from onfit.operations import COMPUTATIONS, computation


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


class Symbol(Operators):
    """Stands for a tensor that does not exist yet. Python's operators record computations.

    Attributes:
        shape: its shape, batch axis first; None where an axis varies.
        dtype: its type, as torch names it.
        node: the call that returned it.
        name: for an `Input`, its name.

    Example:
        >>> x = Input((28, 28))
        >>> x.shape
        (None, 28, 28)
        >>> (2 * x[:, 0] + 1).shape
        (None, 28)
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
        of_computation = layer.class_name if isinstance(layer, Operation) else ""
        origin = self.name or getattr(layer, "name", "") or of_computation or kind
        return f"<Symbol {origin!r} shape={self.shape} dtype={self.dtype}>"

    def _operated(self, name: str, *args: Any) -> "Symbol":
        outputs: Symbol = recorded(name, *args)
        return outputs

    @classmethod
    def __torch_function__(
        cls, function: Any, types: Any, args: Any = (), kwargs: Any = None
    ) -> Any:
        name = getattr(function, "__name__", str(function))
        if name in OF_TENSORS and not kwargs:  # an operator, with a tensor on its left
            return recorded(OF_TENSORS[name], *args)
        ours = f"onfit.ops.{name}(x) does so. " if name in COMPUTATIONS else ""
        raise ArgumentTypeError(
            f"torch's {name} was called on a symbol, which has no values yet. {ours}Put a function "
            "in layers.Lambda(function)(x), and a torch module in layers.TorchModule(module)(x)."
        )

    def __bool__(self) -> bool:
        raise ArgumentTypeError("a symbol has no values yet, so it is neither true nor false.")


# What a model is made of: one symbol, or a list or dict of them.
Symbols = Symbol | Sequence[Any] | Mapping[str, Any]


class Operation(nn.Module):
    """A computation of `onfit.ops` in a graph. It has no weights.

    Args:
        computes: the name of the computation: `"add"`, `"mean"` ...
        **options: its arguments beside those of each call: `axis=1`.
    """

    def __init__(self, computes: str, **options: Any) -> None:
        super().__init__()
        self.computes = computes
        self.options = options
        self.name = ""

    @property
    def class_name(self) -> str:
        """The name of its class in Keras."""
        return computation(self.computes).class_name

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if next(symbols_in((args, kwargs)), None) is not None:
            return record(self, args, kwargs)
        return super().__call__(*args, **kwargs)

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """The result, of tensors. An array that is always the same goes to where they are."""
        args, kwargs = _on_one_device(args), _on_one_device(kwargs)
        return computation(self.computes).function(*args, **kwargs, **self.options)


def _on_one_device(given: Any) -> Any:
    found: list[Tensor] = []
    mapped(found.append, Tensor, given)
    if all(each.device == found[0].device for each in found[1:]):
        return given
    device = next(each.device for each in found if not each.is_cpu)
    return mapped(lambda each: each.to(device), Tensor, given)


def recorded(name: str, *args: Any, **kwargs: Any) -> Any:
    """Record a computation of `onfit.ops` by its name.

    Args:
        name: the name.
        *args: its arguments, symbols among them.
        **kwargs: the same by name.

    Returns:
        A symbol, or several.
    """
    entry = computation(name)
    bound = inspect.signature(entry.function).bind(*args, **kwargs).arguments
    options = {key: value for key, value in bound.items() if key not in entry.given}
    given = mapped(_constant, np.ndarray, [bound[key] for key in entry.given if key in bound])
    if INFERRING.now and tensors_in(given):
        raise ArgumentError(
            f"{name}: a layer computes of a tensor and of a symbol that it was not called on. A "
            "call gets numbers, and a symbol has none: hand it in as one of the layer's inputs, "
            "layer([x, symbol])."
        )
    if entry.takes_any_number:
        given = given[0]
    return record(Operation(name, **options), tuple(given), {})


def _constant(array: Any) -> Tensor:
    """An array among the arguments, as a tensor; floats get torch's default type."""
    is_float = np.issubdtype(array.dtype, np.floating)
    return torch.as_tensor(array, dtype=torch.get_default_dtype() if is_float else None)


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
