"""One quantity that a callback watches, its best value, and the wait for a better one."""

from typing import Any

from onfit._types import AskedMode, OnMissing
from onfit.core.console import readable
from onfit.core.judging.deciding import turns
from onfit.core.judging.monitor import Monitor
from onfit.core.judging.objective import Best, Objective, resolve_mode
from onfit.core.judging.patience import Patience, Wait


class Watched:
    """A quantity that a callback watches.

    Args:
        owner: the name of the callback, for messages.
        name: the name of the quantity.
        on_missing: what to do if it is not logged: `"warn"` or `"raise"`.

    Attributes:
        best: the best value, and how many decisions were no better since.
        waiting: since when the callback waits for a better one.
        improved: whether the last value was the best so far.
        beaten: whether it also beat the baseline.
    """

    def __init__(self, owner: str, name: str, on_missing: OnMissing) -> None:
        self.name = name
        self._owner = owner
        self.monitor = Monitor(name, self._owner, on_missing)
        self.best = Best()
        self.waiting = Wait()
        self.improved = self.beaten = False

    def begin(self, callback: Any) -> None:
        """A new training begins."""
        self.monitor.reset()
        self.best = Best()
        self.improved = self.beaten = False
        self.waiting.begin(callback)

    def objective(self, mode: AskedMode, min_delta: Any, model: Any) -> Objective:
        """The rule for an improvement.

        Raises:
            ArgumentError: if nothing says whether the quantity should grow or shrink.
        """
        direction = resolve_mode(mode, self.name, self._owner, model)
        return Objective.of(direction, min_delta, self._owner)

    def succeed(self, callback: Any) -> None:
        """The wait begins anew."""
        self.best.wait = 0
        self.waiting.begin(callback)

    def waited(self, patience: Patience, callback: Any) -> float:
        """How much of the unit of `patience` the callback has waited."""
        return self.waiting.waited(patience, callback, self.best.wait)

    def judge(
        self,
        callback: Any,
        value: float,
        index: int,
        objective: Objective,
        baseline: float | None = None,
    ) -> str:
        """Compare `value`, of epoch or step `index`, with the best; count the wait, which only ends
        when the baseline is beaten, too. Returns what was found, in words.
        """
        said = self.compared(value, objective, self.best.value)
        self.best.wait += 1
        self.improved = objective.better(value, self.best.value)
        self.beaten = baseline is None or objective.better(value, baseline)
        if self.improved:
            self.best.accept(value, index)
        if self.improved and self.beaten:
            self.succeed(callback)
        if baseline is not None and not self.beaten:
            said += f", and is not past the baseline {readable(baseline)}"
        return said

    def is_over(self, callback: Any, patience: Patience, index: int) -> bool:
        """Whether the wait is longer than `patience`. A first epoch ends it only if the value did
        not beat the baseline.
        """
        if (self.improved and self.beaten) or not (self.improved or index > 0):
            return False
        return self.waited(patience, callback) >= patience.amount

    def reason(self, callback: Any, patience: Patience, baseline: float | None = None) -> str:
        """Why the wait is over, in words."""
        waited = f"for {patience.text or f'{self.best.wait} {turns(callback)}'}"
        if self.best.value is None:
            return f"{self.name} was no number {waited}"
        if baseline is not None and not self.beaten:
            return f"{self.name} has not beaten the baseline {readable(baseline)} {waited}"
        return f"{self.name} has not improved on {readable(self.best.value)} {waited}"

    def compared(self, value: float, objective: Objective, than: float | None) -> str:
        """Whether `value` improves on `than`, in words.

        >>> watched = Watched("EarlyStopping", "loss", "warn")
        >>> watched.compared(0.31, Objective("min", 0.001), than=0.3)
        'loss 0.31 did not beat 0.3 by 0.001'
        """
        said = f"{self.name} {readable(value)}"
        if than is None:
            return f"{said} is the first value" if value == value else f"{said} is no number"
        did = "beat" if objective.better(value, than) else "did not beat"
        return f"{said} {did} {readable(than)}{objective.margin_said}"

    def state_dict(self, patience: Patience) -> dict[str, Any]:
        """The best value and the wait, as plain data."""
        return {"best": dict(vars(self.best)), "waiting": self.waiting.state_dict(patience)}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from such a state."""
        self.best = Best(**state["best"])
        self.waiting.load_state_dict(state.get("waiting"))
