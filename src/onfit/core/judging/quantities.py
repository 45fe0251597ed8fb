"""The quantities that decide whether training goes on, one or several under a rule."""

from collections.abc import Iterator
from typing import Any

from onfit._types import OnMissing
from onfit.core.judging.objective import Objective, check_mode
from onfit.core.judging.patience import Patience
from onfit.core.judging.watched import Watched
from onfit.errors import ArgumentError, did_you_mean

_RULES = ("all", "any")


class Quantities:
    """The quantities of a callback that stops when they no longer improve.

    The callback has the arguments `mode`, `min_delta`, `patience`, `baseline` and `rule`. They are
    read whenever they are needed, so they may be set in mid-training. A baseline is the first
    quantity's.

    Args:
        owner: the name of the callback, for messages.
        monitor: the name of one quantity, or a list of names.
        on_missing: what to do if one is not logged: `"warn"` or `"raise"`.

    Attributes:
        first: the quantity that says which weights are the best.
    """

    def __init__(self, owner: str, monitor: Any, on_missing: OnMissing) -> None:
        self._owner = owner
        self._names = _names_in(monitor, owner)
        self._all = [Watched(owner, name, on_missing) for name in self._names]

    def __iter__(self) -> Iterator[Watched]:
        return iter(self._all)

    @property
    def first(self) -> Watched:
        return self._all[0]

    def check(self, callback: Any) -> None:
        """Check the arguments of the callback.

        Raises:
            ArgumentError: for one that makes no sense.
        """
        if callback.rule not in _RULES:
            raise ArgumentError(
                f"{self._owner}(rule={callback.rule!r}): training stops when 'all' quantities have "
                f"stopped improving, or when 'any' has.{did_you_mean(callback.rule, _RULES)}"
            )
        Patience.of(callback.patience, self._owner)
        for mode in _one_for_each(callback.mode, self._names, self._owner, "mode"):
            check_mode(mode, self._owner)
        for min_delta in _one_for_each(callback.min_delta, self._names, self._owner, "min_delta"):
            Objective.of("min", min_delta, self._owner)

    def begin(self, callback: Any) -> None:
        """A new training begins."""
        for each in self._all:
            each.begin(callback)

    def put_off(self, callback: Any) -> None:
        """The wait begins later."""
        for each in self._all:
            each.waiting.begin(callback)

    def objectives(self, callback: Any) -> list[Objective]:
        """The rule for an improvement of each quantity.

        Raises:
            ArgumentError: if nothing says whether one should grow or shrink.
        """
        modes = _one_for_each(callback.mode, self._names, self._owner, "mode")
        deltas = _one_for_each(callback.min_delta, self._names, self._owner, "min_delta")
        return [
            each.objective(mode, min_delta, callback.model)
            for each, mode, min_delta in zip(self._all, modes, deltas, strict=True)
        ]

    def read(self, logs: dict[str, Any], params: dict[str, Any]) -> list[float | None]:
        """The value of each quantity; None for one that is not logged."""
        return [each.monitor.read(logs, params) for each in self._all]

    def judge(self, callback: Any, values: list[float | None], index: int) -> str:
        """Compare the values of epoch or step `index` with the best. Returns what was found."""
        found = []
        for each, value, objective in zip(
            self._all, values, self.objectives(callback), strict=True
        ):
            if value is not None:
                baseline = self._baseline_of(each, callback)
                found.append(each.judge(callback, value, index, objective, baseline))
        return ", ".join(found)

    def no_better(self, callback: Any, index: int) -> str:
        """Why the wait is over, by the callback's rule; empty if it is not."""
        patience = Patience.of(callback.patience, self._owner)
        over = [each for each in self._all if each.is_over(callback, patience, index)]
        if len(over) < (len(self._all) if callback.rule == "all" else 1):
            return ""
        return ", and ".join(
            each.reason(callback, patience, self._baseline_of(each, callback)) for each in over
        )

    def waited(self, callback: Any) -> str:
        """How much of the patience is over, in words; of several quantities for each."""
        patience = Patience.of(callback.patience, self._owner)
        return ", ".join(patience.said(each.waited(patience, callback)) for each in self._all)

    def _baseline_of(self, each: Watched, callback: Any) -> float | None:
        baseline: float | None = callback.baseline if each is self.first else None
        return baseline

    def state_dict(self, callback: Any) -> list[dict[str, Any]]:
        """The best values and the waits, as plain data."""
        patience = Patience.of(callback.patience, self._owner)
        return [each.state_dict(patience) for each in self._all]

    def load_state_dict(self, states: list[dict[str, Any]]) -> None:
        """Go on from such a state. A quantity that was not watched then begins anew."""
        for each, state in zip(self._all, states, strict=False):
            each.load_state_dict(state)


def _names_in(monitor: Any, owner: str) -> list[str]:
    """The names of the quantities in an argument `monitor`: one, or several in a list.

    Raises:
        ArgumentError: for an empty list, or one with a name twice.
    """
    if not isinstance(monitor, list | tuple):
        return [monitor]
    if not monitor or len(set(map(str, monitor))) < len(monitor):
        raise ArgumentError(
            f"{owner}(monitor={monitor!r}): monitor is the name of one logged quantity, or a list "
            "of several, each once."
        )
    return list(monitor)


def _one_for_each(given: Any, names: list[str], owner: str, argument: str) -> list[Any]:
    """One value for each quantity, from an argument that is one for all, or a list of as many.

    Raises:
        ArgumentError: for a list of another length.

    """
    if not isinstance(given, list | tuple):
        return [given] * len(names)
    if len(given) != len(names):
        raise ArgumentError(
            f"{owner}({argument}={given!r}): {len(given)} values for {len(names)} quantities "
            f"({', '.join(names)}). Give one for each, or one for all."
        )
    return list(given)
