"""Archives of arrays: read as numpy reads them, and no more memory is taken than they explain."""

import io
import tracemalloc
import zipfile

import numpy as np
import pytest

from onfit.storage.archives import read_npz

ARRAYS = {
    "a": np.arange(6.0).reshape(2, 3),
    "by columns": np.asfortranarray(np.arange(6).reshape(2, 3)),
    "none": np.zeros((0, 4), np.float16),
    "one": np.array(7),
    "text": np.array(["x", "long"]),
    "times": np.array(["2026-01-01"], "M8[D]"),
}


def archive(save=np.savez, **arrays) -> io.BytesIO:
    stream = io.BytesIO()
    save(stream, **arrays)
    return stream


def with_member(content: bytes, how: int = zipfile.ZIP_STORED) -> io.BytesIO:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", how) as written:
        written.writestr("a.npy", content)
    return stream


def header(text: str) -> bytes:
    line = text.encode().ljust(117) + b"\n"
    return b"\x93NUMPY\x01\x00" + len(line).to_bytes(2, "little") + line


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_arrays_come_back_as_numpy_gives_them(save):
    stream = archive(save, **ARRAYS)
    found = read_npz(stream)
    stream.seek(0)
    with np.load(stream) as numpys:
        assert list(found) == list(numpys)
        for name in numpys:
            assert found[name].dtype == numpys[name].dtype
            assert found[name].shape == numpys[name].shape
            np.testing.assert_array_equal(found[name], numpys[name])


@pytest.mark.parametrize("number", [1, 40])
def test_what_unpacks_to_far_more_than_it_has_takes_no_memory(number):
    zeros = {str(index): np.zeros(1 << 20, np.uint8) for index in range(number)}
    stream = archive(np.savez_compressed, big=np.zeros(1 << 25, np.uint8), **zeros)
    tracemalloc.start()
    with pytest.raises(ValueError, match="too large to be true"):
        read_npz(stream)
    assert tracemalloc.get_traced_memory()[1] < 1 << 20
    tracemalloc.stop()


def test_many_small_bombs_are_one():
    small = {str(index): np.zeros(1 << 20, np.uint8) for index in range(40)}
    with pytest.raises(ValueError, match="its arrays is too large to be true"):
        read_npz(archive(np.savez_compressed, **small))


@pytest.mark.parametrize("shape", ["(1000000000000,)", "(2,)", "(0,)", "(4611686018427387904, 4)"])
def test_a_header_that_claims_another_size_is_an_error(shape):
    text = f"{{'descr': '<f8', 'fortran_order': False, 'shape': {shape}, }}"
    with pytest.raises(ValueError, match="has not the size of an array of shape"):
        read_npz(with_member(header(text) + b"12345678"))


def test_a_shape_below_zero_is_an_error():
    text = "{'descr': '<f8', 'fortran_order': False, 'shape': (-1, -1), }"
    with pytest.raises(ValueError, match=r"\(-1, -1\) is no shape"):
        read_npz(with_member(header(text) + b"12345678"))


def test_objects_are_never_unpickled():
    stream = archive(a=np.array([print], dtype=object))
    with pytest.raises(ValueError, match="would have to be unpickled"):
        read_npz(stream)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "EOF"),
        (b"\x93NUMPY", "EOF"),
        (b"no array at all", "magic"),
        (b"\x93NUMPY\x09\x00", r"has the format \(9, 0\)"),
        (header("["), "header"),
    ],
)
def test_what_is_no_array_is_an_error(content, said):
    with pytest.raises(ValueError, match=said):
        read_npz(with_member(content))


def test_a_flipped_bit_is_an_error():
    content = bytearray(archive(a=np.arange(100.0)).getvalue())
    content[300] ^= 1
    with pytest.raises(zipfile.BadZipFile):
        read_npz(io.BytesIO(bytes(content)))
