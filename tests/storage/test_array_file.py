"""Arrays in one file: they come back as they were, and take no more memory than the file has."""

import io

import numpy as np
import pytest

from onfit.storage.array_file import pieces, read


def written(arrays) -> bytes:
    return b"".join(bytes(piece) for piece in pieces(arrays))


@pytest.mark.parametrize(
    "array",
    [
        np.arange(6.0).reshape(2, 3),
        np.arange(6).reshape(2, 3).T,
        np.arange(20)[::3],
        np.zeros((0, 4), np.float16),
        np.array(7),
        np.array(["x", "long"]),
        np.array([b"x", b""]),
        np.array(["2026-01-01"], "M8[D]"),
        np.array([1], ">i4"),
        np.array([True, False]),
        np.array([1 + 2j]),
        np.array([1.5], np.longdouble),
    ],
    ids=lambda array: f"{array.dtype} {array.shape}",
)
def test_an_array_comes_back_as_it_was(array):
    content = written({"before": np.arange(3, dtype="u1"), "it": array})
    found = read(io.BytesIO(content), len(content))
    assert found["it"].dtype == array.dtype
    assert found["it"].shape == array.shape
    assert found["it"].tolist() == array.tolist()
    assert found["it"].flags.writeable
    assert found["before"].tolist() == [0, 1, 2]


def test_no_arrays_at_all_are_a_file_too():
    content = written({})
    assert read(io.BytesIO(content), len(content)) == {}


def test_objects_are_never_read():
    content = b'[["0", "O", [1]]]\n12345678'
    with pytest.raises(ValueError, match="hold objects"):
        read(io.BytesIO(content), len(content))


@pytest.mark.parametrize("change", [-1, 1])
def test_more_or_fewer_bytes_than_the_arrays_have_are_an_error(change):
    content = written({"0": np.arange(3.0)})
    with pytest.raises(ValueError, match="its arrays would be"):
        read(io.BytesIO(content), len(content) + change)
