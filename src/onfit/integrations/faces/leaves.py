"""The leaves of a tree of JAX as arrays, and back."""

from typing import Any

import jax
import numpy as np

from onfit.errors import ArgumentError, ArgumentTypeError
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


def numbers(tree: Any) -> dict[str, Any]:
    """The leaves of a tree that are numbers or arrays of them, under the names of their places."""
    leaves = jax.tree_util.tree_leaves_with_path(tree)
    return {jax.tree_util.keystr(path) or "it": leaf for path, leaf in leaves if is_number(leaf)}


def no_arrays(tree: Any) -> ArgumentError:
    """The error for a tree without arrays."""
    return ArgumentError(
        f"JaxModel(get=...) gave {tree!r}, in which there is no array. Write a function that "
        "returns the state: JaxModel(get=lambda: state, ...)."
    )


def require_kept(tree: Any, now: Any) -> None:
    """Check that the loop goes on with a tree that was put back.

    Raises:
        ArgumentError: if `now`, which it has, is another to the last bit.
    """
    found = numbers(now)
    for name, leaf in numbers(tree).items():
        if not (name in found and _same(leaf, found[name])):
            raise ArgumentError(
                f"JaxModel(set=...) was given a tree, and get() gives another {name} after it, so "
                "nothing can be restored. A function that assigns a variable outside of itself "
                "has to declare it `global` or `nonlocal`."
            )


def _same(leaf: Any, other: Any) -> bool:
    return leaf is other or plain(leaf).tobytes() == plain(other).tobytes()


def rate_of(given: Any) -> float:
    """The first rate, from what a user passed.

    Raises:
        ArgumentTypeError: for what is no number.
    """
    try:
        return float(given)
    except (TypeError, ValueError) as error:
        raise ArgumentTypeError(
            f"JaxModel(learning_rate={given!r}): it is a number, the first rate. A schedule of "
            "Optax computes its own rates, which no callback sets: leave learning_rate out."
        ) from error


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
