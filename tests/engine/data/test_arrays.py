"""What may be passed as x, y and weights."""

from typing import Any

import numpy as np
import pytest
import torch
from tests.engine.data.data_forms import X, Y, linear

from onfit.engine.data.arrays import samples_of, split, tensor_of
from onfit.engine.data.class_weight import weighted_by_class
from onfit.errors import ArgumentError, DataError
from onfit.layers import Dense
from onfit.models import Model, Sequential

# --- kinds of data ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "dtype"),
    [
        ([1.0, 2.0], torch.float32),
        ([1, 2], torch.int64),
        (np.array([1.0, 2.0]), torch.float32),
        (np.array([1.0, 2.0], "float16"), torch.float16),
        (np.array([1.0, 2.0], ">f8"), torch.float32),
        (np.array([1.0, 2.0])[::-1], torch.float32),
        (np.array([1, 2], "int8"), torch.int64),
        (np.array([1, 2], "uint16"), torch.int64),
        (np.array([1, 2], "uint8"), torch.uint8),
        (np.array([True, False]), torch.bool),
        (torch.tensor([1.0, 2.0], dtype=torch.float64), torch.float32),
        (torch.tensor([1.0, 2.0], dtype=torch.bfloat16), torch.bfloat16),
        (torch.tensor([1, 2], dtype=torch.int32), torch.int64),
    ],
    ids=str,
)
def test_floats_become_the_default_type_and_labels_int64(given: Any, dtype: torch.dtype) -> None:
    tensor = tensor_of(given)
    assert tensor.dtype is dtype
    assert tensor.tolist() == (given.tolist() if hasattr(given, "tolist") else given)


@pytest.mark.parametrize("of", [np.asarray, torch.as_tensor])
def test_truth_values_are_numbers_as_targets_and_stay_what_they_are_as_inputs(of: Any) -> None:
    truths = of([True, False])
    samples = samples_of(truths, truths)
    assert samples.x.dtype is torch.bool
    assert samples.y.dtype is torch.uint8
    assert samples.y.tolist() == [1, 0]


def test_memory_is_shared_where_it_can_be() -> None:
    array = np.zeros(2, "float32")
    tensor_of(array)[0] = 7.0
    assert array[0] == 7.0
    array.flags.writeable = False
    tensor_of(array)[0] = 8.0
    assert array[0] == 7.0


def test_a_pandas_object_is_an_array() -> None:
    class Frame:
        def to_numpy(self) -> Any:
            return np.array([[1.0], [2.0]])

    assert tensor_of(Frame()).tolist() == [[1.0], [2.0]]


@pytest.mark.parametrize(
    ("given", "text"),
    [
        ([[1.0, 2.0], [3.0]], "x is not rectangular: .*Pad it to one length, or pass a DataLoader"),
        (["cat", "dog"], r"x holds <U3 values; training takes numbers.*begins \"\['cat', 'dog'\]"),
        (np.array([{}, None]), "x holds object values; training takes numbers"),
        (np.array(["2024-01-01"], "datetime64[D]"), r"x holds datetime64\[D\] values"),
        (np.array([1j]), "x holds complex128 values"),
        (np.array([]), "there is nothing to work on: x has 0 samples"),
        ([], "there is nothing to work on: x has 0 samples"),
        (3.0, "x is a single number; training takes one row per sample"),
    ],
    ids=str,
)
def test_what_cannot_be_trained_on_is_named(given: Any, text: str) -> None:
    with pytest.raises(DataError, match=text):
        samples_of(given)
    with pytest.raises(DataError, match=text.split(":")[0].replace("x has 0", ". has 0")):
        Model(torch.nn.Linear(1, 1)).predict(given, verbose=0)


def test_all_must_be_of_one_length() -> None:
    with pytest.raises(DataError, match="x has 10 samples, y has 9 samples"):
        linear().fit(X, Y[:9], verbose=0)
    with pytest.raises(DataError, match="x has 10 samples, y has 10 samples, sample_weight has 3 "):
        linear().fit(X, Y, sample_weight=[1, 2, 3], verbose=0)
    with pytest.raises(DataError, match=r"x\[0\] has 10 samples, x\[1\] has 9 samples"):
        samples_of((X, X[:9]))


def test_nothing_at_all_is_an_error() -> None:
    with pytest.raises(DataError, match=r"fit\(x=None\): there is nothing to train on"):
        linear().fit(verbose=0)
    with pytest.raises(DataError, match="there is no y: the loss compares outputs with targets"):
        linear().fit(X, verbose=0)


# --- splits and weights ----------------------------------------------------------------------


def test_a_split_cuts_off_the_end_before_any_shuffling() -> None:
    kept, held_out = split(samples_of(X, Y), 0.25)
    assert kept.x[:, 0].tolist() == [0, 1, 2, 3, 4, 5, 6]
    assert held_out.x[:, 0].tolist() == [7, 8, 9]


@pytest.mark.parametrize("wrong", [-0.1, 1.0, 1.5, 2])
def test_a_split_is_a_share(wrong: float) -> None:
    with pytest.raises(ArgumentError, match=f"validation_split={wrong}: the share of the samples"):
        linear().fit(X, Y, validation_split=wrong, verbose=0)


def test_a_split_leaves_something_on_both_sides() -> None:
    with pytest.raises(ArgumentError, match="of 1 samples leaves 0 to train on and 1 to validate"):
        linear().fit(X[:1], Y[:1], validation_split=0.5, verbose=0)


def test_class_weights_multiply_sample_weights() -> None:
    data = samples_of(np.zeros((4, 1)), [0, 1, 2, 1], [1.0, 1.0, 1.0, 2.0])
    weighted = weighted_by_class(data, {1: 3.0, 2: 0.5})
    assert weighted.weight.tolist() == [1.0, 3.0, 0.5, 6.0]
    assert weighted_by_class(data, {}).weight.tolist() == [1.0, 1.0, 1.0, 2.0]
    assert weighted_by_class(data, None) is data
    onehot = samples_of(np.zeros((2, 1)), np.eye(3)[[2, 0]])
    assert weighted_by_class(onehot, {2: 5.0}).weight.tolist() == [5.0, 1.0]
    column = samples_of(np.zeros((2, 1)), [[1.0], [0.0]])
    assert weighted_by_class(column, {1: 5.0, 9: 1.0}).weight.tolist() == [5.0, 1.0]


def test_class_weights_need_one_class_per_sample() -> None:
    with pytest.raises(DataError, match="class_weight needs one class per sample"):
        weighted_by_class(samples_of(X, np.zeros((10, 2, 2))), {0: 1.0})
    with pytest.raises(DataError, match="y has negative ones"):
        weighted_by_class(samples_of(X, -Y), {0: 1.0})


@pytest.mark.parametrize("loss", ["categorical_crossentropy", "mse", "hinge"])
def test_labels_of_truth_values_are_those_of_numbers(loss: str) -> None:
    x = np.random.RandomState(0).rand(12, 4)
    onehot = np.eye(3)[np.arange(12) % 3]
    model = Sequential([Dense(3, activation="softmax", input_dim=4)])
    model.compile("sgd", loss, metrics=["acc", "mae"])
    expected = model.evaluate(x, onehot, verbose=0)
    for labels in (onehot.astype(bool), onehot.astype(bool).tolist()):
        assert model.evaluate(x, labels, verbose=0) == pytest.approx(expected)
    model.fit(x, onehot.astype(bool), verbose=0)
