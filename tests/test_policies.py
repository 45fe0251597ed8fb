"""Policies by name, and the one that new layers have."""

import keras
import numpy as np
import pytest
import torch

import onfit
from onfit import backend as K
from onfit import mixed_precision
from onfit.dtypes import torch_dtype
from onfit.errors import ArgumentError
from onfit.layers import Dense
from onfit.policies import DTypePolicy, policy_of


@pytest.fixture
def chosen():
    yield mixed_precision.set_global_policy
    mixed_precision.set_global_policy(None)
    K.set_floatx("float32")


@pytest.mark.parametrize("name", ["mixed_bfloat16", "mixed_float16", "float32", "bfloat16"])
def test_a_policy_says_what_keras_says(name):
    theirs, ours = keras.DTypePolicy(name), DTypePolicy(name)
    for attribute in ("name", "compute_dtype", "variable_dtype"):
        assert getattr(ours, attribute) == getattr(theirs, attribute)
    assert ours.get_config() == theirs.get_config()
    assert DTypePolicy.from_config(ours.get_config()) == ours
    assert (ours == DTypePolicy(name), ours == name, len({ours, DTypePolicy(name)})) == (1, 0, 1)


@pytest.mark.parametrize(
    "given",
    [
        "mixed_bfloat16",
        DTypePolicy("mixed_bfloat16"),
        keras.DTypePolicy("mixed_bfloat16"),
        keras.dtype_policies.serialize(keras.DTypePolicy("mixed_bfloat16")),
        {"class_name": "Policy", "config": {"name": "mixed_bfloat16"}},
    ],
)
def test_a_policy_may_be_given_in_every_form_that_keras_has(given):
    assert policy_of(given) == DTypePolicy("mixed_bfloat16")
    assert Dense(2, dtype=given).dtype_policy == DTypePolicy("mixed_bfloat16")


@pytest.mark.parametrize("given", [torch.bfloat16, "bfloat16"])
def test_a_type_is_a_policy_of_one_type(given):
    assert policy_of(given) == DTypePolicy("bfloat16")
    assert not policy_of(np.float64).is_mixed


@pytest.mark.parametrize("name", ["mixed_bfloat15", "mixed_float32", "int32", "half past", 3, True])
def test_an_unknown_policy_is_refused(name, chosen):
    with pytest.raises(ArgumentError):
        chosen(name)
    assert mixed_precision.global_policy() == DTypePolicy("float32")


def test_one_type_is_wanted_where_a_policy_has_two():
    with pytest.raises(ArgumentError, match="Write 'bfloat16' or 'float32'"):
        torch_dtype("mixed_bfloat16")


def test_new_layers_have_the_policy_that_was_chosen(chosen):
    before = Dense(1)
    chosen("mixed_float16")
    made, own = Dense(1), Dense(1, dtype="float32")
    model = onfit.Sequential([made, own])
    chosen("float32")
    names = [each.dtype_policy.name for each in (before, made, own, model, Dense(1))]
    assert names == ["float32", "mixed_float16", "float32", "mixed_float16", "float32"]


def test_without_a_choice_the_policy_is_that_of_floatx(chosen):
    K.set_floatx("float64")
    assert mixed_precision.global_policy() == DTypePolicy("float64")
    assert Dense(1).dtype_policy == DTypePolicy("float64")
    chosen("mixed_bfloat16")
    layer = Dense(1)
    layer(torch.ones(1, 2))
    assert (layer.kernel.dtype, layer.compute_dtype) == (torch.float32, "bfloat16")


def test_clearing_the_session_forgets_the_choice(chosen):
    chosen("mixed_bfloat16")
    K.clear_session()
    assert mixed_precision.global_policy() == DTypePolicy("float32")


def test_keras_names_lead_here():
    assert onfit.keras.mixed_precision.Policy is onfit.DTypePolicy is DTypePolicy
    assert onfit.keras.dtype_policies is mixed_precision
    assert mixed_precision.LossScaleOptimizer is onfit.optimizers.LossScaleOptimizer
