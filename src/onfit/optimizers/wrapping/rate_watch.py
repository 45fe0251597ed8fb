"""Notices that something undid a change of the learning rate."""

import math

from onfit.errors import warn

_NEARLY_ZERO = 1e-300  # for the logarithm of a rate of 0


class RateWatch:
    """Compares the learning rate that a callback has set with the one that is found later.

    A torch scheduler may change the rate further. It undoes the change if what is found lies
    nearer to the rate before, as a ratio, than to the rate that was set.

    Example:
        >>> watch = RateWatch()
        >>> watch.changed(before=1.0, now=0.1)
        >>> watch.undone(0.09), watch.undone(1.0)
        (False, True)
    """

    def __init__(self) -> None:
        self._change: tuple[float, float] | None = None
        self._warned = False

    def changed(self, before: float, now: float) -> None:
        """A callback has set the rate to `now`."""
        self._change = None if math.isclose(before, now, rel_tol=1e-5) else (before, now)

    def forget(self) -> None:
        """Another training begins, for which the user may have set the rate anew."""
        self._change = None

    def undone(self, found: float) -> bool:
        """Whether a rate of `found` is more like the one before the change."""
        if self._change is None:
            return False
        before, now = self._change
        return _distance(found, before) < _distance(found, now)

    def warn(self, found: float, kind: str, scheduled: bool) -> None:
        """Warn, once, that the change was undone.

        Args:
            found: the rate as it is.
            kind: the optimizer's class.
            scheduled: whether the optimizer has the mark of a torch scheduler.
        """
        if self._warned or self._change is None:
            return
        self._warned = True
        by = "a torch scheduler, which computes it anew" if scheduled else "the loop or a scheduler"
        warn(
            f"the learning rate of {kind} is set by two: a callback set it to "
            f"{self._change[1]:g}, and then it was {found:g} again, set by {by}. The callback has "
            "no effect. Leave out one of them."
        )


def _distance(one: float, other: float) -> float:
    return abs(math.log(max(one, _NEARLY_ZERO)) - math.log(max(other, _NEARLY_ZERO)))
