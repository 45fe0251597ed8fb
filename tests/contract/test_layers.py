"""Every argument of every layer, by Keras' signatures: kept, or refused by its name."""

import inspect
from typing import Any

import keras
import numpy as np
import pytest
import torch
from tests.contract.walker import (
    KEPT,
    REFUSED,
    Argument,
    arguments_of,
    assert_named,
    signature,
    verdict,
)

from onfit import layers
from onfit.layers.layer import Layer

# Arguments that Keras takes for every layer without a word in its signature; most since Keras 1.
OF_EVERY_LAYER = ["input_shape", "input_dim", "batch_input_shape", "batch_shape", "weights"]

# What is refused, and why. All else must be kept.
REFUSED_ON_PURPOSE = {
    "gptq_unpacked_column_size": "torch has its own tools",
    "lora_rank": "adapters of large trained nets; torch has its own libraries for them",
    "lora_alpha": "goes with lora_rank",
    "quantization_config": "torch has its own tools",
    "output_padding": "a ZeroPadding layer behind it does the same",
    "renorm": "batch renormalization is not there",
    "renorm_clipping": "goes with renorm",
    "sliding_window": "attention_mask= of a call says the same",
    "stateful": "a state is carried by return_state and initial_state",
    "use_gate": "a Dense layer beside it does the same",
    "synchronized": "compile(sync_batch_norm=True) does it, for all layers",
}
REFUSED_OF_ONE = {
    "ActivityRegularization(activity_regularizer)",  # it is one itself
    "AdditiveAttention(score_mode)",  # it has one way to score
}
# Taken and not kept: they change no result.
IDLE = {"flash_attention", "output_shape", "unroll", "use_cudnn", "renorm_momentum"}
# What a base class of Keras is told by its subclasses, not by users.
OF_SUBCLASSES = {"pool_mode"}


def the_same_mask(x: Any, mask: Any) -> Any:
    return mask


REQUIRED: dict[str, Any] = {
    "dims": (2, 1),
    "equation": "abc,cd->abd",
    "cell": layers.LSTMCell(2),
    "cells": [layers.LSTMCell(2), layers.GRUCell(3)],
    "key_dim": 3,
    "layer": layers.LSTM(2),
    "n": 3,
    "num_heads": 2,
    "output_shape": (None, 3),
    "stddev": 0.3,
    "cropping": 1,
    "padding": 1,
    "activation": "relu",
    "axes": 1,
    "filters": 4,
    "function": abs,
    "input_dim": 9,
    "kernel_size": 2,
    "net": torch.nn.Linear(2, 2),
    "output_dim": 3,
    "pool_size": 3,
    "rate": 0.3,
    "scale": False,
    "target_shape": (2, 3),
    "units": 4,
}
VALUES: dict[str, Any] = {
    **REQUIRED,
    "activation": "tanh",
    "activity_regularizer": "l2",
    "arguments": {"by": 2},
    "attention_axes": 1,
    "backward_layer": layers.LSTM(2, go_backwards=True),
    "bias_axes": "d",
    "flash_attention": True,
    "gptq_unpacked_column_size": 2,
    "merge_mode": "sum",
    "score_mode": "concat",
    "sliding_window": 2,
    "use_gate": True,
    "use_scale": True,
    "value_dim": 5,
    "autocast": False,
    "axes": 2,
    "axis": 1,
    "batch_input_shape": (8, 3),
    "batch_shape": (8, 3),
    "center": False,
    "data_format": "channels_first",
    "dilation_rate": 3,
    "dropout": 0.3,
    "dtype": "float64",
    "epsilon": 0.3,
    "function": len,
    "go_backwards": True,
    "groups": 2,
    "input_shape": (3,),
    "keepdims": True,
    "lora_alpha": 2,
    "lora_rank": 2,
    "mask": the_same_mask,
    "mask_value": 0.3,
    "mask_zero": True,
    "momentum": 0.3,
    "name": "mine",
    "noise_shape": (1, 3),
    "normalize": True,
    "output_shape": (3,),
    "padding": "same",
    "quantization_config": "int8",
    "recurrent_activation": "relu",
    "recurrent_dropout": 0.3,
    "renorm": True,
    "renorm_clipping": {"rmax": 2},
    "renorm_momentum": 0.3,
    "reset_after": False,
    "return_sequences": True,
    "return_state": True,
    "seed": 7,
    "alpha": 0.3,
    "cropping": ((1, 2), (3, 4)),
    "depth_multiplier": 2,
    "dims": (2, 1),
    "interpolation": "bilinear",
    "l1": 0.3,
    "l2": 0.3,
    "max_value": 3.0,
    "n": 3,
    "negative_slope": 0.2,
    "offset": 0.3,
    "output_padding": 1,
    "shared_axes": [1],
    "size": 3,
    "stddev": 0.3,
    "threshold": 0.3,
    "stateful": True,
    "strides": 3,
    "synchronized": "compile(sync_batch_norm=True) does it, for all layers",
    "trainable": False,
    "unit_forget_bias": False,
    "unroll": True,
    "use_bias": False,
    "use_cudnn": False,
    "weights": [np.ones((9, 3), "float32")],
    "zero_output_for_mask": True,
}
KINDS = {"constraint": "unit_norm", "initializer": "he_normal", "regularizer": "l1"}

ARGUMENTS = [
    argument
    for argument in arguments_of(keras.layers, layers, also=OF_EVERY_LAYER)
    if argument.name not in OF_SUBCLASSES and argument.owner not in ("Layer", "InputLayer")
]


# Values of one layer's argument, where its like has another meaning elsewhere.
VALUES_OF: dict[str, Any] = {
    "Cropping1D(cropping)": (1, 2),
    "ZeroPadding1D(padding)": (1, 2),
    "ZeroPadding2D(padding)": ((1, 2), (3, 4)),
    "Cropping3D(cropping)": ((1, 0), (0, 1), (1, 1)),
    "ZeroPadding3D(padding)": ((1, 0), (0, 1), (1, 1)),
    "Rescaling(scale)": 0.3,
}


def value_of(argument: Argument) -> Any:
    if str(argument) in VALUES_OF:
        return VALUES_OF[str(argument)]
    return VALUES.get(argument.name, KINDS.get(argument.name.rpartition("_")[2]))


def shown(argument: Argument) -> Any:
    """How a layer shows an argument; None for the usual way."""
    if argument.name in ("input_shape", "batch_input_shape", "batch_shape"):
        whole = argument.name != "input_shape"

        def declared(layer: Any) -> Any:
            found = layer.declared_input
            return (found.batch_size, *found.shape) if whole else found.shape

        return declared
    if argument.name == "input_dim" and argument.owner != "Embedding":
        return lambda layer: layer.declared_input.shape[-1]
    if argument.name in ("cell", "cells"):
        name, given = argument.name, VALUES[argument.name]

        def within(around: Any) -> Any:
            found = getattr(type(around).from_config(around.get_config()), name)
            return given if _kinds_of_cells(found) == _kinds_of_cells(given) else found

        return within
    if argument.name in ("layer", "backward_layer"):
        name, given = argument.name, VALUES[argument.name]

        def held(around: Any) -> Any:
            found = layers.deserialize(around.get_config()[name])
            return given if (type(found), found.units) == (type(given), given.units) else found

        return held
    if argument.name == "weights":
        is_made = argument.owner == "Embedding"
        return lambda layer: layer.get_weights() if is_made else layer._first_weights
    return None


def _kinds_of_cells(cells: Any) -> list[Any]:
    return [(type(cell), cell.units) for cell in (cells if isinstance(cells, list) else [cells])]


@pytest.mark.parametrize("argument", ARGUMENTS, ids=str)
def test_every_argument_of_keras_is_kept_or_refused_by_name(argument: Argument) -> None:
    value = value_of(argument)
    assert value is not None, f"write a value for {argument.name}"
    seen = (lambda layer: value) if argument.name in IDLE else shown(argument)
    is_refused = argument.name in REFUSED_ON_PURPOSE or str(argument) in REFUSED_OF_ONE
    expected = REFUSED if is_refused else KEPT
    assert verdict(argument, value, REQUIRED, seen) == expected


@pytest.mark.parametrize(
    "argument",
    [each for each in ARGUMENTS if each.name in REFUSED_ON_PURPOSE],
    ids=str,
)
def test_what_is_refused_is_taken_with_keras_default(argument: Argument) -> None:
    default = inspect.signature(argument.theirs).parameters.get(argument.name)
    value = None if default is None else default.default
    assert verdict(argument, value, REQUIRED, lambda layer: value) == KEPT


@pytest.mark.parametrize("name", sorted({each.owner for each in ARGUMENTS}))
def test_positional_arguments_come_in_keras_order(name: str) -> None:
    def positional(kind: Any) -> list[str]:
        parameters = inspect.signature(kind).parameters.values()
        found = [p.name for p in parameters if p.kind is p.POSITIONAL_OR_KEYWORD]
        return [each for each in found if each not in REFUSED_ON_PURPOSE]

    theirs, ours = positional(getattr(keras.layers, name)), positional(getattr(layers, name))
    assert ours == theirs[: len(ours)] or ours[: len(theirs)] == theirs


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: layers.Dense(3, activaton="relu"), ("activaton", "'activation'")),
        (lambda: layers.Dense(3, kernel_constrain="non_neg"), ("kernel_constraint",)),
        (lambda: layers.Dense(3, kernel_constraint="nonneg_"), ("nonneg_", "'nonneg'")),
        (lambda: layers.Conv2D(3, 2, border_mode="same"), ("border_mode", "padding")),
        (lambda: layers.LSTM(3, inner_activation="relu"), ("recurrent_activation",)),
        (lambda: layers.Dense(3, stateful=True), ("stateful",)),
        (lambda: layers.Dense(3, dtype="mixed_bfloat15"), ("mixed_bfloat15", "'mixed_bfloat16'")),
        (lambda: layers.Dense(3, dtype="floatt32"), ("floatt32", "'float32'")),
        (lambda: layers.Dense(3, dtype="int64"), ("int64", "floats")),
        (lambda: layers.Dense(3, input_shape="wide"), ("input_shape", "wide")),
        (lambda: layers.Dense(3, batch_size=4), ("batch_size", "input_shape")),
        (lambda: layers.Dense(3, input_length=4), ("input_length", "input_shape")),
        (lambda: layers.Input((3,), sparse=True), ("sparse", "dense")),
        (lambda: layers.Input((3,), tensor=torch.ones(3)), ("tensor",)),
        (lambda: layers.Input(shap=(3,)), ("shap", "'shape'")),
        (lambda: layers.Flatten(data_format="first"), ("data_format", "first")),
    ],
)
def test_a_misspelt_or_impossible_argument_is_named(call: Any, words: tuple[str, ...]) -> None:
    assert_named(call, *words)


def test_every_argument_of_an_input_is_taken() -> None:
    given: dict[str, Any] = dict.fromkeys(signature(keras.Input))
    made = layers.Input(**{**given, "shape": (3,), "dtype": "int64", "name": "it"})
    assert (made.shape, made.dtype, made.name) == ((None, 3), torch.int64, "it")


def test_the_lists_name_only_what_there_is() -> None:
    names = {argument.name for argument in ARGUMENTS}
    assert {*REFUSED_ON_PURPOSE, *IDLE} <= names
    assert issubclass(layers.Dense, Layer)
