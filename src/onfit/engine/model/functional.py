"""Functional models: layers called on symbols, made into a module."""

from collections.abc import Container, Iterable, Sequence
from typing import Any

from torch import nn

from onfit.activations import Activation
from onfit.engine.data.arrays import arranged
from onfit.engine.model.calls import (
    Call,
    Slot,
    WithConstants,
    calls_of,
    filled,
    layers_among,
    layers_by_depth,
    logits_of,
    losses_among,
    nodes_between,
    slots_in,
    store,
    symbols_given,
)
from onfit.engine.model.layered import AnyLayer
from onfit.engine.model.model import Clone, Model
from onfit.engine.model.naming import keep, name_inputs
from onfit.errors import ArgumentError
from onfit.layers import AddLoss, Input, InputLayer, Layer
from onfit.layers.graph import Node, Symbol, symbols_in
from onfit.layers.keys import named_layers
from onfit.layers.shapes import Shape


class Functional(WithConstants, Model):
    """The model that `Model(inputs, outputs)` makes of the calls between them.

    The layers are not copied: a model over inner layers of another (a tap) shares its weights.

    Args:
        inputs: an `Input`, or a list or dict of them; also any symbol to begin from.
        outputs: the symbols to compute: one, or a list (nested lists are flattened), or a dict, by
            which the outputs then come as a dict, too.
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

    class_in_config = "Functional"
    # What it computes, in turn (`calls`); where the outputs are then; what they are like.
    output_slots: Any
    specs: Any

    @classmethod
    def is_asked_for(cls, args: Sequence[Any], kwargs: Container[str]) -> bool:
        """Whether `Model(*args, **kwargs)` has inputs and outputs."""
        return bool(args) or "inputs" in kwargs or "outputs" in kwargs

    def __init__(self, inputs: Any, outputs: Any = None, *, name: str | None = None) -> None:
        super().__init__(name=name or "functional")
        if isinstance(outputs, (list, tuple)) and len(outputs) == 1:
            outputs = outputs[0]  # a list of one is the same as the one, as in Keras
        begin, end = symbols_given(inputs, "inputs"), symbols_given(outputs, "outputs")
        name_inputs(begin)
        self._input_specs = [(symbol.spec, symbol.name) for symbol in begin]
        self._one_input = isinstance(inputs, Symbol)
        self.names_outputs = isinstance(outputs, dict)
        self._one_output = len(end) == 1 and not self.names_outputs
        self._input_symbols, self._output_symbols = begin, end
        self._loss_symbols: list[Symbol] = []
        self._layers: list[nn.Module] = []
        self._shapes: list[Any] = []
        self._connect()
        self.input_names = [symbol.name for symbol in begin]
        self.output_names = list(outputs) if self.names_outputs else self._output_names(end)

    def _connect(self) -> None:
        """Make calls of the nodes that lead from the inputs to the outputs and the losses."""
        begin, end = self._input_symbols, [*self._output_symbols, *self._loss_symbols]
        nodes = nodes_between(begin, end)
        self._register_layers(nodes)
        self.calls, self._ends, self.specs = calls_of(begin, end, nodes)
        self.output_slots = self._ends[: len(self._output_symbols)]

    def add_loss(self, loss: Any) -> None:
        """Add to what training lowers: symbols that were computed from the inputs of this model,
        from now on; or, in the `call` of a subclass, tensors of this call.
        """
        symbols = list(symbols_in(loss))
        if not symbols:
            super().add_loss(loss)
            return
        self.also_lower([AddLoss()(symbol) for symbol in symbols])

    def also_lower(self, ends: Sequence[Symbol]) -> None:
        """Compute what `AddLoss` layers gave, too, beside the outputs."""
        self._loss_symbols += ends
        self._connect()

    def _register_layers(self, nodes: Sequence[Node]) -> None:
        known = {id(layer) for layer in self._layers}
        for node in nodes:
            layer = node.layer
            if layer is None or id(layer) in known:
                continue
            known.add(id(layer))
            keep(self, layer, self.described)
            self._layers.append(layer)
            shapes = [symbol.shape for symbol in symbols_in(node.outputs)]
            self._shapes.append(shapes[0] if len(shapes) == 1 else shapes)

    def _output_names(self, end: Sequence[Symbol]) -> list[str]:
        """Each output has the name of its layer, and a number if that name is taken."""
        keys = {id(layer): name for name, layer in named_layers(self)}
        names: list[str] = []
        for symbol in end:
            base = name = keys.get(id(symbol.node.layer), symbol.name)
            while name in names:
                name = f"{base}_{sum(other.startswith(base) for other in names)}"
            names.append(name)
        return names

    @property
    def layers(self) -> list[AnyLayer]:
        """Its layers in the order in which Keras lists them: the deepest first, and among them an
        `InputLayer` for each input.
        """
        return layers_among(self.operations)

    @property
    def operations(self) -> list[nn.Module]:
        """Its layers, and the computations of `onfit.ops` among them, in the same order."""
        inputs = [InputLayer.of(symbol) for symbol in self._input_symbols]
        return layers_by_depth(self.calls, self._ends, inputs)

    @property
    def keras_layers(self) -> list[nn.Module]:
        """The layers that compute, in Keras' order."""
        return layers_among(layers_by_depth(self.calls, self._ends))

    @property
    def output_shapes(self) -> list[Any]:
        """The shapes of what each of `operations` puts out."""
        shapes = {id(layer): shape for layer, shape in zip(self._layers, self._shapes, strict=True)}
        shapes |= {id(InputLayer.of(symbol)): symbol.shape for symbol in self._input_symbols}
        return [shapes[id(part)] for part in self.operations]

    @property
    def made_by_code(self) -> bool:
        """Whether a subclass computes something else than the calls."""
        return type(self).forward is not Functional.forward

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
        """The symbol that comes out; a list or a dict of them if there are several."""
        return self.arranged(self._output_symbols)

    @property
    def outputs(self) -> list[Symbol]:
        """The symbols that come out."""
        return list(self._output_symbols)

    # --- computing -----------------------------------------------------------------------

    def forward(self, x: Any) -> Any:
        """The outputs: a tensor for a model of one output, else a list or a dict of them."""
        return self.arranged(self._picked(self._values(x, self.calls)))

    @property
    def output_activations(self) -> list[Activation | None]:
        """For each output, the activation that it goes through last, if it can be left out."""
        return [
            None if call is None else call.layer.output_activation  # type: ignore[misc]
            for call in map(self._head, self.output_slots)
        ]

    def logits(self, x: Any, wanted: Sequence[bool] = (True,)) -> Any:
        """The outputs, in the order of `output_names`; the `wanted` ones before their last
        activation.
        """
        heads = {
            id(self._head(slot)): slot
            for slot, want in zip(self.output_slots, wanted, strict=True)
            if want
        }
        values = self._values(x, [call for call in self.calls if id(call) not in heads])
        for call in self.calls:
            if id(call) in heads:
                values[heads[id(call)]] = logits_of(call.layer, *filled(call.args, values))
        picked = self._picked(values)
        return picked if len(picked) > 1 else picked[0]

    def _head(self, slot: int) -> Call | None:
        """The call that gives an output, if nothing else uses it and its activation is apart."""
        used = [taken for call in self.calls for taken in slots_in((call.args, call.kwargs))]
        if slot in used or self.output_slots.count(Slot(slot)) > 1:
            return None
        for call in self.calls:
            if call.outputs == slot and isinstance(call.layer, Layer):
                return call if call.layer.output_activation is not None else None
        return None

    def _values(self, x: Any, calls: Iterable[Call]) -> dict[int, Any]:
        values: dict[int, Any] = dict(enumerate(self.ordered_inputs(x)))
        for layer, args, kwargs, outputs in calls:
            if kwargs:
                result = layer(*filled(args, values), **filled(kwargs, values))
            else:
                result = layer(*filled(args, values))
            if type(outputs) is Slot:
                values[outputs] = result
            else:
                store(outputs, result, values)
        return values

    def _picked(self, values: dict[int, Any]) -> list[Any]:
        return [values[slot] for slot in self.output_slots]

    def arranged(self, found: Sequence[Any]) -> Any:
        """What there is for each output, in the form in which the model was given its outputs."""
        if self.names_outputs:
            return dict(zip(self.output_names, found, strict=True))
        return found[0] if self._one_output else list(found)

    def ordered_inputs(self, x: Any) -> Sequence[Any]:
        """The values of a batch in the order of `inputs`.

        Raises:
            DataError: if there are more or fewer, or if a dict lacks a name.
        """
        given = arranged(x, self.input_names, "x")
        return given if isinstance(given, (tuple, list)) else (given,)

    # --- copying -------------------------------------------------------------------------

    def cloned(self, clone: Clone, begin: Sequence[Symbol] = ()) -> Model:
        """A model of the same calls; a subclass is copied, since it may compute something else."""
        if type(self) is not Functional:
            return super().cloned(clone, begin)
        begin = list(begin) or self._new_inputs()
        if len(begin) != len(self._input_specs):
            raise ArgumentError(
                f"clone_model(input_tensors=...) has {len(begin)} symbols; {self.described} takes "
                f"{len(self._input_specs)}. Give one for each input."
            )
        calls = [call._replace(layer=clone(call.layer)) for call in self.calls]
        values = self._values(list(begin), calls)
        inputs: Any = begin[0] if self._one_input else begin
        twin = Functional(inputs, self.arranged(self._picked(values)), name=self.name)
        twin.also_lower(losses_among(calls, values))
        return twin

    def _new_inputs(self) -> list[Symbol]:
        return [
            Input(batch_shape=spec.shape, dtype=spec.dtype, name=name)
            for spec, name in self._input_specs
        ]

    def __getstate__(self) -> dict[str, Any]:
        """The state without symbols: each leads to every layer. The calls say as much."""
        return {**super().__getstate__(), **{key: [] for key in _HELD}}

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)  # type: ignore[no-untyped-call]
        self._input_symbols = self._new_inputs()
        values = self._values(list(self._input_symbols), self.calls)
        self._output_symbols = self._picked(values)
        self._loss_symbols = losses_among(self.calls, values)


# What is left out of copies: symbols.
_HELD = ("_input_symbols", "_output_symbols", "_loss_symbols")
