"""Model: a torch module that can be compiled, fitted, evaluated, saved."""

from collections.abc import Callable, Container, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any, ClassVar, Self, overload

from torch import Tensor, nn

from onfit.core.console import say
from onfit.engine.data.given import ArrayData
from onfit.engine.inspect import activations, gradients, profiling
from onfit.engine.inspect.summary import Look, summary_of
from onfit.engine.inspect.tracing import GraphTracer
from onfit.engine.model.layered import AnyLayer
from onfit.engine.model.mixed import mixed
from onfit.engine.model.printed import line_of, tree_of
from onfit.engine.model.savable import Savable
from onfit.engine.model.trainer import Trainer
from onfit.engine.model.weights import Weighed, drawn_again
from onfit.errors import ArgumentError, NotReadyError, did_you_mean
from onfit.layers.containers import Held
from onfit.layers.graph import Symbol, Symbols
from onfit.layers.keys import named_layers

Clone = Callable[[nn.Module], nn.Module]


class Model(Trainer, Savable, Weighed):
    """A torch module with Keras' way of training.

    `Model(net)` makes a model of any torch module; `Sequential` is a stack of layers.
    A subclass with a `forward` of its own is a model too.

    `repr(model)` is a line with its name and size; `print(model)` adds torch's tree of its modules.
    `repr(Model(net))` has the net's tree, too.

    Args:
        net: the module to train, for `Model(net)`.
        name: its name.

    Attributes:
        stop_training: set it to True in any callback to stop; see `onfit.Run`.
        history: the `History` of the last `fit`; None before.

    Example:
        >>> import torch
        >>> model = Model(nn.Linear(2, 1))
        >>> model.compile(optimizer="sgd", loss="mse")
        >>> history = model.fit(torch.zeros(8, 2), torch.zeros(8), epochs=2, verbose=0)
        >>> len(history.history["loss"])
        2
    """

    # What `Model(...)` may make: the first of these that its arguments ask for.
    kinds: ClassVar[Sequence[type["Model"]]] = ()

    def __new__(cls, *args: Any, **kwargs: Any) -> Self:
        kind: Any = _kind_asked_for(args, kwargs) if cls is Model else cls
        model: Self = super().__new__(kind)
        return model

    @classmethod
    def is_asked_for(cls, args: Sequence[Any], kwargs: Container[str]) -> bool:
        """Whether `Model(*args, **kwargs)` asks for a model of this kind."""
        return False

    if TYPE_CHECKING:  # what `Model(...)` takes; for each, one of `kinds` has the `__init__`

        @overload
        def __init__(self, *, name: str | None = None) -> None: ...
        @overload
        def __init__(self, net: nn.Module, *, name: str | None = None) -> None: ...
        @overload
        def __init__(
            self, inputs: Symbols, outputs: Symbols, *, name: str | None = None
        ) -> None: ...
        def __init__(self, *args: Any, **kwargs: Any) -> None: ...

    else:

        def __init__(self, *args: Any, name: str | None = None, **kwargs: Any) -> None:
            kind = _kind_asked_for(args, kwargs)
            if kind is not Model:  # by a subclass: the object is of both classes from now on
                object.__setattr__(self, "__class__", mixed(type(self), kind))
                kind.__init__(self, *args, name=name or type(self).__name__.lower(), **kwargs)
                return
            if kwargs:
                raise ArgumentError(_unknown_argument(type(self), next(iter(kwargs))))
            super().__init__(name=name)
            self.nodes = []

    def forward(self, x: Any) -> Any:
        """Compute the output; Keras' name for it, `call`, means the same in every class."""
        raise NotReadyError(f"{self.described} has neither forward nor call. Write one.")

    def cloned(self, clone: Clone, begin: Sequence[Symbol] = ()) -> "Model":
        """What `clone_model` makes of it.

        Args:
            clone: gives the new layer for each of its layers. A model that only its own code can
                make is copied instead, and its torch modules draw their weights again.
            begin: symbols to begin from; new ones of the same shapes if there are none.

        Raises:
            ArgumentError: for symbols that do not fit.
        """
        if begin:
            raise ArgumentError(
                f"clone_model(input_tensors=...): {self.described} is made by its own code, not of "
                "calls on inputs. Leave input_tensors out, and call the clone on them."
            )
        copied = drawn_again(self)
        copied._compiled = None
        return copied

    def __repr__(self) -> str:
        return line_of(self, type(self).__name__)

    def __str__(self) -> str:
        return f"{self!r}\n{tree_of(self)}"

    def __getstate__(self) -> dict[str, Any]:
        # Its nodes belong to the model around it, which records them anew when it is restored. A
        # copy made in mid-training is not itself in training.
        none = dict.fromkeys(("metrics_of_step", "moments", "_begun"))
        own: dict[str, Any] = {"nodes": [], "fits_under_way": 0, "steps_by_hand": {}, **none}
        return {**self.__dict__, **own}

    @property
    def _computes(self) -> bool:
        """Whether it can be called: a model with only a `train_step` of its own cannot."""
        return type(self).forward is not Model.forward

    @property
    def layers(self) -> list[AnyLayer]:
        """Its layers, from input to output; those in lists and dicts one by one."""
        return list(_each_layer(self))

    # --- what it is made of ---------------------------------------------------------------

    def get_layer(self, name: str | None = None, index: int | None = None) -> AnyLayer:
        """The layer of that name, or at that index.

        Raises:
            ArgumentError: if there is none.
        """
        if index is not None:
            if not -len(self.layers) <= index < len(self.layers):
                raise ArgumentError(
                    f"get_layer(index={index}): {self.described} has {len(self.layers)} layers."
                )
            return self.layers[index]
        names = dict(named_layers(self))
        names |= {str(getattr(layer, "name", "")): layer for layer in self.layers}
        if name not in names:
            raise ArgumentError(
                f"get_layer({name!r}): {self.described} has no such layer. It has "
                f"{', '.join(filter(None, names))}.{did_you_mean(name, names)}"
            )
        return names[name]

    def summary(
        self,
        line_length: int | None = None,
        positions: Sequence[float] | None = None,
        print_fn: Callable[[str], object] | None = None,
        expand_nested: bool = False,
        show_trainable: bool = False,
        layer_range: Sequence[str] | None = None,
    ) -> None:
        """Print a table of its layers, their output shapes and numbers of weights. What is not
        known yet is a question mark.

        Args:
            line_length: letters in a line; by default as many as are needed.
            positions: where each column ends, in parts of the line (`[0.5, 0.8, 1.0]`) or letters.
                Keras' table may have a column more; its end is not used.
            print_fn: called with the table instead of `print`.
            expand_nested: whether to list the layers of the models in it, too.
            show_trainable: whether to show for each layer if it trains: Y, N, or - for nothing.
            layer_range: the names of the first and the last layer to show, or patterns of them.

        Raises:
            ArgumentError: for positions that do not grow, or layers that there are not.
        """
        look = Look(line_length, positions, expand_nested, show_trainable, layer_range)
        (print_fn or say)(summary_of(self, look))

    def reset_metrics(self) -> None:
        """Have all `metrics` forget what they have seen. Each epoch does so when it begins."""
        self.steps_by_hand.clear()
        for metric in self.metrics:
            metric.reset_state()

    def reset_states(self) -> None:
        """Have the layers that keep a state from batch to batch forget it."""
        for part in self.modules():
            reset = getattr(type(part), "reset_states", None) if part is not self else None
            if reset is not None and not isinstance(part, Model):
                reset(part)

    # --- looking inside ------------------------------------------------------------------

    def named_gradients(
        self, x: ArrayData, y: ArrayData, sample_weight: ArrayData | None = None
    ) -> list[tuple[str, Tensor]]:
        """The loss's gradient by each weight, on one batch and without leaving a trace.

        Args:
            x: inputs, one row per sample.
            y: targets.
            sample_weight: weight of each sample in the loss.

        Returns:
            Pairs of a name, as in `named_weights`, and a tensor; frozen weights are left out.

        Raises:
            NotReadyError: if there is no loss.
        """
        return gradients.named_gradients(self, x, y, sample_weight)

    def named_activations(
        self, x: ArrayData, names: Iterable[str] | None = None
    ) -> list[tuple[str, list[Tensor]]]:
        """What its layers put out for `x` in evaluation, without leaving a trace.

        Args:
            x: inputs, one row per sample.
            names: which modules; by default its layers. Deeper ones by paths (`"encoder.0"`).

        Returns:
            Pairs of a name and the outputs: several if the layer has them, or was called again.

        Raises:
            ArgumentError: for a name that no layer has.
        """
        return activations.named_activations(self, self._inside, x, names)

    def named_embeddings(self) -> list[tuple[str, Tensor]]:
        """Pairs of a name and a table, of shape (rows, size), for each embedding in it."""
        return activations.named_embeddings(self._inside)

    def graph_tracer(self) -> GraphTracer:
        """A tracer that notes the arguments of the next call, and can then trace the graph."""
        return GraphTracer(self._inside)

    def profiled(self, folder: str) -> AbstractContextManager[None]:
        """A `with` block of which torch's profiler writes a trace file, for TensorBoard too."""
        return profiling.profiled(folder)

    @property
    def _inside(self) -> nn.Module:
        """The module that users know as the net."""
        return self


def _kind_asked_for(args: Any, kwargs: Any) -> type[Model]:
    return next((kind for kind in Model.kinds if kind.is_asked_for(args, kwargs)), Model)


def _unknown_argument(model: type, name: str) -> str:
    return (
        f"{model.__name__}({name}=...) is not an argument of a model. It takes name, and a torch "
        f"module, or inputs and outputs.{did_you_mean(name, ['name', 'inputs', 'outputs'])}"
    )


def _each_layer(module: nn.Module) -> Iterator[nn.Module]:
    for child in module.children():
        if isinstance(child, (Held, nn.ModuleList, nn.ModuleDict)):
            yield from _each_layer(child)
        else:
            yield child
