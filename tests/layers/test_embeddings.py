"""Embedding: what it looks up, what it begins with, and what it cannot."""

import numpy as np
import pytest
import torch

from onfit.errors import DataError, ShapeError
from onfit.layers import Embedding, Input


def test_every_number_gets_its_row() -> None:
    layer = Embedding(4, 2, weights=np.arange(8.0).reshape(4, 2))
    assert layer(torch.tensor([[3, 0]])).tolist() == [[[6.0, 7.0], [0.0, 1.0]]]
    assert layer(torch.tensor([[3.0, 0.0]])).tolist() == [[[6.0, 7.0], [0.0, 1.0]]]


def test_weights_may_be_in_a_list_of_one_as_in_keras() -> None:
    table = np.arange(8.0).reshape(4, 2)
    assert (Embedding(4, 2, weights=[table]).get_weights()[0] == table).all()
    with pytest.raises(ShapeError, match=r"expected arrays of shapes \[\(4, 3\)\]"):
        Embedding(4, 3, weights=[table])


def test_the_table_begins_small_and_uniform() -> None:
    layer = Embedding(1000, 8)
    layer(Input((3,)))
    assert 0.045 < layer.embeddings.abs().max().item() <= 0.05


def test_a_length_builds_the_model_at_once() -> None:
    assert Embedding(4, 2, input_length=10).declared_input.shape == (10,)
    assert Embedding(4, 2).declared_input is None
    assert Embedding(4, 2)(Input((10,), dtype="int64")).shape == (None, 10, 2)


def test_a_number_without_a_row_is_an_error_that_names_the_layer() -> None:
    with pytest.raises(DataError, match=r"'words' \(Embedding\) has rows 0 \.\.\. 3; .* 1 to 4"):
        Embedding(4, 2, name="words")(torch.tensor([[1, 4]]))
