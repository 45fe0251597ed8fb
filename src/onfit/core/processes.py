"""The processes that train together, and what they ask each other.

Core has the answers of one process alone. Where torch.distributed connects several, torch's package
answers. Each question is asked by all processes at the same place of the training, and each waits
there for the others; all get the same answer.
"""

from collections.abc import Callable, Iterable
from numbers import Real
from typing import Any, TypeVar

from onfit.core.packages import loaded
from onfit.errors import warn

_T = TypeVar("_T")


class Processes:
    """The processes that train together. Those of this class are one.

    Attributes:
        rank: the number of this process, from 0.
        world: how many there are.

    >>> ALONE.is_main, ALONE.any_of(False), ALONE.of_all("value")
    (True, False, ['value'])
    """

    rank = 0
    world = 1

    @property
    def is_main(self) -> bool:
        """Whether this process is the one that writes and prints."""
        return self.rank == 0

    def arrive(self) -> None:
        """Wait, where a training begins, until all processes have come there.

        Raises:
            OutOfStepError: if some do not come in time. It names them.
        """

    def explain(self, error: BaseException) -> None:
        """Add a note to an error that came because another process has ended."""

    def beside(self) -> "Processes":
        """The same processes, whom a thread may ask while the training asks these. All call this at
        one place.
        """
        return self

    def close(self) -> None:
        """Ask no more of those that `beside` returned."""

    def of_all(self, value: Any, at: str = "") -> list[Any]:
        """The value of each process, in the order of their ranks.

        Args:
            value: this process' own: plain data, arrays or tensors.
            at: the place of the training, such as `"the end of an epoch"`.

        Raises:
            OutOfStepError: on every process, if another one is at another place.
        """
        return [value]

    def shared(self, value: _T) -> _T:
        """The value of the main process."""
        return value

    def gathered(self, value: Any) -> list[Any] | None:
        """The value of each process in the main process; None in the others."""
        return [value]

    def bits_of_all(self, bits: int) -> int:
        """All bits that are set in any process. It takes less time than the other questions."""
        return bits

    # --- questions that are made of these ------------------------------------------------

    def any_of(self, flag: bool) -> bool:
        """Whether `flag` is true in any process."""
        return any(self.of_all(flag))

    def agreed(self, number: float) -> float:
        """The smallest number of all processes."""
        least: float = min(self.of_all(number))
        return least

    def mean_of(self, values: dict[str, Any], at: str = "") -> dict[str, Any]:
        """The means of the processes' numbers by name; of what is no number, the value of the first
        process that has one.
        """
        return means_of(self.of_all(values, at))

    def of_main(self, function: Callable[[], _T]) -> _T:
        """What `function` returns in the main process, which alone calls it.

        Raises:
            Exception: on every process, what it raised there.
        """
        result: Any = None
        error: Exception | None = None
        if self.is_main:
            try:
                result = function()
            except Exception as raised:
                error = raised
        result, error = self.shared((result, error))
        if error is not None:
            raise error
        return result  # type: ignore[no-any-return]


ALONE = Processes()


def processes() -> Processes:
    """The processes of this job: those that a loaded package connects, or this one alone."""
    found = (package.processes() for package in loaded())
    return next((each for each in found if each is not None), ALONE)


def warn_of_unconnected() -> None:
    """Warn if this process was started with others, and nothing connects them."""
    for text in filter(None, (package.unconnected() for package in loaded())):
        warn(text)


def means_of(all_values: Iterable[dict[str, Any]]) -> dict[str, Any]:
    """The means of several dicts by name; of what is no number, the first that there is. Numbers
    that are equal stay as they are.

    >>> means_of([{"val_loss": 1.0, "note": "a"}, {"val_loss": 2.0}])
    {'val_loss': 1.5, 'note': 'a'}
    """
    each: dict[str, list[Any]] = {}
    for values in all_values:
        for name, value in values.items():
            each.setdefault(name, []).append(value)
    return {name: _mean(found) for name, found in each.items()}


def _mean(found: list[Any]) -> Any:
    numbers = all(isinstance(one, Real) and not isinstance(one, bool) for one in found)
    same = not numbers or all(one == found[0] for one in found)
    return found[0] if same else sum(found) / len(found)
