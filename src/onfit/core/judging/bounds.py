"""Values at which training stops at once."""

from dataclasses import dataclass

from onfit._types import Mode
from onfit.core.console import readable
from onfit.errors import ArgumentError


@dataclass(frozen=True)
class Bounds:
    """A value that is good enough to stop at, and one that is too bad to go on.

    Args:
        name: the name of the quantity.
        mode: whether less (`"min"`) or more (`"max"`) is better.
        stop_at: the good value; None if none is good enough.
        diverges_at: the bad value; None if none is too bad.

    >>> bounds = Bounds("acc", "max", stop_at=0.99, diverges_at=0.1)
    >>> bounds.reached(0.995), bounds.diverged(0.5)
    ('acc has reached 0.99: it is 0.995', '')
    """

    name: str
    mode: Mode
    stop_at: float | None = None
    diverges_at: float | None = None

    def check(self, owner: str) -> None:
        """Check that the good value is better than the bad one.

        Raises:
            ArgumentError: if it is not.
        """
        good, bad = self.stop_at, self.diverges_at
        if good is not None and bad is not None and self._as_good(bad, good):
            raise ArgumentError(
                f"{owner}(stop_at={good!r}, diverges_at={bad!r}): of {self.name!r} "
                f"{'less' if self.mode == 'min' else 'more'} is better, so every value would stop "
                "the training. Exchange the two, or pass the other mode."
            )

    def reached(self, value: float) -> str:
        """Why a value is good enough; empty if it is not."""
        if self.stop_at is None or not self._as_good(value, self.stop_at):
            return ""
        return f"{self.name} has reached {readable(self.stop_at)}: it is {readable(value)}"

    def diverged(self, value: float) -> str:
        """Why a value is too bad, which a NaN always is; empty if it is not."""
        if self.diverges_at is None or self._better(value, self.diverges_at):
            return ""
        return f"{self.name} has diverged to {readable(value)}, past {readable(self.diverges_at)}"

    def _as_good(self, value: float, than: float) -> bool:
        return value == than or self._better(value, than)

    def _better(self, value: float, than: float) -> bool:
        return value < than if self.mode == "min" else value > than
