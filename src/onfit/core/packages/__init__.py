"""What core needs of packages that it does not import: numpy, torch, tqdm.

For each package one module does the work. It is imported once the process has loaded the package,
and registers itself. So core knows no framework, and no process has to load a package for this
alone.
"""

import importlib
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, TextIO

if TYPE_CHECKING:
    from onfit.core.processes import Processes

from onfit.errors import warn

# The module that does the work, for each package.
_HOMES = {
    "numpy": "onfit.core.packages.numpy",
    "torch": "onfit.engine.torch_package",
    "tqdm": "onfit.core.packages.tqdm",
}
# The package of each word by which checkpoints mark an array.
_MARKS = {"tensor": "torch"}

Keep = Callable[[Any], str]  # puts a numpy array into a checkpoint and returns its key there


class Package:
    """What core needs of a package. These methods do nothing; a subclass writes what it needs."""

    mark = ""  # the word for its arrays in checkpoints, if `packed` writes them

    def random_state(self) -> dict[str, Any]:
        """The state of its random generators, by name, as plain data and numpy arrays."""
        return {}

    def set_random_state(self, state: dict[str, Any]) -> None:
        """Set those of its generators that are in `state`."""

    def is_array(self, value: Any) -> bool:
        """Whether `value` is an array of numbers that a file can keep."""
        return False

    def packed(self, array: Any, keep: Keep) -> Any:
        """An array as data that JSON can hold; `keep` receives its numbers."""
        raise NotImplementedError

    def unpacked(self, content: Any, arrays: dict[str, Any]) -> Any:
        """The array that `packed` received; `arrays` holds by key what `keep` received."""
        raise NotImplementedError

    def skip(self, loader: Any, batches: Iterator[Any], count: int) -> bool:
        """Pass over `count` batches of a loader without loading them. Returns whether it did so."""
        return False

    def walk_through(self, source: Any) -> Iterator[Any] | None:
        """A walk through a loader that is better than `iter`: its workers leave signals to this
        process, or it loads faster. None if there is no such walk through `source`.
        """
        return None

    def order_lost(self, source: Any) -> str | None:
        """Why a resumed run would walk through `source` in another order; None if it would not."""
        return None

    def as_callback(self, value: Any) -> Any:
        """An object of the package, such as a scheduler, as a callback; None if it is no such."""
        return None

    def left_out(self, model: Any, kept: Sequence[Any]) -> Iterator[str]:
        """What belongs to the training of `model`, and is not among what a checkpoint keeps: for
        each a text that says what to write.
        """
        return iter(())

    def unconnected(self) -> str | None:
        """What to do about processes of a launcher that the package could connect, and has not;
        None if there are none.
        """
        return None

    def processes(self) -> "Processes | None":
        """The processes that the package connects with this one; None if it connects none."""
        return None

    def write_line(self, text: str, stream: TextIO) -> bool:
        """Print a line without damage to a progress bar. Returns whether it printed the line."""
        return False


_registered: dict[str, Package] = {}


def register(name: str, package: Package) -> None:
    """Use `package` for the package called `name`."""
    _registered[name] = package


def loaded(besides: str = "") -> Iterator[Package]:
    """The packages that this process has loaded, but not the one called `besides`."""
    return (_package(name) for name in _HOMES if name in sys.modules and name != besides)


def marked(word: str) -> Package | None:
    """The package whose arrays checkpoints mark with `word`; it is imported if necessary."""
    name = _MARKS.get(word)
    return None if name is None else _package(name)


def owner_of(value: Any) -> Package | None:
    """The package whose array `value` is; None if it is no such array."""
    return next((package for package in loaded() if package.is_array(value)), None)


def as_callback(value: Any) -> Any:
    """An object of a package as a callback; None if no package has a callback for it."""
    found = (package.as_callback(value) for package in loaded())
    return next((callback for callback in found if callback is not None), None)


def walk_through(source: Iterable[Any]) -> Iterator[Any]:
    """`iter(source)`, or a better walk that a package has for the same batches."""
    found = (package.walk_through(source) for package in loaded())
    walks = next((each for each in found if each is not None), None)
    return iter(source) if walks is None else walks


def warn_of_order(source: Any) -> None:
    """Warn, before training, if a resumed run would walk through `source` in another order."""
    for package in loaded():
        text = package.order_lost(source)
        if text is not None:
            warn(text)


def _package(name: str) -> Package:
    if name not in _registered:
        importlib.import_module(_HOMES[name])
    return _registered[name]
