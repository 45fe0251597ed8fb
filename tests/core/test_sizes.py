"""How many samples a batch has."""

import collections

import numpy as np
import pytest
import torch

from onfit.core.sizes import batch_size

ARRAY = np.zeros((5, 2))


@pytest.mark.parametrize(
    ("batch", "size"),
    [
        (ARRAY, 5),
        (torch.zeros(5, 2), 5),
        ((ARRAY, np.zeros(5)), 5),
        ([torch.zeros(5, 2), torch.zeros(5)], 5),
        (((ARRAY, ARRAY), ARRAY), 5),
        ({"x": ARRAY, "y": ARRAY}, 5),
        (({"x": ARRAY}, ARRAY), 5),
        (collections.OrderedDict(x=ARRAY), 5),
        (collections.UserDict(input_ids=ARRAY, mask=ARRAY), 5),
        ([1, 2, 3], 3),
        (([1, 2, 3], [0, 1, 0]), 3),
        (["abc", "de"], 2),
        ((["abc", "de"], ARRAY), 2),
        (torch.tensor(1.0), 1),
        (np.float32(1.0), 1),
        (7, 1),
        (None, 1),
        ("text", 1),
        ((), 1),
        ({}, 1),
        (range(4), 4),
    ],
)
def test_the_size_of_a_batch_is_the_length_of_its_first_array(batch, size):
    found = batch_size(batch)
    assert found == size
    assert type(found) is int
