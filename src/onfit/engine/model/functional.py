"""Functional models: layers called on symbols, made into a module."""

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from torch import nn

from onfit.activations import Activation
from onfit.engine.data.arrays import arranged
from onfit.engine.model.model import Model, logits_of
from onfit.engine.model.naming import key_for
from onfit.errors import ArgumentError, ArgumentTypeError
from onfit.layers import Input, Layer
from onfit.layers.graph import Node, Symbol, symbols_in
from onfit.layers.shapes import Shape, Spec, mapped


class Slot(int):
    """The place of a value among those of a forward pass."""


class Call(NamedTuple):
    """One step of a forward pass: a layer, what it takes, and where what it gives goes."""

    layer: nn.Module
    args: Any
    kwargs: dict[str, Any]
    outputs: Any


class Functional(Model):
    """What `Model(inputs, outputs)` makes of the calls between them.

    The layers are not copied: a model over inner layers of another (a tap) shares its weights.

    Args:
        inputs: an `Input`, or a list or dict of them; also any symbol to begin from.
        outputs: the symbols to compute: one, or a list (nested lists are flattened) or a dict.
        name: its name.

    Raises:
        ArgumentError: if an output needs an input that is not among `inputs`.

    Example:
        >>> from onfit.layers import Dense
        >>> x = Input((4,))
        >>> hidden = Dense(8, activation="relu")(x)
        >>> model = Model(x, [Dense(3)(hidden), Dense(1)(hidden)])
        >>> [len(model.inputs), len(model.outputs)]
        [1, 2]
    """

    def __init__(self, inputs: Any, outputs: Any = None, *, name: str | None = None) -> None:
        super().__init__(name=name or "functional")
        begin, end = _symbols(inputs, "inputs"), _symbols(outputs, "outputs")
        nodes = _ordered(begin, end)
        _name_inputs(begin)
        self._input_specs = [(symbol.spec, symbol.name) for symbol in begin]
        self._one_input = isinstance(inputs, Symbol)
        self._one_output = isinstance(outputs, Symbol)
        self._register_layers(nodes)
        self.calls, self.output_slots, self.specs = _plan(begin, end, nodes)
        self.input_names = [symbol.name for symbol in begin]
        self.output_names = list(outputs) if isinstance(outputs, dict) else self._output_names(end)
        self._input_symbols, self._output_symbols = begin, end

    def _register_layers(self, nodes: Sequence[Node]) -> None:
        self._layers: list[nn.Module] = []
        self.output_shapes: list[Any] = []
        for node in nodes:
            layer = node.layer
            if layer is None or any(layer is known for known in self._layers):
                continue
            name = key_for(layer, {*dir(self), *self._modules}, self.described)
            if not getattr(layer, "name", None):
                layer.name = name  # type: ignore[assignment]
            self.add_module(name, layer)
            self._layers.append(layer)
            shapes = [symbol.shape for symbol in symbols_in(node.outputs)]
            self.output_shapes.append(shapes[0] if len(shapes) == 1 else shapes)

    def _output_names(self, end: Sequence[Symbol]) -> list[str]:
        """Each output is called after the layer it comes from, and numbered if that gives two."""
        keys = {id(layer): key for key, layer in self.named_children()}
        names: list[str] = []
        for symbol in end:
            base = name = keys.get(id(symbol.node.layer), symbol.name)
            while name in names:
                name = f"{base}_{sum(other.startswith(base) for other in names)}"
            names.append(name)
        return names

    @property
    def layers(self) -> list[nn.Module]:
        """Its layers, in the order in which they compute."""
        return list(self._layers)

    @property
    def input(self) -> Any:
        """The symbol that goes in; a list of them if there are several."""
        return self._input_symbols[0] if self._one_input else list(self._input_symbols)

    @property
    def inputs(self) -> list[Symbol]:
        """The symbols that go in."""
        return list(self._input_symbols)

    @property
    def input_shapes(self) -> Sequence[Shape | None]:
        """The shapes of what goes in, batch axis first."""
        return [spec.shape for spec, _ in self._input_specs]

    @property
    def output(self) -> Any:
        """The symbol that comes out; a list of them if there are several."""
        return self._output_symbols[0] if self._one_output else list(self._output_symbols)

    @property
    def outputs(self) -> list[Symbol]:
        """The symbols that come out."""
        return list(self._output_symbols)

    # --- computing -----------------------------------------------------------------------

    def forward(self, x: Any) -> Any:
        """The outputs: a tensor for a model of one output, else a list of them."""
        values = self._values(x, self.calls)
        return self._picked(values)

    @property
    def output_activations(self) -> list[Activation | None]:
        """For each output, the activation that it goes through last, if it can be left out."""
        return [
            None if call is None else call.layer.output_activation  # type: ignore[misc]
            for call in map(self._head, self.output_slots)
        ]

    def logits(self, x: Any, wanted: Sequence[bool] = (True,)) -> Any:
        """The outputs, those that are `wanted` so before their last activation."""
        heads = {
            id(self._head(slot)): slot
            for slot, want in zip(self.output_slots, wanted, strict=True)
            if want
        }
        values = self._values(x, [call for call in self.calls if id(call) not in heads])
        for call in self.calls:
            if id(call) in heads:
                values[heads[id(call)]] = logits_of(call.layer, *_filled(call.args, values))
        return self._picked(values)

    def _head(self, slot: int) -> Call | None:
        """The call that gives an output, if nothing else uses it and its activation is apart."""
        used = [taken for call in self.calls for taken in _slots((call.args, call.kwargs))]
        if slot in used or self.output_slots.count(Slot(slot)) > 1:
            return None
        for call in self.calls:
            if call.outputs == slot and isinstance(call.layer, Layer):
                return call if call.layer.output_activation is not None else None
        return None

    def replayed(self, begin: Sequence[Symbol], clone: Any) -> list[Symbol]:
        """The outputs of the same calls from other symbols, by the layers that `clone` gives."""
        calls = [call._replace(layer=clone(call.layer)) for call in self.calls]
        values = self._values(list(begin), calls)
        return [values[slot] for slot in self.output_slots]

    def _values(self, x: Any, calls: Iterable[Call]) -> dict[int, Any]:
        values: dict[int, Any] = dict(enumerate(self.ordered_inputs(x)))
        for layer, args, kwargs, outputs in calls:
            if kwargs:
                result = layer(*_filled(args, values), **_filled(kwargs, values))
            else:
                result = layer(*_filled(args, values))
            if type(outputs) is Slot:
                values[outputs] = result
            else:
                _store(outputs, result, values)
        return values

    def _picked(self, values: dict[int, Any]) -> Any:
        picked = [values[slot] for slot in self.output_slots]
        return picked[0] if self._one_output else picked

    def ordered_inputs(self, x: Any) -> Sequence[Any]:
        """What goes in, in the order of `inputs`.

        Raises:
            DataError: if there are more or fewer, or a dict lacks a name.
        """
        given = arranged(x, self.input_names, "x")
        return given if isinstance(given, (tuple, list)) else (given,)

    # --- copying -------------------------------------------------------------------------

    def __getstate__(self) -> dict[str, Any]:
        """Without symbols, which lead to every layer by the other; the calls tell as much."""
        return {**super().__getstate__(), "_input_symbols": [], "_output_symbols": []}

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)  # type: ignore[no-untyped-call]
        self._input_symbols = [
            Input(batch_shape=spec.shape, dtype=spec.dtype, name=name)
            for spec, name in self._input_specs
        ]
        values = self._values(list(self._input_symbols), self.calls)
        self._output_symbols = [values[slot] for slot in self.output_slots]


def _symbols(given: Any, argument: str) -> list[Symbol]:
    found = list(symbols_in(given))
    if not found:
        raise ArgumentTypeError(
            f"Model({argument}=...) takes symbols: what Input(...) gives, or a layer called on "
            f"one. Got {given!r}. (Model(net) takes a torch module.)"
        )
    return found


def _ordered(begin: Sequence[Symbol], end: Sequence[Symbol]) -> list[Node]:
    """The nodes between, each after those it needs."""
    known = {id(symbol) for symbol in begin}
    ordered: list[Node] = []
    done: set[int] = set()
    waiting: list[tuple[Symbol, bool]] = [(symbol, False) for symbol in reversed(end)]
    while waiting:
        symbol, visited = waiting.pop()
        node = symbol.node
        if id(symbol) in known or id(node) in done:
            continue
        if node.layer is None:
            raise ArgumentError(
                f"Model(inputs, outputs): an output needs {symbol!r}, which is not among the "
                "inputs. Add it to inputs=, or compute the output from the inputs given."
            )
        if visited:
            done.add(id(node))
            ordered.append(node)
            continue
        waiting.append((symbol, True))
        needed = list(symbols_in((node.args, node.kwargs)))
        waiting.extend((other, False) for other in reversed(needed))
    return ordered


def _plan(
    begin: Sequence[Symbol], end: Sequence[Symbol], nodes: Sequence[Node]
) -> tuple[list[Call], list[Slot], dict[int, Spec]]:
    """The nodes as calls between numbered places; plain data, that copies and pickles."""
    slots = {id(symbol): Slot(index) for index, symbol in enumerate(begin)}
    specs: dict[int, Spec] = {slots[id(symbol)]: symbol.spec for symbol in begin}

    def place(symbol: Symbol) -> Slot:
        slot = slots.setdefault(id(symbol), Slot(len(slots)))
        specs[slot] = symbol.spec
        return slot

    calls = []
    for node in nodes:
        assert node.layer is not None
        args, kwargs, outputs = (
            mapped(place, Symbol, part) for part in (node.args, node.kwargs, node.outputs)
        )
        calls.append(Call(node.layer, args, kwargs, outputs))
    return calls, [slots[id(symbol)] for symbol in end], specs


def _filled(structure: Any, values: dict[int, Any]) -> Any:
    """Arguments with the values in their places."""
    if type(structure) is tuple and len(structure) == 1 and type(structure[0]) is Slot:
        return (values[structure[0]],)  # one tensor in: by far the most common
    return mapped(values.__getitem__, Slot, structure)


def _store(places: Any, result: Any, values: dict[int, Any]) -> None:
    if isinstance(places, Slot):
        values[places] = result
    elif isinstance(places, dict):
        for key, place in places.items():
            _store(place, result[key], values)
    elif isinstance(places, (tuple, list)):
        for place, part in zip(places, result, strict=True):
            _store(place, part, values)


def _slots(structure: Any) -> list[int]:
    found: list[int] = []
    mapped(found.append, Slot, structure)
    return found


def _name_inputs(symbols: Sequence[Symbol]) -> None:
    """Unnamed inputs become input, input_1 ..., as in Keras."""
    taken = {symbol.name for symbol in symbols}
    for symbol in symbols:
        if not symbol.name:
            names = ("input" if index == 0 else f"input_{index}" for index in range(len(taken) + 1))
            symbol.name = next(name for name in names if name not in taken)
            taken.add(symbol.name)
