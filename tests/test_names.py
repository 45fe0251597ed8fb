"""Keras' names, where Keras has them."""

import importlib

import numpy as np
import pytest
import torch

import onfit
import onfit as tf
from onfit import keras
from onfit.errors import DataError
from onfit.utils import np_utils, to_categorical

# --- modules ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("module", "names"),
    [
        ("activations", ["relu", "softmax", "sigmoid", "tanh", "linear", "get"]),
        ("initializers", ["Zeros", "RandomUniform", "GlorotUniform", "Orthogonal", "get"]),
        ("constraints", ["MaxNorm", "max_norm", "NonNeg", "unit_norm", "MinMaxNorm", "get"]),
        ("regularizers", ["l1", "l2", "l1_l2", "L1L2", "get"]),
        ("backend", ["get_value", "set_value", "floatx", "set_floatx", "epsilon", "clear_session"]),
        ("utils", ["to_categorical", "np_utils", "Sequence", "set_random_seed"]),
        ("utils.np_utils", ["to_categorical"]),
        ("datasets", ["mnist", "fashion_mnist"]),
        ("datasets.mnist", ["load_data"]),
        ("datasets.fashion_mnist", ["load_data"]),
        ("models", ["Model", "Sequential", "load_model"]),
    ],
)
def test_a_module_has_its_names(module, names):
    found = importlib.import_module(f"onfit.{module}")
    assert [name for name in names if not hasattr(found, name)] == []


# --- onfit.keras, and onfit in TensorFlow's place --------------------------------------------


def test_keras_as_a_part_of_onfit_is_onfit():
    assert tf.keras is keras
    assert [n for n in keras.__all__ if getattr(keras, n) is not getattr(onfit, n)] == []


def test_keras_has_what_onfit_has():
    beside = {"Run", "Session", "__version__", "errors", "keras", "load_model", "replay"}
    assert set(onfit.__all__) - set(keras.__all__) <= beside


def test_activations_are_functions_of_nn():
    x = torch.tensor([-1.0, 2.0])
    assert tf.nn.relu(x).tolist() == [0.0, 2.0]
    assert float(tf.nn.softmax(x[None]).sum()) == pytest.approx(1.0)
    by_function = keras.layers.Dense(3, activation=tf.nn.softmax)
    assert by_function.activation is keras.layers.Dense(3, activation="softmax").activation


@pytest.mark.parametrize("x", [0.5, 1, np.float64(0.5), torch.tensor(0.5), torch.tensor([0.5, 1])])
def test_mathematics_takes_numbers_and_tensors(x):
    for name in ("exp", "log", "sqrt", "cos"):
        found = getattr(tf.math, name)(x)
        assert isinstance(found, torch.Tensor)
        np.testing.assert_allclose(found.numpy(), getattr(np, name)(np.asarray(x)), rtol=1e-6)
    np.testing.assert_allclose(tf.math.pow(x, 2).numpy(), np.asarray(x) ** 2, rtol=1e-6)


# --- to_categorical --------------------------------------------------------------------------


def test_classes_become_rows_with_a_one():
    rows = to_categorical([0, 2, 1, 2])
    assert rows.tolist() == [[1, 0, 0], [0, 0, 1], [0, 1, 0], [0, 0, 1]]
    assert rows.dtype == np.float32


def test_there_may_be_more_columns_than_classes_seen():
    assert to_categorical([1], num_classes=4).tolist() == [[0, 1, 0, 0]]
    assert to_categorical([], num_classes=2).shape == (0, 2)


@pytest.mark.parametrize(
    ("y", "shape"),
    [
        (3, (4,)),
        ([[0], [3]], (2, 4)),
        ([[0, 1], [2, 3]], (2, 2, 4)),
        (np.array([[3.0], [1.0]]), (2, 4)),
        (torch.tensor([3, 0]), (2, 4)),
        ([True, False], (2, 2)),
    ],
)
def test_the_columns_are_an_axis_behind_the_others(y, shape):
    rows = to_categorical(y)
    assert rows.shape == shape
    np.testing.assert_array_equal(rows.argmax(-1).ravel(), np.asarray(y).ravel().astype(int))


def test_the_type_can_be_chosen():
    assert to_categorical([1], dtype="int32").dtype == np.int32


@pytest.mark.parametrize(
    ("y", "classes", "text"),
    [
        (
            [0, 3],
            3,
            r"num_classes=3\): classes are numbered from 0 to below num_classes; .* 0 to 3",
        ),
        ([-1, 0], None, "y holds -1 to 0"),
        ([], None, "y holds nothing"),
        ([0.5, 1.0], None, "y holds float64 values such as .*0.5.*; a class is a whole number"),
        (["cat"], None, "y holds <U3 values such as .*'cat'.*; a class is a whole number"),
    ],
)
def test_what_is_no_class_is_refused(y, classes, text):
    with pytest.raises(DataError, match=text):
        to_categorical(y, classes)


def test_it_is_found_where_older_scripts_look():
    assert np_utils.to_categorical is to_categorical


def test_it_makes_targets():
    model = onfit.Sequential([onfit.layers.Dense(3, "softmax", input_dim=2)])
    model.compile("sgd", "categorical_crossentropy", metrics=["acc"])
    history = model.fit(np.ones((4, 2)), to_categorical([0, 1, 2, 0]), verbose=0)
    assert list(history.history) == ["loss", "acc"]
