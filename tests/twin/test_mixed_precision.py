"""Layers under mixed policies against Keras' own: the same types, nearly the same numbers."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import torch
from tests.twin.keras_twin import KERAS, ONFIT, Script, outcome, tolerant_of_keras
from tests.twin.test_layers import (
    LAYERS,
    MERGES,
    SEQUENCE,
    amidst,
    inputs,
    model_of,
    same_start,
    sgd,
    targets,
)

from onfit import mixed_precision
from onfit.models import load_model

pytestmark = tolerant_of_keras


def cases(names: Iterable[str]) -> list[Any]:
    """Each name with each policy; in `make test` only the first one of each kind of layer, with
    bfloat16.
    """
    kinds: set[str] = set()
    found = []
    for name in names:
        kind = name.partition(" ")[0]
        marks = () if kind not in kinds else pytest.mark.slow
        kinds.add(kind)
        found.append(pytest.param(name, "mixed_bfloat16", marks=marks))
        found.append(pytest.param(name, "mixed_float16", marks=pytest.mark.slow))
    return found


@pytest.fixture
def chosen(policy: str) -> Iterator[None]:
    """Both libraries make layers of this policy."""
    keras.mixed_precision.set_global_policy(policy)
    mixed_precision.set_global_policy(policy)
    yield
    keras.mixed_precision.set_global_policy("float32")
    mixed_precision.set_global_policy(None)


def near(ours: Any, theirs: Any) -> None:
    """Compare numbers that went through half types: bfloat16 has 8 bits, float16 11."""
    a, b = (np.asarray(each, "float32") for each in (ours, theirs))
    np.testing.assert_allclose(a, b, rtol=0.05, atol=0.05 * max(1.0, float(np.abs(b).max())))


def types_of(model: Any) -> list[tuple[str, str, str, str]]:
    """Of each layer its policy, its types, and that of its output."""
    return [
        (
            layer.dtype_policy.name,
            layer.compute_dtype,
            layer.variable_dtype,
            str(layer.output.dtype).removeprefix("torch."),
        )
        for layer in model.layers
        if type(layer).__name__ != "InputLayer"
    ]


def assert_alike(build: Script, x: Any) -> None:
    reference, model = same_start(build)
    assert types_of(model) == types_of(reference)
    near(model.predict(x, verbose=0), reference.predict(x, verbose=0))
    found = []
    for lib, each in ((KERAS, reference), (ONFIT, model)):
        each.compile(optimizer=sgd(lib), loss="mse")
        found.append(outcome(each, x, targets()))
    for theirs, ours in zip(found[0].weights, found[1].weights, strict=True):
        assert ours.dtype == theirs.dtype
        near(ours, theirs)


@pytest.mark.usefixtures("chosen")
@pytest.mark.parametrize(("name", "policy"), cases(LAYERS))
def test_layers_compute_and_learn_in_half_types_as_keras_do(name: str, policy: str) -> None:
    shape, layer = LAYERS[name]
    assert_alike(amidst(shape, layer), inputs(shape))


def merged(name: str) -> Script:
    def build(lib: Any) -> Any:
        x = lib.Input(shape=SEQUENCE)
        merged = MERGES[name](lib)([lib.layers.Dense(3)(x), lib.layers.Dense(3)(x)])
        y = lib.layers.Dense(1)(lib.layers.Flatten()(merged))
        return model_of(lib)(x, y)

    return build


# In float16 the gradients of a normalized product overflow in Keras, which then skips steps.
OVERFLOWS = "dot, normalized"


@pytest.mark.usefixtures("chosen")
@pytest.mark.parametrize(
    ("name", "policy"),
    [case for case in cases(MERGES) if case.values != (OVERFLOWS, "mixed_float16")],
)
def test_merges_compute_and_learn_in_half_types_as_keras_do(name: str, policy: str) -> None:
    assert_alike(merged(name), inputs(SEQUENCE))


@pytest.mark.usefixtures("chosen")
@pytest.mark.parametrize("policy", ["mixed_float16"])
def test_a_normalized_product_overflows_less_often_than_in_keras(policy: str) -> None:
    scales = []
    for lib, model in zip((KERAS, ONFIT), same_start(merged(OVERFLOWS)), strict=True):
        model.compile(optimizer=sgd(lib), loss="mse")
        outcome(model, inputs(SEQUENCE), targets())
        scales.append(float(model.optimizer.dynamic_scale))
    assert scales[0] < scales[1]


@pytest.mark.usefixtures("chosen")
@pytest.mark.parametrize("policy", ["mixed_bfloat16", "mixed_float16"])
def test_the_last_layer_says_the_type_of_the_output(policy: str) -> None:
    for dtype, expected in ((None, policy.removeprefix("mixed_")), ("float32", "float32")):
        for lib in (KERAS, ONFIT):
            last = lib.layers.Dense(3, activation="softmax", dtype=dtype)
            model = lib.Sequential([lib.Input(shape=(4,)), lib.layers.Dense(5), last])
            symbol = model.outputs[0] if lib is KERAS else model.output
            assert str(symbol.dtype).removeprefix("torch.") == expected
            out = model(torch.ones(2, 4))
            assert str(out.dtype).removeprefix("torch.") == expected


@pytest.mark.usefixtures("chosen")
@pytest.mark.parametrize("policy", ["mixed_bfloat16", "mixed_float16"])
def test_both_scale_the_loss_in_float16_alone(policy: str) -> None:
    kinds = []
    for lib in (KERAS, ONFIT):
        model = lib.Sequential([lib.Input(shape=(4,)), lib.layers.Dense(1)])
        for scale in (True, False):
            model.compile("sgd", "mse", auto_scale_loss=scale)
            kinds.append(type(model.optimizer).__name__)
    first = "LossScaleOptimizer" if policy == "mixed_float16" else "SGD"
    assert kinds == [first, "SGD"] * 2


@pytest.mark.usefixtures("chosen")
@pytest.mark.parametrize("policy", ["mixed_bfloat16", "mixed_float16"])
@pytest.mark.parametrize("suffix", [".keras", ".h5"])
def test_files_record_policies_both_ways(policy: str, suffix: str, tmp_path: Path) -> None:
    def build(lib: Any) -> Any:
        layers = lib.layers
        last = layers.Activation("softmax", dtype="float32")
        norm = layers.BatchNormalization()
        return lib.Sequential([lib.Input((4,)), layers.Dense(5), norm, layers.Dense(3), last])

    theirs, ours = same_start(build)
    x = inputs((4,))
    keras.mixed_precision.set_global_policy("float32")  # the file says it, whatever is chosen now
    mixed_precision.set_global_policy(None)
    path = tmp_path / f"ours{suffix}"
    ours.save(path)
    opened = keras.models.load_model(path, compile=False)
    assert types_of(opened) == types_of(theirs)
    near(ours.predict(x, verbose=0), opened.predict(x, verbose=0))
    path = tmp_path / f"theirs{suffix}"
    opened.save(path)
    again = load_model(path, compile=False)
    assert types_of(again) == types_of(ours)
    np.testing.assert_array_equal(again.predict(x, verbose=0), ours.predict(x, verbose=0))
