"""Nested data as text and arrays, and back, to the last bit and the last type."""

import array
import json
import math
from collections import OrderedDict

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from onfit.core.aliases import AliasDict
from onfit.core.packages.plain import is_plain
from onfit.errors import ArgumentTypeError
from onfit.storage.trees import packed, unpacked


def again(tree):
    text, arrays = packed(tree)
    return unpacked(
        json.dumps(json.loads(text)), {key: array.copy() for key, array in arrays.items()}
    )


def same(a, b) -> bool:
    """Whether two trees are alike in types, values and signs of zeros; a NaN is like another."""
    if type(a) is not type(b):
        return False
    if isinstance(a, (list, tuple)):
        return len(a) == len(b) and all(map(same, a, b))
    if isinstance(a, dict):
        return same(list(a.items()), list(b.items()))
    if isinstance(a, float):
        return repr(a) == repr(b)
    return a == b


leaves = st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary()
keys = st.text() | st.integers() | st.booleans() | st.none() | st.tuples(st.integers(), st.text())
trees = st.recursive(
    leaves,
    lambda inner: (
        st.lists(inner) | st.lists(inner).map(tuple) | st.dictionaries(keys | st.text(), inner)
    ),
)


@given(trees)
def test_plain_data_come_back_as_they_were(tree):
    assert is_plain(tree)
    assert same(again(tree), tree)


def test_keys_that_look_like_marks_are_keys():
    tree = {"onfit:tuple": [1], "a": {"onfit:array": "0"}, "b": {"onfit:set": 1}}
    assert again(tree) == tree


def test_a_key_is_a_number_or_text_as_it_was():
    assert same(
        again({1: "a", "1": "b", 1.5: "c", (1, 2): "d"}), {1: "a", "1": "b", 1.5: "c", (1, 2): "d"}
    )


@pytest.mark.parametrize(
    "kind", ["?", "i1", "u8", "f2", "f4", "f8", "c8", "c16", ">f4", "U3", "S3", "M8[ns]", "m8[s]"]
)
def test_arrays_and_their_elements_keep_their_types(kind):
    array = np.array([0, 1, 2]).astype(kind).reshape(3, 1)
    back = again({"x": [array, array[1, 0]]})["x"]
    assert back[0].dtype == array.dtype
    assert back[0].shape == (3, 1)
    assert back[0].tobytes() == array.tobytes()
    assert type(back[1]) is type(array[1, 0])
    assert back[1] == array[1, 0]
    assert is_plain([array, array[1, 0]])


def test_many_numbers_of_numpy_need_no_array_each():
    text, arrays = packed([np.float32(0.1), np.int64(3), np.float64(math.nan)])
    assert arrays == {}
    back = unpacked(text, {})
    assert [type(one) for one in back] == [np.float32, np.int64, np.float64]
    assert back[0] == np.float32(0.1)


@pytest.mark.parametrize(
    "kind", [torch.float32, torch.bfloat16, torch.float16, torch.bool, torch.int64, torch.complex64]
)
@pytest.mark.parametrize("shape", [(), (0, 3), (2, 3)])
def test_tensors_keep_types_that_numpy_lacks(kind, shape):
    tensor = torch.rand(shape).to(kind)
    back = again([tensor])[0]
    assert (back.dtype, back.shape) == (tensor.dtype, tensor.shape)
    assert torch.equal(back, tensor)
    assert is_plain(tensor)


def test_a_tensor_that_is_a_view_comes_back_as_what_it_shows():
    tensor = torch.arange(12.0).reshape(3, 4).T[1:]
    assert torch.equal(again(tensor), tensor)


def test_a_tensor_is_kept_as_it_was_at_the_time():
    tensor = torch.zeros(2)
    text, arrays = packed(tensor)
    tensor += 1
    assert torch.equal(unpacked(text, arrays), torch.zeros(2))


def test_a_tensor_of_a_device_that_is_not_here_comes_back_to_the_processor():
    text, arrays = packed(torch.ones(2))
    elsewhere = text.replace('"cpu"', '"cuda:93"')
    assert elsewhere != text
    assert unpacked(elsewhere, arrays).device.type == "cpu"


def test_what_comes_back_can_be_written_to():
    back = again({"array": np.zeros(2), "tensor": torch.zeros(2)})
    back["array"] += 1
    back["tensor"] += 1
    assert back["array"].tolist() == back["tensor"].tolist() == [1, 1]


class Rate(float):
    """A float that knows more, as an optimizer's learning rate."""


def test_a_float_that_knows_more_is_kept_as_its_value():
    assert is_plain([Rate(0.5)])
    assert same(again([Rate(0.5)]), [0.5])


def test_dicts_of_other_kinds_become_dicts():
    assert same(again(AliasDict(accuracy=[1.0])), {"accuracy": [1.0]})


@pytest.mark.parametrize(
    "value",
    [print, object(), {1, 2}, np.array([None]), np.array([(1, 2.0)], dtype="i4,f4"), range(3)],
    ids=["function", "object", "set", "objects", "records", "range"],
)
def test_what_is_no_plain_data_is_an_error_that_names_it(value):
    assert not is_plain({"deep": [value]})
    with pytest.raises(ArgumentTypeError) as caught:
        packed({"deep": [value]})
    assert str(caught.value) == (
        f"{value!r} of type {type(value).__name__} is no plain data. Numbers, text, arrays, "
        "tensors, and lists and dicts of them can be kept."
    )


@pytest.mark.parametrize(
    "value", [OrderedDict(a=1), torch.zeros(2).to_sparse(), np.ma.masked_array([1], [True])]
)
def test_what_would_come_back_as_something_else_is_not_plain(value):
    assert not is_plain(value)


def test_a_number_of_too_many_digits_is_an_error_that_says_so():
    assert not is_plain({"a": [10**5000]})
    assert again({"a": 10**4000}) == {"a": 10**4000}
    with pytest.raises(ArgumentTypeError, match="a number is too large to be kept"):
        packed({"a": [10**5000]})


def test_nothing_is_pickled():
    text, arrays = packed({"a": torch.zeros(2), "b": np.zeros(2), "c": "text"})
    assert all(array.dtype.kind in "biufc" for array in arrays.values())
    assert json.loads(text)


@pytest.mark.parametrize("count", [0, 31, 32, 5000])
def test_many_bytes_are_one_array_and_come_back_as_they_were(count):
    tree = {"bytes": bytes(range(256)) * 20}
    tree["bytes"] = tree["bytes"][:count]
    text, arrays = packed(tree)
    assert len(text) < 100
    assert unpacked(text, arrays) == tree


def test_numbers_that_python_keeps_in_an_array_come_back_as_a_list():
    numbers = array.array("d", [0.5, 1.5])
    text, arrays = packed({"a": numbers, "none": array.array("q")})
    numbers.append(2.5)  # what is kept is as it was
    assert unpacked(text, arrays) == {"a": [0.5, 1.5], "none": []}


def test_many_numbers_are_one_array_and_come_back_as_they_were():
    floats = [float(number) / 3 for number in range(100)]
    floats[3], floats[4], floats[5] = float("nan"), -0.0, float("inf")
    tree = {"floats": floats, "ints": tuple(range(-50, 50)), "mixed": [*range(50), 0.5]}
    tree |= {"large": [2**70] * 40, "truths": [True] * 40, "few": [1.5, 2.5]}
    text, arrays = packed(tree)
    assert len(arrays) == 2
    back = unpacked(text, arrays)
    assert repr(back) == repr(tree)
