"""`mnist` and `fashion_mnist`: what `load_data` gives."""

import gzip
import subprocess
import sys

import numpy as np
import pytest
from tests.datasets.publisher import idx, md5, npz, sha256

from onfit import datasets
from onfit.datasets import fashion_mnist, mnist
from onfit.datasets.cache import Published
from onfit.errors import FileFormatError, StorageError

IMAGES = np.arange(5 * 28 * 28).reshape(5, 28, 28).astype(np.uint8)
LABELS = np.array([9, 0, 3, 0, 2], np.uint8)

FILES = {
    "train-images-idx3-ubyte.gz": idx(IMAGES[:3]),
    "train-labels-idx1-ubyte.gz": idx(LABELS[:3]),
    "t10k-images-idx3-ubyte.gz": idx(IMAGES[3:]),
    "t10k-labels-idx1-ubyte.gz": idx(LABELS[3:]),
}


@pytest.fixture
def clothes(publisher, monkeypatch):
    publisher.files.update(FILES)
    monkeypatch.setattr(fashion_mnist, "BASE_URL", publisher.url)
    monkeypatch.setattr(fashion_mnist, "CHECKSUMS", {n: md5(c) for n, c in FILES.items()})
    return publisher


@pytest.fixture
def digits(publisher, monkeypatch):
    content = npz(x_train=IMAGES[:3], y_train=LABELS[:3], x_test=IMAGES[3:], y_test=LABELS[3:])
    publisher.files["mnist.npz"] = content
    published = Published(publisher.url + "mnist.npz", sha256(content))
    monkeypatch.setattr(mnist, "PUBLISHED", published)
    return publisher


def check(loaded):
    (x_train, y_train), (x_test, y_test) = loaded
    np.testing.assert_array_equal(x_train, IMAGES[:3])
    np.testing.assert_array_equal(y_train, LABELS[:3])
    np.testing.assert_array_equal(x_test, IMAGES[3:])
    np.testing.assert_array_equal(y_test, LABELS[3:])
    assert {array.dtype for array in (x_train, y_train, x_test, y_test)} == {np.dtype("uint8")}
    x_train[0] = 0  # may be written to


def test_clothes_come_in_four_files(clothes, home):
    check(fashion_mnist.load_data())
    assert sorted(path.name for path in (home / "fashion-mnist").iterdir()) == sorted(FILES)
    check(fashion_mnist.load_data())
    assert sorted(clothes.asked) == sorted(FILES)


def test_digits_come_in_one_file(digits, home):
    check(mnist.load_data())
    assert [path.name for path in home.iterdir()] == ["mnist.npz"]
    check(mnist.load_data())
    assert digits.asked == ["mnist.npz"]


def test_digits_may_be_kept_under_another_name(digits, home):
    check(mnist.load_data(path="digits.npz"))
    check(mnist.load_data("digits.npz"))
    assert [path.name for path in home.iterdir()] == ["digits.npz"]


def test_one_corrupt_file_of_four_is_refused(clothes, home):
    clothes.files["t10k-labels-idx1-ubyte.gz"] = idx(LABELS)
    with pytest.raises(StorageError, match=r"t10k-labels-idx1-ubyte\.gz gave another file"):
        fashion_mnist.load_data()
    assert len(list((home / "fashion-mnist").iterdir())) == 3


@pytest.mark.parametrize(
    "content",
    [b"", b"text", bytes([0, 0, 13, 1, 0, 0, 0, 1, 7]), bytes([0, 0, 8, 1, 0, 0, 0, 2, 7])],
    ids=["empty", "text", "floats", "too short"],
)
def test_what_is_no_idx_file_is_said_so(tmp_path, content):
    path = tmp_path / "a.gz"
    path.write_bytes(gzip.compress(content))
    with pytest.raises(FileFormatError, match="is no IDX file of bytes"):
        fashion_mnist.read_idx(path)


def test_the_publishers_files_are_told_apart_by_their_checksums():
    assert mnist.PUBLISHED.checksum.startswith("sha256:731c5ac6")
    assert mnist.PUBLISHED.url.endswith("/tf-keras-datasets/mnist.npz")
    assert {len(checksum) for checksum in fashion_mnist.CHECKSUMS.values()} == {len("md5:") + 32}
    assert len(set(fashion_mnist.CHECKSUMS.values())) == 4


def test_both_are_found_by_name():
    assert (datasets.mnist, datasets.fashion_mnist) == (mnist, fashion_mnist)


def test_importing_them_loads_neither_torch_nor_requests():
    code = "import onfit.datasets, sys; print({'torch', 'requests'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout.strip() == "set()", done.stderr
