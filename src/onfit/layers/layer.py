"""The base class of onfit's layers: a torch module that learns its shapes from its input."""

import inspect
from typing import Any, Self

import numpy as np
import torch
from torch import Tensor, nn

from onfit import initializers, regularizers
from onfit.errors import ArgumentError, ShapeError, did_you_mean
from onfit.layers.calling import Called, shapes_to_build_for
from onfit.layers.containers import HoldsLayers
from onfit.layers.shapes import Shape


class Layer(Called, HoldsLayers):
    """A torch module built from the shape of its first input.

    Subclass it, make weights in `build` with `add_weight`, and compute in `forward` (torch's
    name) or `call` (Keras').

    Args:
        name: the layer's name in summaries, logs and files; the model gives it one if this is
            None.
        input_shape: shape of one sample, without the batch axis; the model is then built at once.
        input_dim: the same for flat samples: `input_shape=(input_dim,)`.
        trainable: whether its weights change in training.

    Attributes:
        built: whether its weights exist.
        name: its name; empty until given or until a model gives one.

    Example:
        >>> class Scale(Layer):
        ...     def build(self, input_shape):
        ...         self.factor = self.add_weight("factor", (input_shape[-1],), "ones")
        ...     def forward(self, x):
        ...         return x * self.factor
        >>> Scale()(torch.ones(2, 3)).shape
        torch.Size([2, 3])
    """

    def __init__(
        self,
        *,
        name: str | None = None,
        input_shape: tuple[int | None, ...] | None = None,
        input_dim: int | None = None,
        trainable: bool = True,
        **unknown: Any,
    ) -> None:
        if unknown:
            raise ArgumentError(_unknown_argument(type(self), unknown))
        super().__init__()
        self.name = name or ""
        self.named_by_author = bool(name)
        self.built = False
        self.nodes = []
        self._trainable = trainable
        self.declared_shape: Shape | None = _declared(input_shape, input_dim)

    # --- what a subclass writes ----------------------------------------------------------

    def build(self, input_shape: Shape) -> None:
        """Make the weights for inputs of `input_shape`, batch axis included (as None)."""

    def forward(self, x: Any) -> Any:
        """Compute the output. Keras' name for it, `call`, means the same in every class.

        An argument `training` is told whether this is training, an argument `mask` what a call
        gave as `mask=`.
        """
        raise NotImplementedError(f"{type(self).__name__} has neither forward nor call")

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments for an equal layer."""
        return {"name": self.name, "trainable": self.trainable}

    # --- what a subclass inherits --------------------------------------------------------

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        is_common = self.is_simple and self.built and self.activity_regularizer is None
        if is_common and not kwargs and len(args) == 1 and isinstance(args[0], Tensor):
            return nn.Module.__call__(self, *args)  # torch's own call, without a detour
        return super().__call__(*args, **kwargs)

    def _get_ready(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        if not self.built:
            self.ensure_built(*shapes_to_build_for(self.build, self.takes.names, args, kwargs))

    def ensure_built(self, *input_shapes: Any) -> None:
        """Build once, for inputs of these shapes."""
        if self.built:
            return
        self.build(*input_shapes)
        self.built = True
        if not self._trainable:
            self.trainable = False

    def add_weight(
        self,
        name: str,
        shape: tuple[int, ...],
        initializer: Any = "glorot_uniform",
        trainable: bool = True,
        regularizer: Any = None,
    ) -> Tensor:
        """Make a weight called `name`: a parameter, or a buffer if not `trainable`.

        Args:
            name: the attribute it becomes.
            shape: its shape.
            initializer: sets its first values: anything `initializers.get` takes.
            trainable: whether training changes it.
            regularizer: the penalty on it: anything `regularizers.get` takes. It is kept as
                `self.<name>_regularizer`, and may be changed there at any time.
        """
        value = initializers.get(initializer)(shape)
        if trainable:
            self.register_parameter(name, nn.Parameter(value))
        else:
            self.register_buffer(name, value)
        if regularizer is not None:
            setattr(self, f"{name}_regularizer", regularizers.get(regularizer))
        made: Tensor = getattr(self, name)
        return made

    @property
    def trainable(self) -> bool:
        """Whether its parameters change in training; may be set at any time."""
        return self._trainable

    @trainable.setter
    def trainable(self, value: bool) -> None:
        self._trainable = value
        for parameter in self.parameters():
            parameter.requires_grad_(value)

    @property
    def weights(self) -> list[Tensor]:
        """Its parameters, then its buffers."""
        return [*self.parameters(), *self.buffers()]

    def get_weights(self) -> list[np.ndarray[Any, Any]]:
        """Copies of its weights as numpy arrays."""
        return [weight.detach().cpu().numpy().copy() for weight in self.weights]

    def set_weights(self, weights: list[Any]) -> None:
        """Replace the values of the weights by arrays of the same shapes.

        Args:
            weights: the arrays, in the order of `get_weights`.

        Raises:
            ShapeError: if their number or their shapes differ; nothing is changed then.
        """
        mine = self.weights
        found = [tuple(np.shape(weight)) for weight in weights]
        expected = [tuple(weight.shape) for weight in mine]
        if found != expected:
            raise ShapeError(
                f"{self.described}.set_weights: expected arrays of shapes {expected}, got {found}."
            )
        with torch.no_grad():
            for weight, value in zip(mine, weights, strict=True):
                weight.copy_(torch.as_tensor(np.asarray(value)))

    def extra_repr(self) -> str:
        """The arguments that `repr` shows: those that are plain values and not the defaults."""
        held = vars(self)
        return ", ".join(
            f"{name}={_text(held[name])}"
            for name, default in _defaults(type(self)).items()
            if name in held and _is_worth_a_look(held[name], default)
        )

    def __getstate__(self) -> dict[str, Any]:
        # A copy starts without nodes: those of this layer belong to the model that it is in.
        return {**self.__dict__, "nodes": []}

    @property
    def described(self) -> str:
        """The layer's name in error texts."""
        return f"layer {self.name!r} ({type(self).__name__})" if self.name else type(self).__name__

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Self:
        """Make a layer from the arguments that `get_config` returned."""
        return cls(**config)

    # --- what a model asks of its last layer ---------------------------------------------

    @property
    def output_activation(self) -> Any:
        """The activation that makes the output, if a loss may leave it out; else None."""
        return None

    def preactivation(self, x: Any) -> Any:
        """The output before `output_activation`: the logits, for losses that need them."""
        return self(x)


def _declared(input_shape: Shape | None, input_dim: int | None) -> Shape | None:
    if input_dim is not None:
        return (input_dim,)
    if input_shape is None:
        return None
    return tuple(input_shape)


def _unknown_argument(layer: type, unknown: dict[str, Any]) -> str:
    known = [name for cls in layer.__mro__ for name in _parameters(cls)]
    name = next(iter(unknown))
    return (
        f"{layer.__name__}({name}=...) is not an argument of this layer. "
        f"It takes {', '.join(dict.fromkeys(known))}.{did_you_mean(name, known)}"
    )


def _parameters(cls: type) -> dict[str, Any]:
    """The arguments of a class, and their defaults."""
    if cls in (nn.Module, object):
        return {}
    found = inspect.signature(cls).parameters.values()
    return {p.name: p.default for p in found if p.kind not in (p.VAR_KEYWORD, p.VAR_POSITIONAL)}


def _defaults(kind: type) -> dict[str, Any]:
    """The arguments of a layer and their defaults; its own first, and without its name."""
    found: dict[str, Any] = {}
    for cls in kind.__mro__:
        found = {**found, **{k: v for k, v in _parameters(cls).items() if k not in found}}
    return {name: default for name, default in found.items() if name != "name"}


def _text(value: Any) -> str:
    """A value as text; of a function its name."""
    return str(getattr(value, "__name__", None) or repr(value))


def _is_worth_a_look(value: Any, default: Any) -> bool:
    is_plain = isinstance(value, (bool, int, float, str, tuple)) or hasattr(value, "__name__")
    usual = {repr(default), str(default), "linear" if default is None else ""}
    if isinstance(value, tuple) and value and {*map(repr, value)} <= usual:
        return False  # one number for every axis
    return is_plain and _text(value) not in usual
