"""The base class of onfit's layers: a torch module that learns its shapes from its input."""

import copy
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, ClassVar, Self

import numpy as np
import torch
from torch import Tensor, nn

from onfit import regularizers
from onfit._arguments import check_arguments
from onfit._types import Identifier
from onfit.dtypes import DtypeLike, as_numpy
from onfit.errors import NotReadyError, ShapeError
from onfit.layers.arguments import NotHere, declared_input, refuse_unknown
from onfit.layers.arguments.options import as_option
from onfit.layers.arguments.shown import shown
from onfit.layers.calling import Called, go_to_inputs, shapes_to_build_for
from onfit.layers.containers import HoldsLayers
from onfit.layers.graph import Symbol, symbols_of
from onfit.layers.masking.masks import USE
from onfit.layers.modes import Freezable, freeze_new_weights
from onfit.layers.shapes import Shape, mapped
from onfit.layers.wrappers import divided_like, reshard, whole
from onfit.policies import DTypePolicy, policy_of, policy_of_new


@check_arguments
class Layer(Freezable, Called, HoldsLayers):
    """A torch module built from the shape of its first input.

    Subclass it, make weights in `build` with `add_weight`, and compute in `forward` (torch's
    name) or `call` (Keras').

    Args:
        name: the layer's name in summaries, logs and files; the model gives it one if this is
            None.
        input_shape: shape of one sample, without the batch axis; the model is then built at once.
        input_dim: the same for flat samples: `input_shape=(input_dim,)`.
        trainable: whether its weights change in training.
        dtype: the type of its weights, and of the floats that come in: `"float32"`, `"float16"`,
            `"bfloat16"` or `"float64"`; or a policy such as `"mixed_bfloat16"`: see
            `onfit.mixed_precision`. By default the global policy's; without one the inputs are
            left as they are.
        activity_regularizer: the penalty on its output: anything `regularizers.get` takes.
        autocast: whether floats that come in are brought into the type in which it computes; with
            False, a mixed policy changes nothing.
        weights: arrays, its first values, in the order of `get_weights`.
        batch_input_shape: the input's shape with the batch axis, instead of `input_shape`; Keras
            also calls it `batch_shape`.
        batch_size: the length of the batch axis, if it is fixed; with `input_shape`.
        input_length: for layers of sequences, their length, with `input_dim`.

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

    casts_inputs = True
    of_keras_alone: ClassVar[Mapping[str, NotHere]] = {}
    walks_sequences: ClassVar[bool] = False  # whether a sample has steps, each with features

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        check_arguments(cls)

    def __init__(
        self,
        *,
        name: str | None = None,
        input_shape: Sequence[int | None] | None = None,
        input_dim: int | None = None,
        trainable: bool = True,
        dtype: DtypeLike | DTypePolicy = None,
        activity_regularizer: Identifier | None = None,
        autocast: bool = True,
        weights: Iterable[Any] | None = None,
        batch_input_shape: Sequence[int | None] | None = None,
        batch_shape: Sequence[int | None] | None = None,
        batch_size: int | None = None,
        input_length: int | None = None,
        **unknown: Any,
    ) -> None:
        refuse_unknown(type(self), unknown)
        super().__init__()
        self.name = name or ""
        self.named_by_author = bool(name)
        self.built = False
        self.nodes = []
        self._trainable = trainable
        self._first_weights = weights
        self.activity_regularizer = regularizers.get(activity_regularizer)
        self.autocast = autocast
        self.compute_in(policy_of_new() if dtype is None else policy_of(dtype))
        self.declared_input = declared_input(
            type(self),
            input_shape=input_shape,
            input_dim=input_dim,
            input_length=input_length,
            batch_input_shape=batch_input_shape,
            batch_shape=batch_shape,
            batch_size=batch_size,
        )

    @property
    def calls_forward_alone(self) -> bool:
        """Whether a call of it is what `forward` computes, and no more."""
        return self._policy is None and self.activity_regularizer is None

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
        config: dict[str, Any] = {"name": self.name, "trainable": self.trainable}
        if self._policy is not None:
            config["dtype"] = self._policy.name
        if self.activity_regularizer is not None:
            config["activity_regularizer"] = self.activity_regularizer
        return config if self.autocast else {**config, "autocast": False}

    # --- what a subclass inherits --------------------------------------------------------

    def __setattr__(self, name: str, value: Any) -> None:
        # An option that is set later is read as the constructor reads it: a name, None, a function.
        if name != "training":  # which each validation sets twice
            value = as_option(self, name, value)
        super().__setattr__(name, value)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        is_common = self.is_simple and self.built and self.activity_regularizer is None
        has_no_mask = is_common and not USE.begun
        if has_no_mask and not kwargs and len(args) == 1 and isinstance(args[0], Tensor):
            return nn.Module.__call__(self, *args)  # torch's own call, without a detour
        return super().__call__(*args, **kwargs)

    def _get_ready(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        if not self.built:
            self.ensure_built(*shapes_to_build_for(self.build, self.takes.names, args, kwargs))
            go_to_inputs(self, args, kwargs)

    def ensure_built(self, *input_shapes: Any) -> None:
        """Build once, for inputs of these shapes."""
        if self.built:
            return
        self.build(*input_shapes)
        self.built = True
        self._finish_weights()

    def _finish_weights(self) -> None:
        """Give new weights the type, the values and the `trainable` of the constructor."""
        if self._policy is not None:
            self.to(self._policy.variable)
        if self._first_weights is not None:
            first, self._first_weights = self._first_weights, None
            self.set_weights(list(first) if isinstance(first, (list, tuple)) else [first])
        if not self._trainable:
            freeze_new_weights(self)

    @property
    def weights(self) -> list[Tensor]:
        """Its parameters, then its buffers."""
        return [*self.parameters(), *self.buffers()]

    @property
    def trainable_weights(self) -> list[Tensor]:
        """The parameters that training changes now."""
        return [parameter for parameter in self.parameters() if parameter.requires_grad]

    @property
    def non_trainable_weights(self) -> list[Tensor]:
        """The parameters that are frozen, then its buffers."""
        trained = {id(weight) for weight in self.trainable_weights}
        return [weight for weight in self.weights if id(weight) not in trained]

    # Keras' newer names for the same.
    variables = weights
    trainable_variables = trainable_weights
    non_trainable_variables = non_trainable_weights

    def count_params(self) -> int:
        """How many numbers its weights hold.

        Raises:
            NotReadyError: if it is not built.
        """
        if not self.built:
            raise NotReadyError(
                f"{self.described}.count_params: its weights wait for the shape of the input. Call "
                "it with data, or call build(input_shape)."
            )
        return sum(weight.numel() for weight in self.weights)

    def compute_output_shape(self, input_shape: Any) -> Any:
        """The shape of the output for inputs of `input_shape`, batch axis first; lists and dicts of
        shapes for several.

        Raises:
            ShapeError: if it cannot take such inputs.

        Example:
            >>> from onfit.layers import Dense
            >>> Dense(3).compute_output_shape((None, 4))
            (None, 3)
        """
        twin = copy.deepcopy(self)  # asking builds nothing
        return mapped(lambda symbol: symbol.shape, Symbol, twin(symbols_of(input_shape)))

    def get_weights(self) -> list[np.ndarray[Any, Any]]:
        """Copies of its weights as numpy arrays. Where they lie in pieces on several processes, all
        of them call this, and `set_weights`.
        """
        reshard(self)
        return [as_numpy(whole(weight.detach())).copy() for weight in self.weights]

    def set_weights(self, weights: list[Any]) -> None:
        """Replace the values of the weights by arrays of the same shapes.

        Args:
            weights: the arrays, in the order of `get_weights`.

        Raises:
            ShapeError: if their number or their shapes differ; nothing is changed then.
        """
        reshard(self)
        mine = self.weights
        found = [tuple(np.shape(weight)) for weight in weights]
        expected = [tuple(weight.shape) for weight in mine]
        if found != expected:
            raise ShapeError(
                f"{self.described}.set_weights: expected arrays of shapes {expected}, got {found}."
            )
        with torch.no_grad():
            for weight, value in zip(mine, weights, strict=True):
                weight.copy_(divided_like(torch.as_tensor(np.asarray(value)), weight))

    def extra_repr(self) -> str:
        """The arguments that `repr` shows: those that are plain values and not the defaults."""
        return shown(self)

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
