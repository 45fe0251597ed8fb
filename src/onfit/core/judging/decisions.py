"""What callbacks decided, and why."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from onfit.core.judging.deciding import turns

_NEWEST = 1000  # how many decisions are kept: a run saves them in every checkpoint


@dataclass(frozen=True, slots=True)
class Decision:
    """One decision of a callback.

    Attributes:
        epoch: the index of the epoch at whose end it was made; None for a step.
        step: how many steps were done when it was made; None for an epoch.
        value: the value that was judged, or the rate that was set; None if there is none.
        what: what was decided, in a word: `"improved"`, `"waited"`, `"stopped"`, `"reduced"`,
            `"saved"`, `"skipped"`, `"set"`.
        why: the reason, as a sentence.

    >>> print(Decision(3, None, 0.31, "waited", "loss 0.31 did not beat 0.3; 3 of 5"))
    epoch 4: loss 0.31 did not beat 0.3; 3 of 5
    """

    epoch: int | None
    step: int | None
    value: float | None
    what: str
    why: str

    def __str__(self) -> str:
        place = f"step {self.step}" if self.epoch is None else f"epoch {self.epoch + 1}"
        return f"{place}: {self.why}"

    def as_line(self) -> str:
        """A line of JSON, as checkpoints have it."""
        parts = (self.epoch, self.step, self.value, self.what, self.why)
        return json.dumps(parts, default=float)  # the number of an array has a type of its own


class _Notes:
    """The newest decisions of a callback. Each becomes text once, however often a run is saved."""

    def __init__(self, decisions: Iterable[Decision] = ()) -> None:
        self.decisions = list(decisions)
        self._lines: list[str] = []  # of the first of them

    def add(self, decision: Decision) -> None:
        self.decisions.append(decision)
        excess = max(len(self.decisions) - _NEWEST, 0)
        del self.decisions[:excess], self._lines[:excess]

    def as_bytes(self) -> bytes:
        """All of them, a line each."""
        self._lines += [each.as_line() for each in self.decisions[len(self._lines) :]]
        return "\n".join(self._lines).encode()


class Decisions:
    """The attribute `decisions` of a callback, a list: its latest decisions, at most 1000. It is
    the user's where a subclass sets an attribute of this name.
    """

    def __get__(self, callback: Any, kind: type) -> Any:
        return self if callback is None else decisions_of(callback)


def _of(callback: Any) -> _Notes:
    # Kept under a name of its own, made when it is first asked for: a subclass may have an
    # `__init__` of its own.
    if "_decisions" not in vars(callback):
        vars(callback)["_decisions"] = _Notes()
    found: _Notes = vars(callback)["_decisions"]
    return found


def keeps_decisions(callback: Any) -> bool:
    """Whether a callback is of a class that keeps its decisions."""
    kinds = type(callback).__mro__
    return any(isinstance(vars(kind).get("decisions"), Decisions) for kind in kinds)


def decisions_of(callback: Any) -> list[Decision]:
    """The decisions of a callback, whatever a subclass calls `decisions`."""
    return list(_of(callback).decisions)


def note(
    callback: Any,
    what: str,
    why: str,
    *,
    value: float | None = None,
    epoch: int | None = None,
    step: int | None = None,
) -> Decision:
    """Keep a decision of `callback`, made at the end of `epoch` or after `step` steps."""
    decision = Decision(epoch, step, value, what, why)
    _of(callback).add(decision)
    return decision


def note_at(callback: Any, index: int, what: str, why: str, value: float | None = None) -> Decision:
    """Keep a decision of a callback that decides at epochs or at validations: `index` is the epoch
    or the step.
    """
    at = "epoch" if turns(callback) == "epochs" else "step"
    return note(callback, what, why, value=value, **{at: index})


def note_at_batch(
    callback: Any, batch: int, what: str, why: str, value: float | None = None
) -> Decision:
    """Keep a decision that is made at the end of a batch: after the steps that the session has
    counted; in a loop without one after `batch + 1` of the epoch.
    """
    session = callback._session
    step = batch + 1 if session is None else session.progress.step
    return note(callback, what, why, value=value, step=step)


def forget_decisions(callback: Any) -> None:
    """A new training begins."""
    vars(callback)["_decisions"] = _Notes()


def decisions_state(named: Mapping[str, Any]) -> dict[str, bytes]:
    """The decisions of callbacks, by name, as plain data, for a run that is resumed."""
    kept = {name: vars(one).get("_decisions") for name, one in named.items()}
    return {name: of.as_bytes() for name, of in kept.items() if of is not None and of.decisions}


def load_decisions(named: Mapping[str, Any], state: Mapping[str, Any]) -> None:
    """Give callbacks, by name, the decisions of such a state."""
    for name, one in named.items():
        if name in state:
            vars(one)["_decisions"] = _Notes(Decision(*each) for each in _parts_in(state[name]))


def _parts_in(kept: Any) -> list[Any]:
    # An older checkpoint has the parts themselves.
    return [json.loads(line) for line in kept.splitlines()] if isinstance(kept, bytes) else kept
