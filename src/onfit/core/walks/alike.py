"""What has to be the same in all processes of a training, compared where they meet."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any
from zlib import crc32

from onfit.core.processes import Processes
from onfit.errors import ArgumentError, warn

Values = dict[str, Any]  # plain, by names that an error can show

_ROUNDING = 1e-3  # of the norm of all weights; other hardware rounds in other ways
_LONGEST = 200  # letters of a value in an error
_MOST = 3  # differences in an error


@dataclass(frozen=True)
class Mark:
    """What one process says to the others of itself, in short.

    Attributes:
        settings: a number that differs where a setting does.
        weights: the sum of the weights, and their norm; None if they are not compared.
    """

    settings: int
    weights: tuple[float, float] | None


class Alike:
    """Compares what training uses in each of several processes: where a learning rate differs,
    their weights go apart; where a layer is frozen in one of them alone, they add up gradients of
    other weights.

    Args:
        processes: this process and the others.
        model: has `settings_in_use`, which gives what is to be the same, and `weights_in_short`;
            or neither.
        required: whether other settings are an error. Else they are a warning, once.
    """

    def __init__(self, processes: Processes, model: Any, *, required: bool) -> None:
        self._processes, self._required = processes, required
        self._settings: Callable[[], Values] = getattr(model, "settings_in_use", dict)
        self._weights: Any = getattr(model, "weights_in_short", lambda: None)
        self._warned: set[str] = set()

    def mark(self, *, weights: bool = True) -> Mark:
        """What this process says of itself."""
        return Mark(mark_of(self._settings()), self._weights() if weights else None)

    def compare(self) -> None:
        """Compare the settings of all processes. All call this at one place."""
        mine = self.mark(weights=False)
        self.check(self._processes.of_all(mine, "a comparison of what training uses"))

    def check(self, marks: Sequence[Mark]) -> None:
        """Look at the marks of all processes, which all have got.

        Raises:
            ArgumentError: in all processes, naming the settings that differ, and in which of them.
        """
        if len({mark.settings for mark in marks}) > 1 and _SETTINGS not in self._warned:
            self._look_at_settings()
        apart = _apart([mark.weights for mark in marks])
        if apart:
            self._warn(_WEIGHTS, f"{len(marks)} {_WEIGHTS.format(', '.join(map(str, apart)))}")

    def _look_at_settings(self) -> None:
        each = self._processes.of_all(self._settings(), "a difference in what training uses")
        found = differences(each)
        text = f"{len(each)} {_SETTINGS.format(found)}"
        if found and self._required:
            raise ArgumentError(text)
        if found:
            self._warn(_SETTINGS, text)

    def _warn(self, kind: str, text: str) -> None:
        if kind not in self._warned:
            self._warned.add(kind)
            warn(text)


_SETTINGS = (
    "processes were to train as one, and they use other settings: {}. What changes a model or its "
    "optimizer has to do so in every process, and alike: do not write it behind `if rank == 0`, "
    "nor in a callback of one process alone or with main_process_only = True, and let it not "
    "depend on the time."
)
_WEIGHTS = (
    "processes were to train one model, and its weights are not the same any more: process 0 has "
    "others than process {}. In a loop of your own, wrap the net in DistributedDataParallel, or "
    "bring gradients together before each step. What sets weights has to do so in every process."
)


def _apart(each: Sequence[tuple[float, float] | None]) -> list[int]:
    """The processes whose weights are others than those of the first, by more than rounding."""
    if each[0] is None:
        return []
    total, norm = each[0]
    found = (abs(one[0] - total) > _ROUNDING * norm if one else False for one in each)
    return [rank for rank, is_apart in enumerate(found) if is_apart]


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
