"""What has to be the same in all processes of a training, compared where they meet."""

from collections.abc import Callable, Sequence
from typing import Any
from zlib import crc32

from onfit.core.processes import Processes
from onfit.errors import ArgumentError, warn

Values = dict[str, Any]  # plain, by names that an error can show

_LONGEST = 200  # letters of a value in an error
_MOST = 3  # differences in an error


class Alike:
    """Compares what training uses in each of several processes: where a learning rate differs,
    their weights go apart; where a layer is frozen in one of them alone, they add up gradients of
    other weights.

    Args:
        processes: this process and the others.
        values: gives what is to be the same, as it is now.
        required: whether a difference is an error. Else it is a warning, once.
    """

    def __init__(
        self, processes: Processes, values: Callable[[], Values], *, required: bool
    ) -> None:
        self._processes, self._values, self._required = processes, values, required
        self._warned = False

    def mark(self) -> int:
        """A number that differs between processes in which something differs."""
        return mark_of(self._values())

    def compare(self) -> None:
        """Compare what all processes have. All call this at one place."""
        self.check(self._processes.of_all(self.mark(), "a comparison of what training uses"))

    def check(self, marks: Sequence[int]) -> None:
        """Look at the marks of all processes, which all have got.

        Raises:
            ArgumentError: in all processes, naming what differs, and in which of them.
        """
        if len(set(marks)) == 1 or self._warned:
            return
        each = self._processes.of_all(self._values(), "a difference in what training uses")
        found = differences(each)
        if not found:
            return
        text = (
            f"{len(each)} processes were to train as one, and they use other settings: {found}. "
            "What changes a model or its optimizer has to do so in every process, and alike: do "
            "not write it behind `if rank == 0`, nor in a callback of one process alone or with "
            "main_process_only = True, and let it not depend on the time."
        )
        if self._required:
            raise ArgumentError(text)
        self._warned = True
        warn(text)


def mark_of(values: Values) -> int:
    """A number for what a dict of plain values holds."""
    return crc32(repr(sorted(values.items())).encode())


def differences(each: Sequence[Values]) -> str:
    """The first differences between the values of several processes, as text; "" if there is none.

    >>> differences([{"rate": 0.1}, {"rate": 0.1}, {"rate": 0.2}])
    'rate is 0.1 in process 0 and 0.2 in process 2'
    """
    names = dict.fromkeys(name for values in each for name in values)
    found = [text for name in names if (text := _difference(name, each))]
    more = [f"and {len(found) - _MOST} more"] if len(found) > _MOST else []
    return "; ".join([*found[:_MOST], *more])


def _difference(name: str, each: Sequence[Values]) -> str:
    texts = [repr(values[name]) if name in values else "not there" for values in each]
    other = next((rank for rank, text in enumerate(texts) if text != texts[0]), None)
    if other is None:
        return ""
    ranks = [rank for rank, text in enumerate(texts) if text == texts[other]]
    where = "process" if len(ranks) == 1 else "processes"
    found = f"{_short(texts[other])} in {where} {', '.join(map(str, ranks))}"
    return f"{name} is {_short(texts[0])} in process 0 and {found}"


def _short(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}..."
