import copy

import numpy as np
import pytest

from onfit.core.validation import ValidationArrays

X, Y, WEIGHT = np.arange(5), np.arange(5) * 2, np.ones(5)


@pytest.mark.parametrize(
    ("given", "flat"),
    [
        ((X, Y), [X, Y]),
        ((X, Y, WEIGHT), [X, Y, WEIGHT]),
        (((X, WEIGHT), Y), [X, WEIGHT, Y]),
        (({"a": X, "b": WEIGHT}, (Y, X)), [X, WEIGHT, Y, X]),
    ],
)
def test_it_is_the_flat_list_that_keras_hands_to_callbacks(given, flat):
    data = ValidationArrays(*given)
    assert isinstance(data, list)
    assert all(mine is part for mine, part in zip(data, flat, strict=True))
    assert data.x is given[0]
    assert data.y is given[1]


def test_the_first_samples_keep_the_form_of_the_whole():
    first = ValidationArrays({"a": X, "b": Y}, (Y, X), WEIGHT).first(2)
    assert {name: part.tolist() for name, part in first.x.items()} == {"a": [0, 1], "b": [0, 2]}
    assert [part.tolist() for part in first.y] == [[0, 2], [0, 1]]
    assert first.sample_weight.tolist() == [1.0, 1.0]
    assert ValidationArrays(X).first(None).x.tolist() == X.tolist()


def test_batches_cover_all_samples_and_the_last_may_be_short():
    data = ValidationArrays(X, Y)
    assert [batch.y.tolist() for batch in data.batches(2)] == [[0, 2], [4, 6], [8]]
    assert [len(batch.x) for batch in data.batches(5)] == [5]
    assert [len(batch.x) for batch in data.batches(None)] == [5]


def test_a_plain_list_is_read_as_keras_documents_it():
    data = ValidationArrays.of([X, Y, WEIGHT])
    assert data.x is X
    assert data.y is Y
    assert data.sample_weight is WEIGHT
    assert ValidationArrays.of([X, Y]).sample_weight is None
    assert ValidationArrays.of(None) is None
    assert ValidationArrays.of(data) is data


def test_a_copy_knows_its_parts_too():
    data = copy.deepcopy(ValidationArrays(X, Y))
    assert data.x.tolist() == X.tolist()
    assert len(data) == 2
