"""The arguments that every layer takes, and those of Keras that a layer does not have."""

import inspect
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from torch import nn

from onfit.errors import ArgumentError, did_you_mean
from onfit.layers.shapes import Shape

# What Keras 1 called arguments, and their names since.
_KERAS_1 = {
    "nb_filter": "filters", "filter_length": "kernel_size", "border_mode": "padding",
    "subsample": "strides", "subsample_length": "strides", "dim_ordering": "data_format",
    "atrous_rate": "dilation_rate", "bias": "use_bias", "init": "kernel_initializer",
    "inner_init": "recurrent_initializer", "inner_activation": "recurrent_activation",
    "forget_bias_init": "unit_forget_bias", "W_regularizer": "kernel_regularizer",
    "U_regularizer": "recurrent_regularizer", "b_regularizer": "bias_regularizer",
    "W_constraint": "kernel_constraint", "b_constraint": "bias_constraint",
    "dropout_W": "dropout", "dropout_U": "recurrent_dropout", "consume_less": "implementation",
    "pool_length": "pool_size", "stride": "strides", "p": "rate", "mode": "axis",
    "concat_axis": "axis", "beta_init": "beta_initializer", "gamma_init": "gamma_initializer",
}  # fmt: skip


@dataclass(frozen=True)
class NotHere:
    """An argument of Keras that a layer does not have.

    Attributes:
        instead: what to do instead; None if any value will do, because it changes no result.
        idle: the values that ask for nothing, beside None.
    """

    instead: str | None
    idle: tuple[Any, ...] = ()


# Keras 3's ways to adapt and to shrink a trained layer.
OF_ADAPTERS: Mapping[str, NotHere] = {
    "lora_rank": NotHere("Freeze the layer, and add the output of two narrow Dense layers to its."),
    "lora_alpha": NotHere("It goes with lora_rank."),
    "quantization_config": NotHere("Use torch.ao.quantization on the trained model."),
}


def refuse_unknown(layer: type, unknown: Mapping[str, Any]) -> None:
    """Refuse arguments that a layer does not have.

    Args:
        layer: the class of the layer.
        unknown: the arguments that no constructor took.

    Raises:
        ArgumentError: for the first that asks for something. The text names the nearest argument,
            or says what to do instead.
    """
    here: Mapping[str, NotHere] = getattr(layer, "of_keras_alone", {})
    for name, value in unknown.items():
        if name not in here:
            raise ArgumentError(_unknown_argument(layer, name))
        instead, idle = here[name].instead, here[name].idle
        if instead is not None and value is not None and value not in idle:
            raise ArgumentError(
                f"{layer.__name__}({name}={value!r}) is not there: this layer has no {name}. "
                f"{instead}"
            )


def _unknown_argument(layer: type, name: str) -> str:
    known = list(dict.fromkeys(each for cls in layer.__mro__ for each in parameters_of(cls)))
    renamed = _KERAS_1.get(name)
    hint = did_you_mean(name, known)
    if renamed in known:
        hint = f" It is Keras 1's name: write {renamed}."
    return (
        f"{layer.__name__}({name}=...) is not an argument of this layer. "
        f"It takes {', '.join(known)}.{hint}"
    )


def parameters_of(cls: type) -> dict[str, Any]:
    """The arguments of a class, and their defaults."""
    if cls in (nn.Module, object):
        return {}
    found = inspect.signature(cls).parameters.values()
    return {p.name: p.default for p in found if p.kind not in (p.VAR_KEYWORD, p.VAR_POSITIONAL)}


@dataclass(frozen=True)
class DeclaredInput:
    """What the arguments of a layer say of its inputs.

    Attributes:
        shape: the shape of one sample.
        batch_size: the length of the batch axis; None if it varies.
    """

    shape: Shape
    batch_size: int | None = None


def declared_input(
    layer: type,
    *,
    input_shape: Sequence[int | None] | int | None,
    input_dim: int | None,
    input_length: int | None,
    batch_input_shape: Sequence[int | None] | None,
    batch_shape: Sequence[int | None] | None,
    batch_size: int | None,
) -> DeclaredInput | None:
    """What arguments say of a layer's inputs; None if they say nothing.

    Raises:
        ArgumentError: if two of them contradict each other, or one is no shape.
    """
    whole = batch_input_shape if batch_shape is None else batch_shape
    if whole is not None:
        _require_shape(layer, "batch_shape", whole)
        batch_size, *rest = whole
        input_shape = tuple(rest)
    elif input_dim is not None or input_length is not None:
        input_shape = _sample_shape(layer, input_dim, input_length)
    if input_shape is None:
        if batch_size is not None:
            raise ArgumentError(
                f"{layer.__name__}(batch_size={batch_size}): the length of the batch axis goes "
                "with input_shape, the shape of a sample."
            )
        return None
    _require_shape(layer, "input_shape", input_shape)
    return DeclaredInput(tuple(input_shape), batch_size)  # type: ignore[arg-type]


def _sample_shape(layer: type, input_dim: int | None, input_length: int | None) -> Shape:
    """The shape of a sample by Keras' two older arguments for it."""
    if getattr(layer, "walks_sequences", False):
        return (input_length, input_dim)
    if input_length is None:
        return (input_dim,)
    raise ArgumentError(
        f"{layer.__name__}(input_length={input_length}): this is for layers of sequences. Write "
        "input_shape, the shape of a sample."
    )


def _require_shape(layer: type, name: str, shape: Any) -> None:
    sizes = shape if isinstance(shape, (tuple, list)) else ["no tuple"]
    if not all(size is None or hasattr(size, "__index__") for size in sizes):
        raise ArgumentError(
            f"{layer.__name__}({name}={shape!r}): {name} is a tuple of whole numbers, with None "
            "for an axis that varies."
        )
