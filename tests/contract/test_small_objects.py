"""Initializers, regularizers, constraints and activations: every argument, against Keras' own."""

import inspect
from typing import Any

import keras
import numpy as np
import pytest
import torch
from tests.contract.walker import (
    KEPT,
    Argument,
    arguments_of,
    assert_named,
    lacking,
    plain,
    signature,
    verdict,
)
from tests.twin.keras_twin import tolerant_of_keras

from onfit import activations, constraints, initializers, layers, regularizers
from onfit.errors import ArgumentError, ShapeError

pytestmark = tolerant_of_keras

ROOMS = {
    "initializers": initializers,
    "regularizers": regularizers,
    "constraints": constraints,
}
# What Keras has and onfit has not, and why.
LACKING = {
    "STFT": "kernels of a Fourier transform, for layers of sound that are not here",
}
VALUES: dict[str, Any] = {
    "axis": [0, 1],
    "distribution": "untruncated_normal",
    "factor": 0.3,
    "gain": 2.0,
    "input_axes": [0, 1],
    "l1": 0.3,
    "l2": 0.3,
    "max_value": 0.7,
    "maxval": 0.7,
    "mean": 0.7,
    "min_value": 0.3,
    "minval": -0.7,
    "mode": "fan_out",
    "output_axes": [2],
    "rate": 0.3,
    "scale": 3.0,
    "seed": 5,
    "stddev": 0.7,
    "value": 0.7,
}
VALUES_OF = {"OrthogonalRegularizer(mode)": "columns"}

ARGUMENTS = [
    argument
    for name, room in ROOMS.items()
    for argument in arguments_of(getattr(keras, name), room)
]


def value_of(argument: Argument) -> Any:
    return VALUES_OF.get(str(argument), VALUES.get(argument.name))


@pytest.mark.parametrize("argument", ARGUMENTS, ids=str)
def test_every_argument_of_keras_is_kept(argument: Argument) -> None:
    assert verdict(argument, value_of(argument), VALUES) == KEPT


@pytest.mark.parametrize("argument", ARGUMENTS, ids=str)
def test_a_configuration_makes_an_equal_object_here_and_there(argument: Argument) -> None:
    made = argument.ours(**{argument.name: value_of(argument)})
    room = next(room for room in ROOMS.values() if argument.owner in dir(room))
    again = [room.get(room.serialize(made)), type(made).from_config(made.get_config())]
    assert [plain(each) for each in again] == [plain(made)] * 2
    assert type(argument.theirs.from_config(made.get_config())) is argument.theirs


def test_what_is_lacking_is_listed() -> None:
    found = [each for name, room in ROOMS.items() for each in lacking(getattr(keras, name), room)]
    assert found == list(LACKING)


@pytest.mark.parametrize("room", ROOMS)
def test_every_name_of_keras_in_lower_case_is_called_like_a_class(room: str) -> None:
    theirs = getattr(keras, room)
    for name in (n for n in dir(theirs) if n.islower() and inspect.isclass(getattr(theirs, n))):
        if getattr(theirs, name).__name__ not in LACKING:
            assert getattr(ROOMS[room], name).__name__ == getattr(theirs, name).__name__
            assert callable(ROOMS[room].get(name))


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: initializers.RandomNormal(stdev=1.0), ("stdev", "stddev")),
        (lambda: initializers.HeNormal(sead=1), ("sead", "seed")),
        (lambda: initializers.Zeros(value=1), ("value", "none")),
        (lambda: initializers.GlorotUniform(seed="x"), ("seed", "'x'")),
        (lambda: initializers.VarianceScaling(mode="fan_inn"), ("mode", "fan_in")),
        (lambda: initializers.VarianceScaling(distribution="norml"), ("distribution",)),
        (lambda: initializers.VarianceScaling(scale=0), ("scale",)),
        (lambda: initializers.get("glorot_unform"), ("glorot_unform", "glorot_uniform")),
        (lambda: initializers.Constant(np.ones(3))((2, 2)), ("(3,)", "(2, 2)")),
        (lambda: initializers.Orthogonal()((3,)), ("Orthogonal", "(3,)")),
        (lambda: regularizers.L2(l=0.1), ("L2(l", "l2")),
        (lambda: regularizers.L1(-0.1), ("l1", "-0.1")),
        (lambda: regularizers.L1L2(l2="much"), ("l2", "'much'")),
        (lambda: regularizers.OrthogonalRegularizer(mode="row"), ("mode", "'rows'")),
        (lambda: regularizers.OrthogonalRegularizer()(torch.ones(3)), ("(3,)",)),
        (lambda: constraints.MaxNorm(max=2), ("max", "max_value")),
        (lambda: constraints.get("maxnom"), ("maxnom", "maxnorm")),
        (lambda: constraints.get(3), ("3", "constraint")),
    ],
)
def test_a_misspelt_or_impossible_argument_is_named(call: Any, words: tuple[str, ...]) -> None:
    assert_named(call, *words)


# --- what they compute -------------------------------------------------------------------------

WEIGHT = np.random.default_rng(0).normal(size=(4, 3, 5)).astype("float32")
SETTINGS: list[tuple[str, dict[str, Any]]] = [
    ("MaxNorm", {}),
    ("MaxNorm", {"max_value": 0.5, "axis": [0, 1]}),
    ("MaxNorm", {"axis": -1}),
    ("NonNeg", {}),
    ("UnitNorm", {}),
    ("UnitNorm", {"axis": [0, 2]}),
    ("MinMaxNorm", {}),
    ("MinMaxNorm", {"min_value": 2.0, "max_value": 2.5, "rate": 0.3, "axis": 1}),
]


@pytest.mark.parametrize(("name", "settings"), SETTINGS, ids=str)
def test_a_constraint_gives_what_keras_gives(name: str, settings: dict[str, Any]) -> None:
    expected = getattr(keras.constraints, name)(**settings)(WEIGHT)
    found = getattr(constraints, name)(**settings)(torch.from_numpy(WEIGHT))
    np.testing.assert_allclose(found.numpy(), keras.ops.convert_to_numpy(expected), rtol=1e-6)


@pytest.mark.parametrize("mode", ["rows", "columns"])
def test_the_orthogonal_regularizer_gives_what_keras_gives(mode: str) -> None:
    expected = keras.regularizers.OrthogonalRegularizer(0.3, mode)(keras.ops.array(WEIGHT[0]))
    found = regularizers.OrthogonalRegularizer(0.3, mode)(torch.from_numpy(WEIGHT[0]))
    assert float(found) == pytest.approx(float(expected), rel=1e-5)


def test_a_factor_that_is_a_tensor_is_read_at_each_call() -> None:
    factor = torch.tensor(0.0)
    penalty = regularizers.L2(factor)
    assert float(penalty(torch.ones(3))) == 0.0
    factor.fill_(2.0)
    assert float(penalty(torch.ones(3))) == 6.0
    assert penalty.get_config() == {"l2": 2.0}


def test_a_name_alone_asks_for_both_penalties() -> None:
    assert regularizers.get("l1_l2").get_config() == {"l1": 0.01, "l2": 0.01}


@pytest.mark.parametrize("value", [0.5, [1.0, 2.0, 3.0], WEIGHT[0]], ids=["number", "list", "all"])
def test_a_constant_may_be_an_array_as_in_keras(value: Any) -> None:
    expected = keras.initializers.Constant(value)((3, 5) if np.ndim(value) == 2 else (2, 3))
    found = initializers.Constant(value)(tuple(expected.shape))
    np.testing.assert_array_equal(found.numpy(), keras.ops.convert_to_numpy(expected))


def test_an_array_is_an_initializer() -> None:
    layer = layers.Dense(5, kernel_initializer=WEIGHT[0], bias_initializer=torch.arange(5.0))
    layer.ensure_built((None, 3))
    np.testing.assert_array_equal(layer.get_weights()[0], WEIGHT[0])
    with pytest.raises(ShapeError):
        layers.Dense(4, kernel_initializer=WEIGHT[0]).ensure_built((None, 3))


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float64"])
@pytest.mark.parametrize("name", ["orthogonal", "glorot_normal", "he_uniform", "ones", "constant"])
def test_first_values_come_in_the_type_that_is_asked_for(name: str, dtype: str) -> None:
    drawn = initializers.get(name)((4, 3), dtype=dtype)
    assert drawn.dtype == getattr(torch, dtype)


def test_the_axes_of_inputs_and_outputs_set_the_variance() -> None:
    usual = initializers.LecunNormal(seed=1)((10, 20, 30))
    told = initializers.LecunNormal(1, input_axes=[0], output_axes=[1, 2])((10, 20, 30))
    torch.testing.assert_close(told, usual * (200 / 10) ** 0.5)


# --- activations -------------------------------------------------------------------------------

POINTS = np.linspace(-7, 7, 24, dtype="float32").reshape(4, 6)
FUNCTIONS = [
    name
    for name in dir(keras.activations)
    if inspect.isfunction(getattr(keras.activations, name))
    and name not in ("get", "serialize", "deserialize")
]
OPTIONS: dict[str, list[dict[str, Any]]] = {
    "celu": [{"alpha": 0.5}],
    "elu": [{"alpha": 0.5}],
    "gelu": [{"approximate": True}],
    "glu": [{"axis": 0}],
    "hard_shrink": [{"threshold": 2.0}],
    "leaky_relu": [{"negative_slope": 0.5}],
    "log_softmax": [{"axis": 0}],
    "relu": [
        {"negative_slope": 0.5},
        {"max_value": 3.0},
        {"threshold": 1.5},
        {"max_value": 6.0, "threshold": 1.5, "negative_slope": 0.1},
    ],
    "soft_shrink": [{"threshold": 2.0}],
    "softmax": [{"axis": 0}],
    "sparsemax": [{"axis": 0}],
    "squareplus": [{"b": 1.0}],
    "threshold": [{"threshold": 1.5, "default_value": -3.0}],
}
# Keras 3.15 adds up what should be taken once: its outputs do not sum to 1.
WRONG_IN_KERAS = {"sparsemax"}
CALLS = [
    (name, options)
    for name in FUNCTIONS
    if name not in WRONG_IN_KERAS
    for options in ([] if name == "threshold" else [{}]) + OPTIONS.get(name, [])
]


@pytest.mark.parametrize(("name", "options"), CALLS, ids=str)
def test_an_activation_gives_what_keras_gives(name: str, options: dict[str, Any]) -> None:
    expected = getattr(keras.activations, name)(keras.ops.array(POINTS), **options)
    found = getattr(activations, name)(torch.from_numpy(POINTS), **options)
    expected = keras.ops.convert_to_numpy(expected)
    np.testing.assert_allclose(found.numpy(), expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("axis", [0, 1, -1])
def test_sparsemax_is_the_nearest_point_that_sums_to_1(axis: int) -> None:
    given = torch.from_numpy(POINTS) / 5
    found = activations.sparsemax(given, axis=axis)
    torch.testing.assert_close(found.sum(axis), torch.ones_like(found.sum(axis)))
    limit = (given - found).where(found > 0, -torch.inf).amax(axis, keepdim=True)
    torch.testing.assert_close(found, torch.relu(given - limit))
    alone = torch.tensor([[5.0, 1.0]])
    assert activations.sparsemax(alone).tolist() == [[1.0, 0.0]]


@pytest.mark.parametrize("name", FUNCTIONS)
def test_every_argument_of_an_activation_is_tried(name: str) -> None:
    tried = {argument for options in OPTIONS.get(name, []) for argument in options}
    wanted = signature(getattr(keras.activations, name)).keys() - {"x"}
    assert tried == wanted
    if name == "threshold":  # by its name alone it lacks its arguments
        assert_named(lambda: activations.get(name), "threshold")
    else:
        assert activations.get(name) is getattr(activations, name)


def test_keras_2_calls_the_slope_alpha() -> None:
    x = torch.tensor([-2.0, 3.0])
    assert activations.relu(x, alpha=0.5).tolist() == [-1.0, 3.0]


def test_a_written_activation_is_found_again() -> None:
    config = {"module": "builtins", "class_name": "function", "config": "mish"}
    assert activations.get(config) is activations.mish
    with pytest.raises(ArgumentError, match="swish"):
        activations.get("swisch")
