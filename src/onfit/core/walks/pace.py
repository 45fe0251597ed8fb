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
        self.samples = self.tokens = 0
        self.of_batch: int | None = None  # the tokens of the last batch
        self._new_tokens = 0
        self.begin_row()

    def begin_row(self) -> None:
        """A row of logs begins."""
        self._before = self.samples, self.tokens, self._seconds()

    def state_dict(self) -> dict[str, int]:
        """What was seen so far, as plain data."""
        return {"samples": self.samples, "tokens": self.tokens}

    def load_state_dict(self, state: dict[str, int]) -> None:
        """Go on from what another process has seen; an older checkpoint says nothing of samples."""
        self.samples, self.tokens = state.get("samples", 0), state.get("tokens", 0)
        self.begin_row()

    def done(self) -> dict[str, int]:
        """What was counted so far: samples, and tokens if any were logged."""
        return {name: count for name, count in self.state_dict().items() if count}

    def _seconds(self) -> float:
        return self._timing.data + self._timing.step

    def count(self, values: dict[str, Any], size: int) -> dict[str, Any]:
        """Count a batch of `size` samples. Returns its values without the number of `tokens`, of
        which there is a sum, not a mean.
        """
        self.samples += size
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
        samples, tokens, since = self._before
        samples, seconds = self.samples - samples, self._seconds() - since
        known = bool(samples) and seconds > 0  # not of a row that another process has seen
        report: dict[str, float] = {}
        if known:
            report["samples_per_second"] = samples / seconds
        if self.tokens:
            report["tokens"] = self.tokens
        if self.tokens and known:
            report["tokens_per_second"] = (self.tokens - tokens) / seconds
        return report
