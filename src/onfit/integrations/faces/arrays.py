"""Models that are arrays by name, held by the loop: what callbacks ask of them."""

import os
from abc import ABC, abstractmethod
from collections.abc import Iterable
from typing import Any

from onfit._types import StrPath
from onfit.errors import FileFormatError
from onfit.integrations.faces.array_files import Array, read, require_kinds, write


class NamedArrays(ABC):
    """The face of a model whose weights can be taken and put back as arrays by name.

    Files are `.npz`, which numpy reads, or `.safetensors`. Nothing is ever unpickled.
    """

    @abstractmethod
    def arrays(self) -> dict[str, Array]:
        """Copies of all arrays by name, of kinds that every file can hold."""

    @abstractmethod
    def put(self, arrays: dict[str, Array]) -> None:
        """Set all arrays; the names and shapes are those of `arrays()`."""

    def get_weights(self) -> list[Array]:
        """Copies of all arrays, in their order."""
        return list(self.arrays().values())

    def set_weights(self, weights: list[Array]) -> None:
        """Set all arrays to such a list."""
        self._put(dict(zip(self.arrays(), weights, strict=True)), "the list of weights")

    def named_weights(self) -> Iterable[tuple[str, Array]]:
        """Pairs of a name and an array, of those that hold numbers with a fraction."""
        return ((name, one) for name, one in self.arrays().items() if one.dtype.kind == "f")

    def check_filepath(self, filepath: StrPath, weights_only: bool = False) -> None:
        """Check, before training, that the arrays can be written to a file of such a name."""
        require_kinds(filepath, self.arrays())

    def save(self, filepath: StrPath) -> None:
        """Write all arrays to a file, `.npz` or `.safetensors`."""
        write(filepath, self.arrays())

    def save_weights(self, filepath: StrPath) -> None:
        """The same as `save`: the arrays are all there is."""
        self.save(filepath)

    def load_weights(self, filepath: StrPath) -> None:
        """Read the arrays from a file that `save` wrote.

        Raises:
            FileFormatError: if it is no such file, or of another model; nothing is changed.
        """
        self._put(read(filepath), os.fspath(filepath))

    def state_for_resume(self) -> dict[str, Any]:
        """All arrays."""
        return {"arrays": self.arrays()}

    def load_state_for_resume(self, state: dict[str, Any]) -> None:
        """Go on from such a state."""
        self._put(state["arrays"], "the checkpoint")

    def _put(self, arrays: dict[str, Array], source: str) -> None:
        self.require_mine(arrays, source)
        # In their own order, which files may change.
        self.put({name: arrays[name] for name in self.arrays()})

    def require_mine(self, arrays: dict[str, Array], source: str) -> None:
        """Refuse arrays of another model.

        Raises:
            FileFormatError: naming `source`, and what differs.
        """
        mine = self.arrays()
        its_own, mine_own = _besides(arrays, mine), _besides(mine, arrays)
        if its_own or mine_own:
            raise FileFormatError(
                f"{source} is of another model.\n"
                f"  it has:         {', '.join(its_own) or 'nothing besides'}\n"
                f"  this model has: {', '.join(mine_own) or 'nothing besides'}\n"
                "Build the model as it was, or choose another file."
            )


def _besides(some: dict[str, Array], others: dict[str, Array]) -> list[str]:
    """Those of the arrays for which the others have none of the same kind."""
    return [
        f"{name} {one.dtype}{list(one.shape)}"
        for name, one in some.items()
        if name not in others or not _alike(one, others[name])
    ]


def _alike(one: Array, other: Array) -> bool:
    """Whether two arrays are of one kind. A Python number, such as the `step` of a new TrainState,
    and the array without dimensions that a compiled step makes of it, are.
    """
    numbers = one.shape == () and one.dtype.kind == other.dtype.kind and one.dtype.kind in "if"
    return one.shape == other.shape and (numbers or one.dtype == other.dtype)
