"""What core asks of packages that it does not import: numpy, torch, tqdm.

For each of them one module knows the answers. It is imported once the process has loaded the
package, and registers itself. So core knows no framework, and a process pays for none it has not
loaded.
"""

import importlib
import sys
from collections.abc import Callable, Iterator
from typing import Any, TextIO

# The module that answers for a package.
_HOMES = {
    "numpy": "onfit.core.packages.numpy",
    "torch": "onfit.engine.torch_package",
    "tqdm": "onfit.core.packages.tqdm",
}
# The word by which checkpoints mark the arrays of a package.
_MARKS = {"tensor": "torch"}

Keep = Callable[[Any], str]  # puts a numpy array into a checkpoint; gives its key there


class Package:
    """The questions, with the answers of a package that has nothing to say."""

    mark = ""  # the word for its arrays in checkpoints, if `packed` writes them

    def random_state(self) -> dict[str, Any]:
        """Its random generators as they are now, by name, as plain data and numpy arrays."""
        return {}

    def set_random_state(self, state: dict[str, Any]) -> None:
        """Put those generators back that `state` has."""

    def is_array(self, value: Any) -> bool:
        """Whether `value` is an array of numbers that a file can keep."""
        return False

    def packed(self, array: Any, keep: Keep) -> Any:
        """An array as what JSON can hold, its numbers handed to `keep`."""
        raise NotImplementedError

    def unpacked(self, content: Any, arrays: dict[str, Any]) -> Any:
        """The array that `packed` took apart; `arrays` has what `keep` received."""
        raise NotImplementedError

    def skip(self, loader: Any, batches: Iterator[Any], count: int) -> bool:
        """Pass over `count` batches of a loader without loading them, if that can be done."""
        return False

    def write_line(self, text: str, stream: TextIO) -> bool:
        """Print a line in a way that spares what is being drawn, if something may be."""
        return False


_registered: dict[str, Package] = {}


def register(name: str, package: Package) -> None:
    """Let `package` answer for the package called `name`."""
    _registered[name] = package


def loaded(besides: str = "") -> Iterator[Package]:
    """The packages that this process has loaded, but not the one called `besides`."""
    return (_package(name) for name in _HOMES if name in sys.modules and name != besides)


def marked(word: str) -> Package | None:
    """The package whose arrays checkpoints mark with `word`; it is loaded if need be."""
    name = _MARKS.get(word)
    return None if name is None else _package(name)


def owner_of(value: Any) -> Package | None:
    """The package that `value` is an array of; None if it is none."""
    return next((package for package in loaded() if package.is_array(value)), None)


def _package(name: str) -> Package:
    if name not in _registered:
        importlib.import_module(_HOMES[name])
    return _registered[name]
