"""Everything a run needs to go on exactly from where it was."""

import warnings
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Protocol

from onfit.core.randomness import random_state, set_random_state
from onfit.errors import FileFormatError, OnfitWarning

if TYPE_CHECKING:
    from onfit.core.callback import Callback
    from onfit.core.run import Run

_FORMAT = 1


class Resumable(Protocol):
    """A part of a run that can be taken down as plain data and set up again."""

    def state_dict(self) -> dict[str, Any]:
        """Plain data and arrays."""

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from such data."""


def names_of(callbacks: Iterable["Callback"]) -> dict[str, "Callback"]:
    """A name for each callback that does not depend on its neighbours: its class, and which of
    that class it is.

    >>> from onfit.callbacks import History, TerminateOnNaN
    >>> list(names_of([History(), TerminateOnNaN(), History()]))
    ['History/0', 'TerminateOnNaN/0', 'History/1']
    """
    named: dict[str, Callback] = {}
    counts: dict[str, int] = {}
    for callback in callbacks:
        kind = type(callback).__name__
        named[f"{kind}/{counts.get(kind, 0)}"] = callback
        counts[kind] = counts.get(kind, 0) + 1
    return named


def run_state(run: "Run") -> dict[str, Any]:
    """The run as plain data: where it is, its model, its callbacks, its parts, its randomness."""
    progress = run.progress
    return {
        "format": _FORMAT,
        "progress": {
            "epoch": progress.epoch,
            "batch": progress.batch if run.in_epoch else 0,
            "step": progress.step,
        },
        "in_epoch": run.in_epoch,
        # A pause is no part of the run: it goes on from here as if nothing had happened.
        "stop": {"by": _author(run), "why": run.stop_reason}
        if run.stopping and not run.pausing
        else None,
        "model": run.model.state_for_resume(),
        "callbacks": {
            name: callback.state_dict() for name, callback in names_of(run.callbacks).items()
        },
        "parts": {name: part.state_dict() for name, part in run.parts.items()},
        "random": random_state(),
    }


def restore_run(run: "Run", state: dict[str, Any]) -> None:
    """Set the run up as it was. Told after every `on_train_begin`, so that none undoes it.

    Raises:
        FileFormatError: if model or data are not those of the state; both sides are listed.
    """
    if state.get("format") != _FORMAT:
        raise FileFormatError(
            f"the checkpoint has format {state.get('format')!r}; this version of onfit reads "
            f"{_FORMAT}. Resume with the version that wrote it."
        )
    run.model.load_state_for_resume(state["model"])
    for name, part in run.parts.items():
        part.load_state_dict(state["parts"][name])
    _restore_callbacks(run, state["callbacks"])
    for key, value in state["progress"].items():
        setattr(run.progress, key, value)
    run.resume(in_epoch=state["in_epoch"], random=state["random"])
    if state["stop"] is not None:
        run.model.stop_training = True
        run.stop_reason = state["stop"]["why"]
        run.callbacks.stopped_by = names_of(run.callbacks).get(state["stop"]["by"])


def _restore_callbacks(run: "Run", states: dict[str, Any]) -> None:
    callbacks = names_of(run.callbacks)
    if callbacks.keys() != states.keys():
        warnings.warn(
            f"the checkpoint is of a run with the callbacks {', '.join(sorted(states))}; this one "
            f"has {', '.join(sorted(callbacks))}. What both have goes on, the rest begins anew.",
            OnfitWarning,
            stacklevel=2,
        )
    for name, callback in callbacks.items():
        if name in states:
            callback.load_state_dict(states[name])


def _author(run: "Run") -> str:
    author = run.callbacks.stopped_by
    return next((n for n, c in names_of(run.callbacks).items() if c is author), "")


def put_back(random: dict[str, Any] | None) -> None:
    """Set the random generators, if there is anything to set them to."""
    if random is not None:
        set_random_state(random)
