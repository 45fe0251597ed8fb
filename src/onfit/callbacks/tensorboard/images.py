"""Weights as images, in the form of Keras' TensorBoard callback."""

import struct
import zlib
from typing import Any

import numpy as np

Numbers = np.ndarray[Any, Any]
Pixels = np.ndarray[Any, np.dtype[np.uint8]]

# A layer may have thousands of kernels, and an embedding tens of thousands of rows. These are too
# many to look at, and they would make the files grow by megabytes in each epoch.
_MOST_IMAGES = 16
_LONGEST_SIDE = 1024


def as_images(name: str, weight: Numbers) -> list[Pixels]:
    """A weight as grey images of one size; no images if kernels have three axes.

    A vector becomes a column, and a matrix an image that is wider than it is high. A
    convolution's weight becomes an image for each pair of channels (or for each output, if the
    kernel slides along one axis). White is the largest number, and black is zero; zero is grey if
    there are negative numbers.

    Args:
        name: the weight's name. A weight called `..._kernel` has its kernels in the first axes,
            as in Keras; any other in the last axes, as in torch.
        weight: the numbers.
    """
    numbers = np.asarray(weight, dtype=np.float64).squeeze()
    if numbers.ndim <= 1:
        stack = numbers.reshape(1, -1, 1)
    elif numbers.ndim == 2:
        stack = (numbers.T if numbers.shape[0] > numbers.shape[1] else numbers)[None]
    elif numbers.ndim <= 4:
        stack = _kernels(numbers, channels_last=name.endswith("kernel"))
    else:
        return []
    stack = stack[:_MOST_IMAGES, :_LONGEST_SIDE, :_LONGEST_SIDE]
    return list(_grey(stack)) if stack.size else []


def png(pixels: Pixels) -> bytes:
    """A grey image as a PNG file.

    Args:
        pixels: of shape (height, width), 0 is black and 255 white.
    """
    height, width = pixels.shape
    # Each line begins with the number of its filter: 0 for none.
    lines = b"".join(b"\0" + line.tobytes() for line in pixels)
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)  # 8 bits, grey
    chunks = {b"IHDR": header, b"IDAT": zlib.compress(lines), b"IEND": b""}
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(*chunk) for chunk in chunks.items())


def _kernels(weight: Numbers, *, channels_last: bool) -> Numbers:
    """The kernels of a convolution, one after the other."""
    if channels_last:
        weight = np.moveaxis(weight, (0, 1), (-2, -1))
    return weight.reshape(-1, *weight.shape[-2:])


def _grey(numbers: Numbers) -> Pixels:
    numbers = np.nan_to_num(numbers, posinf=0.0, neginf=0.0)
    largest = np.abs(numbers).max() or 1.0
    darkest = -largest if numbers.min() < 0 else 0.0
    pixels: Pixels = np.rint((numbers - darkest) / (largest - darkest) * 255).astype(np.uint8)
    return pixels


def _chunk(kind: bytes, content: bytes) -> bytes:
    checksum = zlib.crc32(kind + content)
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", checksum)
