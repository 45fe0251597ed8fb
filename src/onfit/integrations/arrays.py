"""Models that are arrays by name, held by the loop: what callbacks ask of them, and their files."""

import os
from abc import ABC, abstractmethod
from collections.abc import Iterable
from pathlib import Path
from typing import Any, cast

import numpy as np

from onfit._types import StrPath
from onfit.errors import ArgumentError, FileFormatError, MissingPackageError
from onfit.storage.durable import replacing

Array = np.ndarray[Any, Any]
SUFFIXES = (".npz", ".safetensors")


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
        _require_kinds(filepath, self.arrays())

    def save(self, filepath: StrPath) -> None:
        """Write all arrays to a file, `.npz` or `.safetensors`."""
        arrays = self.arrays()
        _require_kinds(filepath, arrays)
        write = _write_npz if _format_of(filepath) == ".npz" else _write_safetensors
        with replacing(filepath) as temporary:
            write(temporary, arrays)

    def save_weights(self, filepath: StrPath) -> None:
        """The same as `save`: the arrays are all there is."""
        self.save(filepath)

    def load_weights(self, filepath: StrPath) -> None:
        """Read the arrays from a file that `save` wrote.

        Raises:
            FileFormatError: if it is no such file, or of another model; nothing is changed.
        """
        read = _read_npz if _format_of(filepath) == ".npz" else _read_safetensors
        self._put(read(filepath), os.fspath(filepath))

    def state_for_resume(self) -> dict[str, Any]:
        """All arrays."""
        return {"arrays": self.arrays()}

    def load_state_for_resume(self, state: dict[str, Any]) -> None:
        """Go on from such a state."""
        self._put(state["arrays"], "the checkpoint")

    def _put(self, arrays: dict[str, Array], source: str) -> None:
        mine, its = _shapes(self.arrays()), _shapes(arrays)
        if mine != its:
            raise FileFormatError(
                f"{source} is of another model.\n"
                f"  it has:         {_listed(its, mine)}\n"
                f"  this model has: {_listed(mine, its)}\n"
                "Build the model as it was, or choose another file."
            )
        self.put({name: arrays[name] for name in mine})  # in their order, which files may change


def _shapes(arrays: dict[str, Array]) -> dict[str, str]:
    return {name: f"{one.dtype}{list(one.shape)}" for name, one in arrays.items()}


def _listed(some: dict[str, str], others: dict[str, str]) -> str:
    differs = [f"{name} {kind}" for name, kind in some.items() if others.get(name) != kind]
    return ", ".join(differs) or "nothing besides"


def _format_of(filepath: StrPath) -> str:
    suffix = Path(filepath).suffix
    if suffix not in SUFFIXES:
        raise ArgumentError(
            f"{os.fspath(filepath)!r}: a model of arrays is saved as {' or '.join(SUFFIXES)}. "
            "Give the file a name that ends in one of them."
        )
    if suffix == ".safetensors":
        _safetensors()
    return suffix


def _require_kinds(filepath: StrPath, arrays: dict[str, Array]) -> None:
    if _format_of(filepath) == ".npz":
        return
    for name, one in arrays.items():
        if one.dtype.kind not in "biufc" or one.dtype.itemsize > 8:
            raise ArgumentError(
                f"{os.fspath(filepath)!r}: {name} is of {one.dtype}, which safetensors has not. "
                "Save as .npz."
            )


def _safetensors() -> Any:
    try:
        import safetensors.numpy
    except ModuleNotFoundError as error:
        raise MissingPackageError(
            '.safetensors needs safetensors: pip install "onfit[safetensors]". Or save as .npz.',
            name="safetensors",
        ) from error
    return safetensors


def _write_npz(path: Path, arrays: dict[str, Array]) -> None:
    with open(path, "wb") as file:
        np.savez(file, **cast(dict[str, Any], arrays))


def _write_safetensors(path: Path, arrays: dict[str, Array]) -> None:
    path.write_bytes(_safetensors().numpy.save(arrays))


def _read_npz(filepath: StrPath) -> dict[str, Array]:
    with open(filepath, "rb") as file:
        try:
            with np.load(file, allow_pickle=False) as content:
                return {name: content[name] for name in content.files}
        except Exception as error:  # whatever numpy and zlib raise of a file that is damaged
            raise _unreadable(filepath, error) from error


def _read_safetensors(filepath: StrPath) -> dict[str, Array]:
    content = Path(filepath).read_bytes()
    try:
        return dict(_safetensors().numpy.load(content))
    except Exception as error:
        raise _unreadable(filepath, error) from error


def _unreadable(filepath: StrPath, error: Exception) -> FileFormatError:
    return FileFormatError(
        f"{os.fspath(filepath)!r} is no whole {Path(filepath).suffix} file of arrays "
        f"({type(error).__name__}: {str(error)[:200]}). Take another file."
    )
