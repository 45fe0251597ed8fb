"""Handwritten digits, collected by Yann LeCun, Corinna Cortes and Christopher Burges."""

from typing import Any

import numpy as np

from onfit._types import StrPath
from onfit.datasets.cache import Published, cached

Arrays = tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]

PUBLISHED = Published(
    "https://storage.googleapis.com/tensorflow/tf-keras-datasets/mnist.npz",
    "sha256:731c5ac602752760c8e48fbffcf8c3b850d9dc2a2aedcf2cc48468fc17b673d1",
)


def load_data(path: StrPath = "mnist.npz") -> tuple[Arrays, Arrays]:
    """70,000 handwritten digits: images of 28 by 28 grey levels from 0 to 255.

    Args:
        path: the file's name in the folder of data sets (see `onfit.datasets`), or an absolute
            path.

    Returns:
        `(x_train, y_train), (x_test, y_test)`: uint8 images of shape (60000, 28, 28) and
        (10000, 28, 28), and their digits, uint8 of shape (60000,) and (10000,).

    Raises:
        StorageError: if the file is not there and cannot be fetched.

    Example:
        >>> (x_train, y_train), (x_test, y_test) = load_data()          # doctest: +SKIP
        >>> x_train = x_train / 255.0                                   # doctest: +SKIP
    """
    with np.load(cached(path, PUBLISHED), allow_pickle=False) as file:
        return (file["x_train"], file["y_train"]), (file["x_test"], file["y_test"])
