"""JAX, and what is built on it: Flax, Equinox, Optax, Haiku. The loop is your own."""

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import jax

from onfit.core.representation import checked_arguments
from onfit.errors import ArgumentTypeError
from onfit.integrations.faces.array_files import Array
from onfit.integrations.faces.arrays import NamedArrays
from onfit.integrations.faces.leaves import (
    is_number,
    like,
    no_arrays,
    numbers,
    plain,
    rate_of,
    require_kept,
)


class JaxModel(NamedArrays):
    """What callbacks see of a training whose state is a pytree that the loop holds.

    Args:
        get: a function that gives the pytree: all that training changes. Parameters, the
            optimizer's state and random keys may be in it, and Python numbers. Leaves that are
            no numbers, such as the functions in an Equinox module, stay as the loop has them.
        set: a function that takes a pytree of the same structure, which the loop goes on with.
        learning_rate: the first rate. Callbacks change it; the step has to read
            `model.learning_rate`.

    Raises:
        ArgumentTypeError: if `get` or `set` is no function, or `learning_rate` no number.
        ArgumentError: when a tree is taken or put back, if there is no array in what `get()` gives,
            or `set` does not keep it.

    Example:
        >>> import jax.numpy as jnp
        >>> state = {"w": jnp.ones(2)}
        >>> model = JaxModel(lambda: state, lambda tree: state.update(tree), learning_rate=0.5)
        >>> best = model.get_weights()
        >>> state["w"] = state["w"] - model.learning_rate
        >>> model.set_weights(best)
        >>> state["w"].tolist()
        [1.0, 1.0]
    """

    @checked_arguments
    def __init__(
        self,
        get: Callable[[], Any],
        set: Callable[[Any], object],  # noqa: A002  the natural pair of `get`
        learning_rate: float = 0.1,
    ) -> None:
        for name, given in (("get", get), ("set", set)):
            if not callable(given):
                raise ArgumentTypeError(
                    f"JaxModel({name}=...) is a function; got {type(given).__name__}. Write "
                    "JaxModel(get=lambda: state, set=take), where take(tree) keeps the tree."
                )
        self._get, self._set = get, set
        self.optimizer = SimpleNamespace(learning_rate=rate_of(learning_rate))
        self.stop_training = False

    @property
    def learning_rate(self) -> float:
        """The rate of the next step."""
        return float(self.optimizer.learning_rate)

    @learning_rate.setter
    def learning_rate(self, value: float) -> None:
        self.optimizer.learning_rate = float(value)

    def arrays(self) -> dict[str, Array]:
        tree = self._get()
        if found := numbers(tree):
            return {name: plain(leaf) for name, leaf in found.items()}
        raise no_arrays(tree)

    def put(self, arrays: dict[str, Array]) -> None:
        leaves, structure = jax.tree.flatten(self._get())
        values = iter(arrays.values())
        new = [like(leaf, next(values)) if is_number(leaf) else leaf for leaf in leaves]
        tree = jax.tree.unflatten(structure, new)
        self._set(tree)
        require_kept(tree, self._get())

    def state_for_resume(self) -> dict[str, Any]:
        return {**super().state_for_resume(), "learning_rate": self.learning_rate}

    def load_state_for_resume(self, state: dict[str, Any]) -> None:
        super().load_state_for_resume(state)
        self.learning_rate = state["learning_rate"]
