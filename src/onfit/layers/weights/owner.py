"""How a layer or a model makes weights, and keeps them."""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import count
from typing import Any, Self

import numpy as np
import torch
from torch import Tensor, nn

from onfit import constraints, initializers, regularizers
from onfit.dtypes import torch_dtype
from onfit.errors import ArgumentError, ArgumentTypeError, ShapeError, did_you_mean
from onfit.layers.weights.room import take_room
from onfit.layers.weights.weight import Weight


class WeightOwner(nn.Module):
    """A module that makes weights of its own; a base of layers and models."""

    def add_weight(self, *args: Any, **options: Any) -> Weight:
        """Make a weight: a parameter, or a buffer if it is not trainable.

        Arguments may be given by name, or by place in the order of Keras 3 (shape, initializer,
        dtype), of Keras 2 (name, shape, dtype, initializer, regularizer, trainable, constraint), or
        as (name, shape, initializer, trainable, regularizer).

        Args:
            *args: arguments by place.
            **options: arguments by name:
                `name`: the attribute that it becomes; by default the attribute to which the
                weight is first assigned.
                `shape`: its shape; by default that of a single number.
                `initializer`: sets its first values: anything `initializers.get` takes;
                `"glorot_uniform"` by default, or `"zeros"` for a type that is not of floats.
                `dtype`: the type of its numbers; torch's default float type by default.
                `trainable`: whether training changes it; True by default.
                `regularizer`: the penalty on it: anything `regularizers.get` takes. It is kept as
                `self.<name>_regularizer`, and may be changed there at any time.
                `constraint`: its limit: anything `constraints.get` takes; `self.<name>_constraint`.

        Returns:
            The weight.

        Raises:
            ArgumentError: for an unknown argument, and for a length that is not known.
            ShapeError: if the initializer makes another shape, or if the file that a layer comes
                from has no weight of this size.

        Example:
            >>> owner = WeightOwner()
            >>> owner.scale = owner.add_weight(shape=(2,), initializer="ones")
            >>> [(name, tuple(weight.shape)) for name, weight in owner.named_parameters()]
            [('scale', (2,))]
        """
        asked = _by_name(args, options)
        name = asked.get("name") or self._blank_name()
        owner = getattr(self, "described", type(self).__name__)
        value = _first_value(asked, f"{owner}: its weight {name!r}")
        trainable = bool(asked.get("trainable", True)) and value.is_floating_point()
        weight = Weight(value, trainable, asked.get("name") or "")
        self.register_parameter(name, weight)
        for kind, room in (("regularizer", regularizers), ("constraint", constraints)):
            if asked.get(kind) is not None:
                setattr(self, f"{name}_{kind}", room.get(asked[kind]))
        return weight

    # Keras 1's and TensorFlow's name for the same.
    add_variable = add_weight

    def _blank_name(self) -> str:
        """A name for a weight that has none: variable, variable_1 ..."""
        names = ("variable" if index == 0 else f"variable_{index}" for index in count())
        return next(name for name in names if not hasattr(self, name))

    def register_parameter(self, name: str, param: nn.Parameter | None) -> None:
        """torch's way to keep a parameter, to which an assignment `self.w = weight` leads. A weight
        that is not trainable becomes a buffer. One that had no name gets this one.
        """
        if isinstance(param, Weight):
            if not param.name:
                self._leave_blank_name(param, name)
            if not param.trainable:
                self.register_buffer(name, param)
                return
        super().register_parameter(name, param)

    def _leave_blank_name(self, weight: Weight, name: str) -> None:
        for known in (self._parameters, self._buffers):
            for old in [key for key, value in known.items() if value is weight]:
                del known[old]
                weight.name = name
                for kind in ("regularizer", "constraint"):
                    if f"{old}_{kind}" in vars(self):
                        setattr(self, f"{name}_{kind}", vars(self).pop(f"{old}_{kind}"))

    def _load_from_state_dict(self, *args: Any) -> None:
        # torch calls this in `load_state_dict`. With `assign=True` it makes plain parameters.
        before = {**self._parameters, **self._buffers}
        super()._load_from_state_dict(*args)
        for name, was in before.items():
            now = getattr(self, name, None)
            if isinstance(was, Weight) and isinstance(now, Tensor) and not isinstance(now, Weight):
                delattr(self, name)
                self.register_parameter(name, was.like(now))

    def _apply(self, fn: Callable[[Any], Any], recurse: bool = True) -> Self:
        # What torch calls for `.to()` and the like. It would make plain tensors of buffers.
        before = {**self._parameters, **self._buffers}
        super()._apply(fn, recurse)  # type: ignore[no-untyped-call]
        for known in (self._parameters, self._buffers):
            for name, now in known.items():
                was = before[name]
                if isinstance(was, Weight) and isinstance(now, Tensor) and now is not was:
                    known[name] = _moved(was, now)
        return self


def _moved(weight: Weight, value: Tensor) -> Weight:
    """The same weight with other numbers; a new one where torch cannot put them into the old."""
    if not torch._has_compatible_shallow_copy_type(weight, value):
        return weight.like(value)
    weight.data = value.detach()
    return weight


def weights_with(model: nn.Module, suffix: str) -> Iterator[tuple[nn.Module, str]]:
    """Layers, and names of their weights: of those `kernel` for which there is a `kernel<suffix>`.

    Args:
        model: the model whose layers, at any depth, are looked at.
        suffix: what the layer's attribute is called beyond the weight's name: `"_constraint"`.
    """
    for layer in model.modules():
        for name, value in vars(layer).items():
            if value is not None and name.endswith(suffix):
                weight = name.removesuffix(suffix)
                if weight and getattr(layer, weight, None) is not None:
                    yield layer, weight


_ORDER_OF_KERAS_3 = ("shape", "initializer", "dtype")
_ORDER_OF_KERAS_2 = (
    "name",
    "shape",
    "dtype",
    "initializer",
    "regularizer",
    "trainable",
    "constraint",
)
_ORDER = ("name", "shape", "initializer", "trainable", "regularizer")
# What Keras takes beside these, and what has no effect here: nothing is cast, there is one replica.
_WITHOUT_EFFECT = ("autocast", "aggregation", "overwrite_with_gradient", "experimental_autocast")


def _by_name(args: Sequence[Any], options: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments of `add_weight` by name."""
    order = _order_of(args)
    by_place = dict(zip(order, args, strict=False))
    twice = by_place.keys() & options.keys()
    if len(args) > len(order) or twice:
        what = f"{min(twice)} twice" if twice else f"{len(args)} arguments by place"
        raise ArgumentTypeError(
            f"add_weight got {what}. Write add_weight(name=..., shape=..., initializer=...)."
        )
    for name in options:
        if name not in _ORDER_OF_KERAS_2 and name not in _WITHOUT_EFFECT:
            raise ArgumentError(
                f"add_weight({name}=...) is not an argument. It takes "
                f"{', '.join(_ORDER_OF_KERAS_2)}.{did_you_mean(name, _ORDER_OF_KERAS_2)}"
            )
    return {**by_place, **options}


def _order_of(args: Sequence[Any]) -> Sequence[str]:
    if args and not isinstance(args[0], (str, type(None))):
        return _ORDER_OF_KERAS_3
    return _ORDER if len(args) > 2 and not _is_dtype(args[2]) else _ORDER_OF_KERAS_2


def _is_dtype(value: Any) -> bool:
    if isinstance(value, str):
        return isinstance(getattr(torch, value, None), torch.dtype)
    return value is None or isinstance(value, (torch.dtype, np.dtype, type))


def _first_value(asked: Mapping[str, Any], owner: str) -> Tensor:
    given = asked.get("shape")
    shape = () if given is None else (given,) if isinstance(given, int) else tuple(given)
    if None in shape:
        raise ArgumentError(
            f"{owner} was asked for with shape={shape}, and the length of each axis of a weight is "
            "known. Take it from the axis of the features, not from that of the batch."
        )
    take_room(math.prod(shape), owner)
    dtype = None if asked.get("dtype") is None else torch_dtype(asked["dtype"])
    initializer = asked.get("initializer")
    if initializer is None:
        is_float = dtype is None or dtype.is_floating_point
        initializer = "glorot_uniform" if is_float else "zeros"
    value = torch.as_tensor(initializers.get(initializer)(shape), dtype=dtype)
    if tuple(value.shape) != shape:
        raise ShapeError(
            f"{owner} is to have shape {shape}, and its initializer made one of shape "
            f"{tuple(value.shape)}."
        )
    return value
