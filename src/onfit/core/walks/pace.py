"""How fast a run of steps is."""

from typing import Any

from onfit.core.timing import Timing


class Pace:
    """How many samples and tokens a run of steps has seen, and how many it sees in a second.

    Args:
        timing: the seconds that data and steps have taken. Validation and callbacks do not count.
    """

    def __init__(self, timing: Timing) -> None:
        self._timing = timing
        self.tokens = 0
        self.of_batch: int | None = None  # the tokens of the last batch
        self._new_tokens = 0
        self.begin_row()

    def begin_row(self) -> None:
        """A row of logs begins."""
        self._samples, self._tokens_before, self._since = 0, self.tokens, self._seconds()

    def go_on(self, tokens: int) -> None:
        """Another process has seen so many tokens."""
        self.tokens = self._tokens_before = tokens

    def _seconds(self) -> float:
        return self._timing.data + self._timing.step

    def count(self, values: dict[str, Any], size: int) -> dict[str, Any]:
        """Count a batch of `size` samples. Returns its values without the number of `tokens`, of
        which there is a sum, not a mean.
        """
        self._samples += size
        tokens = int(values.pop("tokens", 0))
        self.of_batch = tokens
        self.tokens += tokens
        self._new_tokens += tokens
        return values

    def take_new_tokens(self) -> int:
        """The tokens that came since this was last asked."""
        new, self._new_tokens = self._new_tokens, 0
        return new

    def report(self) -> dict[str, float]:
        """The rates since the row began, and all tokens so far, if any were logged."""
        seconds = self._seconds() - self._since
        known = bool(self._samples) and seconds > 0  # not of a row that another process has seen
        report: dict[str, float] = {}
        if known:
            report["samples_per_second"] = self._samples / seconds
        if self.tokens:
            report["tokens"] = self.tokens
        if self.tokens and known:
            report["tokens_per_second"] = (self.tokens - self._tokens_before) / seconds
        return report
