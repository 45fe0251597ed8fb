"""Sequential: a stack of layers."""

from collections.abc import Iterable, Sequence
from typing import Any

from torch import Tensor, nn

from onfit.activations import Activation
from onfit.core.representation import checked_arguments
from onfit.engine.data.arrays import Samples
from onfit.engine.model import generators
from onfit.engine.model.calls import logits_of
from onfit.engine.model.layered import AnyLayer
from onfit.engine.model.model import Clone, Model
from onfit.engine.model.naming import keep
from onfit.errors import ArgumentError, ArgumentTypeError, NotConnectedError, OnfitError
from onfit.layers import Input, InputLayer, Layer, TorchModule
from onfit.layers.graph import Symbol
from onfit.layers.shapes import Shape, described


class Sequential(Model):
    """A model in which each layer takes the output of the one before.

    Weights are made as soon as the shape of the input is known: from `input_shape=` or
    `input_dim=` of the first layer, from an `Input` before it, from `build`, or from the first
    batch.

    Args:
        layers: onfit layers and torch modules, from input to output.
        name: its name.

    Example:
        >>> from onfit.layers import Dense
        >>> model = Sequential([Dense(8, activation="relu", input_dim=4), nn.LayerNorm(8)])
        >>> model.add(Dense(3, activation="softmax"))
        >>> model.output_shape
        (None, 3)
    """

    class_in_config = "Sequential"

    # Keras' older methods of such a model.
    predict_classes = generators.predict_classes
    predict_proba = generators.predict_proba

    @checked_arguments
    def __init__(
        self, layers: Iterable[nn.Module | Symbol] | None = None, name: str | None = None
    ) -> None:
        super().__init__(name=name)
        self.input_names = ["input"]
        self._layers: list[nn.Module] = []
        # The input, and the output so far, as symbols; None until the shape is known.
        self._begin: Symbol | None = None
        self._end: Symbol | None = None
        self.output_shapes: list[Any] = []
        for layer in _listed(layers):
            self.add(layer)

    @property
    def layers(self) -> list[AnyLayer]:
        """Its layers, from input to output."""
        return list(self._layers)

    @property
    def plain_stack(self) -> list[nn.Module] | None:
        """Its layers; None for a subclass, which may compute something else, and under a policy."""
        return self.layers if type(self) is Sequential and self._policy is None else None

    @property
    def keras_layers(self) -> list[nn.Module]:
        """Its layers in the order in which Keras lists them."""
        return self.layers

    @property
    def made_by_code(self) -> bool:
        """Whether a subclass computes something else than layer after layer."""
        return type(self).forward is not Sequential.forward

    def add(self, layer: nn.Module | Symbol) -> None:
        """Put a layer on top.

        Args:
            layer: an onfit layer, an `Input` or `InputLayer` (only as the first), or any torch
                module.

        Raises:
            ArgumentTypeError: for anything else.
            ShapeError: if it cannot take the output of the layer below.
        """
        if isinstance(layer, (Symbol, InputLayer)):
            self._declare(layer if isinstance(layer, Symbol) else layer.output)
            return
        if not isinstance(layer, nn.Module):
            raise ArgumentTypeError(_not_a_layer(layer))
        declared = getattr(layer, "declared_input", None)
        if not self._layers and self._begin is None and declared is not None:
            self._declare(Input(declared.shape, declared.batch_size))
        end = None if self._end is None else self._called_on(layer, self._end)
        self._register(layer)
        if end is not None:
            self._end = end
            self.output_shapes.append(end.shape)

    def pop(self, rebuild: bool = True) -> nn.Module:
        """Take the last layer off, and return it.

        Args:
            rebuild: accepted, as in Keras: what is left is always ready for use.
        """
        if not self._layers:
            raise ArgumentError(f"{self.described} has no layer to take off.")
        layer = self._layers.pop()
        delattr(self, next(key for key, child in self.named_children() if child is layer))
        self._trace()
        return layer

    def _is_built(self) -> bool:
        return self._end is not None or (self._parts_called > 0 and super()._is_built())

    def ensure_built(self, given: Any) -> None:
        """Build for a batch, or for the shape of one."""
        if self._is_built():
            return
        if isinstance(given, Samples):
            self._meet((given.x,), {})
        else:
            self._begin_at(Input(batch_shape=(None, *given[1:])))

    def _meet(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        first = args[0] if args else None
        if self._begin is None and self._layers and isinstance(first, (Tensor, Symbol)):
            self._begin_at(Input(first.shape[1:], dtype=first.dtype))
        if self._end is not None:
            self._parts_called = self._count_parts()
        else:
            super()._meet(args, kwargs)

    def _begin_at(self, begin: Symbol) -> None:
        """Build all layers for what comes in; nothing is known after an error."""
        self._declare(begin)
        try:
            self._trace()
        except OnfitError:
            self._begin = self._end = None
            raise

    @property
    def input_shape(self) -> Shape | None:
        """The shape of its input, batch axis first; None if it is not known yet."""
        return None if self._begin is None else self._begin.shape

    @property
    def input_shapes(self) -> Sequence[Shape | None]:
        """The shape of its one input."""
        return (self.input_shape,)

    @property
    def output_shape(self) -> Shape | None:
        """The shape of its output, batch axis first; None if it is not known yet."""
        return None if self._end is None else self._end.shape

    def forward(self, x: Any) -> Any:
        """The output of the last layer."""
        return self._through(self._layers, x)

    @property
    def output_activations(self) -> list[Activation | None]:
        """The activation of the last layer, if `logits` can leave it out."""
        last = self._layers[-1] if self._layers else None
        return [last.output_activation if isinstance(last, Layer) else None]

    def logits(self, x: Any, wanted: Sequence[bool] = (True,)) -> Any:
        """The output before the last activation."""
        return logits_of(self._layers[-1], self._through(self._layers[:-1], x))

    def _through(self, layers: list[nn.Module], x: Any) -> Any:
        for layer in layers:
            try:
                x = layer(x)
            except RuntimeError as error:
                error.add_note(f"in {described(layer)} of {self.described}, given {_shape_of(x)}")
                raise
        return x

    # --- building ------------------------------------------------------------------------

    @property
    def input(self) -> Symbol:
        """The symbol of its input, to tap the model from."""
        return self._traced(self._begin)

    @property
    def output(self) -> Symbol:
        """The symbol of its output."""
        return self._traced(self._end)

    def _traced(self, symbol: Symbol | None) -> Symbol:
        if symbol is None:
            raise NotConnectedError(self._why_not_connected())
        return symbol

    def _why_not_connected(self) -> str:
        return (
            f"{self.described} has no input and output yet: they wait for the shape of the input. "
            "Give the first layer input_shape=..., call model.build((None, ...)), or fit once."
        )

    def _declare(self, begin: Symbol) -> None:
        if self._layers and self._begin is not None:
            raise ArgumentError("Input says what comes in: it must be the first in a Sequential.")
        self._begin = self._end = begin

    def _trace(self) -> None:
        """Call the layers on symbols, from the input: this builds them and finds their outputs."""
        if self._begin is None:
            return
        end = self._begin
        self._end = None
        shapes = []
        for layer in self._layers:
            if isinstance(layer, Layer):
                layer.nodes.clear()
            end = self._called_on(layer, end)
            shapes.append(end.shape)
        self._end, self.output_shapes = end, shapes

    def _called_on(self, layer: nn.Module, symbol: Symbol) -> Symbol:
        """The output of a layer, or of a torch module used as a layer."""
        if not isinstance(layer, (Layer, Model)):
            layer = TorchModule(layer, dtype=self._policy)  # as the module computes in the stack
        out: Symbol = layer(symbol)
        return out

    # --- copying -------------------------------------------------------------------------

    def cloned(self, clone: Clone, begin: Sequence[Symbol] = ()) -> Model:
        """A stack of the cloned layers; a subclass is copied: it may compute something else."""
        if type(self) is not Sequential:
            return super().cloned(clone, begin)
        twin = Sequential(name=self.name)
        if not begin and self._begin is not None:
            own = self._begin
            begin = [Input(batch_shape=own.shape, dtype=own.dtype, name=own.name)]
        for symbol in begin:
            twin.add(symbol)
        for layer in self.layers:
            twin.add(clone(layer))
        return twin

    def __getstate__(self) -> dict[str, Any]:
        """The state without symbols: each leads to every layer. Only the input's spec is kept."""
        begin = None if self._begin is None else (self._begin.spec, self._begin.name)
        return {**super().__getstate__(), "_begin": begin, "_end": None}

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)  # type: ignore[no-untyped-call]
        if self._begin is not None:
            spec, name = state["_begin"]
            self._begin = Input(batch_shape=spec.shape, dtype=spec.dtype, name=name)
            self._trace()

    def _register(self, layer: nn.Module) -> None:
        keep(self, layer, self.described)
        self._layers.append(layer)
        self._parts_called, self._is_together = 0, False


def _listed(layers: Any) -> Iterable[Any]:
    if layers is None:
        return ()
    if isinstance(layers, (str, Symbol)) or not isinstance(layers, Iterable):
        raise ArgumentTypeError(
            f"Sequential(layers): layers is a list; got {type(layers).__name__}. "
            "Write Sequential([...]) with the layers in brackets."
        )
    return layers


def _not_a_layer(found: Any) -> str:
    if isinstance(found, type):
        return f"add() takes a layer, and {found.__name__} is a class. Write {found.__name__}(...)."
    return (
        f"add() takes an onfit layer or a torch module; got {found!r} of type "
        f"{type(found).__module__}.{type(found).__name__}. A function goes in "
        "layers.Activation(function)."
    )


def _shape_of(x: Any) -> str:
    return f"shape {tuple(x.shape)}" if hasattr(x, "shape") else type(x).__name__
