"""The leaves of a tree of JAX as arrays, and back."""

from typing import Any

import jax
import numpy as np

from onfit.integrations.faces.array_files import Array

_WORDS = {1: np.uint8, 2: np.uint16, 4: np.uint32, 8: np.uint64}


def is_number(leaf: Any) -> bool:
    """Whether a leaf is a number, or an array of numbers."""
    return isinstance(leaf, jax.Array | np.ndarray | np.generic | bool | int | float | complex)


def _is_key(leaf: Any) -> bool:
    return isinstance(leaf, jax.Array) and jax.dtypes.issubdtype(leaf.dtype, jax.dtypes.prng_key)


def plain(leaf: Any) -> Array:
    """A copy as an array of a kind that numpy has; of others, such as bfloat16, the bits."""
    array = np.array(jax.random.key_data(leaf) if _is_key(leaf) else leaf)
    return array.view(_WORDS[array.dtype.itemsize]) if array.dtype.kind == "V" else array


def same(leaf: Any, other: Any) -> bool:
    """Whether two leaves are the same number, or the same arrays, to the last bit."""
    return leaf is other or plain(leaf).tobytes() == plain(other).tobytes()


def like(leaf: Any, array: Array) -> Any:
    """The value in `array`, as the same kind of leaf, on the same devices."""
    if _is_key(leaf):
        return jax.random.wrap_key_data(array, impl=jax.random.key_impl(leaf))
    if not isinstance(leaf, jax.Array | np.ndarray | np.generic):
        return type(leaf)(array.item())
    if array.dtype.kind in "if" and leaf.dtype.kind in "if":  # it may have been a Python number
        array = array.astype(leaf.dtype)
    value = np.array(array).view(leaf.dtype).reshape(leaf.shape)
    if not isinstance(leaf, jax.Array):
        return value if isinstance(leaf, np.ndarray) else value[()]
    if leaf.weak_type and not leaf.shape:
        # A step that was compiled for it is compiled no second time.
        return jax.numpy.asarray(value.item())
    return jax.device_put(value, leaf.sharding)
