"""Pictures of clothes, collected by Zalando Research; in the same form as `mnist`.

The classes: 0 T-shirt/top, 1 trouser, 2 pullover, 3 dress, 4 coat, 5 sandal, 6 shirt, 7 sneaker,
8 bag, 9 ankle boot.
"""

import gzip
import math
from pathlib import Path
from typing import Any

import numpy as np

from onfit.datasets.cache import Published, cached
from onfit.errors import FileFormatError

Array = np.ndarray[Any, Any]
Arrays = tuple[Array, Array]

BASE_URL = "https://storage.googleapis.com/tensorflow/tf-keras-datasets/"

# As https://github.com/zalandoresearch/fashion-mnist gives them.
CHECKSUMS = {
    "train-images-idx3-ubyte.gz": "md5:8d4fb7e6c68d591d4c3dfef9ec88bf0d",
    "train-labels-idx1-ubyte.gz": "md5:25c81989df183df01b3e8a0aad5dffbe",
    "t10k-images-idx3-ubyte.gz": "md5:bef4ecab320f06d8554ea6380940ec79",
    "t10k-labels-idx1-ubyte.gz": "md5:bb300cfdad3c16e7a12a480ee83cd310",
}


def load_data() -> tuple[Arrays, Arrays]:
    """70,000 pictures of clothes: images of 28 by 28 grey levels from 0 to 255.

    Returns:
        `(x_train, y_train), (x_test, y_test)`: uint8 images of shape (60000, 28, 28) and
        (10000, 28, 28), and their classes, uint8 of shape (60000,) and (10000,).

    Raises:
        StorageError: if a file is not in the folder of data sets (see `onfit.datasets`) and
            cannot be fetched.

    Example:
        >>> (x_train, y_train), (x_test, y_test) = load_data()          # doctest: +SKIP
        >>> x_train = x_train / 255.0                                   # doctest: +SKIP
    """
    train_images, train_labels, test_images, test_labels = map(_loaded, CHECKSUMS)
    return (train_images, train_labels), (test_images, test_labels)


def _loaded(name: str) -> Array:
    published = Published(BASE_URL + name, CHECKSUMS[name])
    return read_idx(cached(Path("fashion-mnist", name), published))


def read_idx(path: Path) -> Array:
    """The array of bytes in a compressed IDX file, the format in which these sets are published.

    Two zero bytes, a type (8: bytes), the number of axes; then the length of each axis in four
    bytes, and the values.

    Raises:
        FileFormatError: if the file is in another format.
    """
    with gzip.open(path) as file:
        content = file.read()
    axes = int.from_bytes(content[3:4]) if content.startswith(b"\0\0\x08") else 0
    begin = 4 + 4 * axes
    shape = [int.from_bytes(content[at : at + 4]) for at in range(4, begin, 4)]
    if not axes or len(content) - begin != math.prod(shape):
        raise FileFormatError(f"{str(path)!r} is no IDX file of bytes. Delete it, and load again.")
    # A copy, because an array that numpy makes from bytes cannot be written to.
    return np.frombuffer(content, np.uint8, offset=begin).reshape(shape).copy()
