"""The whole state of a run, from which another process can go on exactly."""

import inspect
import os
from collections.abc import Iterable
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any, Protocol

from onfit.core.judging.decisions import decisions_state, load_decisions
from onfit.core.packages import loaded
from onfit.core.packages.plain import as_before, text_of
from onfit.core.packages.randomness import random_state, set_random_state
from onfit.core.stop import THE_LOOP, Stop
from onfit.core.walks.changes import tell_changes, without_changed
from onfit.core.walks.sense import making_sense, require_kinds, senseless
from onfit.errors import ArgumentTypeError, FileFormatError, warn

if TYPE_CHECKING:
    from onfit.core.callback import Callback
    from onfit.core.run import Run

_FORMAT = 1
_TOO_MANY = 2**53  # no run comes so far
_NO_MATTER = {"verbose"}  # an argument that changes what is printed, not what is done
_SIMPLE = (bool, int, float, str, type(None))


class Resumable(Protocol):
    """A part of a run that gives its state and takes it back."""

    def state_dict(self) -> dict[str, Any]:
        """The state as plain data and arrays."""

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from such a state."""


def names_of(callbacks: Iterable["Callback"]) -> dict[str, "Callback"]:
    """A name for each callback: its class, and its number among the callbacks of that class. So the
    name does not depend on callbacks of other classes.

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


def check_kept(run: "Run") -> None:
    """Check, before training, that all parts of the run can be saved. Warn of what belongs to the
    training and is not among them: a resumed run would begin it anew.

    Raises:
        ArgumentTypeError: naming a part without `state_dict` and `load_state_dict`.
    """
    for name, part in run.parts.items():
        if not (hasattr(part, "state_dict") and hasattr(part, "load_state_dict")):
            raise ArgumentTypeError(
                f"parts={{{name!r}: ...}} takes objects whose state can be saved, with the methods "
                f"state_dict and load_state_dict; got {part!r} of type {type(part).__name__}. "
                "Leave it out, or give it the two methods."
            )
    kept = [*run.parts.values(), *run.callbacks]
    for package in loaded():
        for text in package.left_out(run.model, kept):
            warn(text)


def run_state(run: "Run", model: dict[str, Any] | None = None) -> dict[str, Any]:
    """The run as plain data; in it the state of its model, by default all that it gives."""
    progress = run.progress
    return {
        "format": _FORMAT,
        "progress": {
            "epoch": progress.epoch,
            "batch": progress.batch if run.in_epoch else 0,
            "step": progress.step,
        },
        "in_epoch": run.in_epoch,
        # A pause is not saved: the resumed run goes on as if nothing had happened.
        "stop": None if run.lasting_stop is None else _stop_state(run.lasting_stop),
        "model": run.model.state_for_resume() if model is None else model,
        "callbacks": memories(run.callbacks),
        "decisions": decisions_state(names_of(run.callbacks)),
        "arguments": run.arguments,
        "settings": dict(run.settings),
        "parts": {name: part.state_dict() for name, part in run.parts.items()},
        "row": run.row_state(),
        "walk": run.walk.state(),
        # Where a signal cut in: as it was before.
        **(run.before if "random" in run.before else {"random": random_state(), **run.before}),
        "unheard": run.unheard,
    }


def restore_run(run: "Run", state: dict[str, Any]) -> None:
    """Set the run up as it was when `state` was saved. The callback that saves the run does this
    after every other `on_train_begin`, so that none of them undoes it.

    Raises:
        FileFormatError: if model or data are not those of the state, where the error lists both; or
            if the state is what no run saves.
    """
    with making_sense():
        _require_format(state.get("format"))
        _check_progress(state)
        # Before its meter, which has other names after a `compile` in mid-training.
        if hasattr(run.model, "recompile_for_resume"):
            run.model.recompile_for_resume(state["model"])
        _restore_parts(run, state["parts"], state["in_epoch"])
        run.model.load_state_for_resume(state["model"])
        remembering = _remembering(run.callbacks)
        tell_changes(remembering, run, state)
    remember(run.callbacks, without_changed(remembering, run, state))
    with making_sense():
        # An older checkpoint has none.
        load_decisions(names_of(run.callbacks), state.get("decisions", {}))
        for key, value in state["progress"].items():
            setattr(run.progress, key, value)
        run.load_row_state(state.get("row", {}))  # an older checkpoint has none
        run.resume(
            in_epoch=state["in_epoch"],
            walk=state["walk"],
            random=state["random"],
            unheard=state.get("unheard"),
        )
        if state["stop"] is not None:
            run.ask(_stop_of(run, state["stop"]))


def memories(callbacks: Iterable["Callback"]) -> dict[str, dict[str, Any]]:
    """What each callback has to remember, by its name.

    >>> from onfit.callbacks import ReduceLROnPlateau, TerminateOnNaN
    >>> memories([ReduceLROnPlateau(), TerminateOnNaN()])["ReduceLROnPlateau/0"]["best"]
    {'value': None, 'epoch': None, 'wait': 0}
    """
    return {name: callback.state_dict() for name, callback in _remembering(callbacks).items()}


def remember(callbacks: Iterable["Callback"], states: dict[str, dict[str, Any]]) -> None:
    """Give each callback back what `memories` has of it.

    Raises:
        FileFormatError: if a callback of onfit's cannot make sense of it.
    """
    for name, callback in _remembering(callbacks).items():
        if name in states:
            own = type(callback).load_state_dict.__module__.startswith("onfit.")
            with making_sense() if own else nullcontext():  # an error of the user's is the user's
                if type(callback).__module__.startswith("onfit."):
                    require_kinds(states[name], callback.state_dict(), name)
                callback.load_state_dict(states[name])


def _require_format(found: Any) -> None:
    if found != _FORMAT:
        raise FileFormatError(
            f"the checkpoint has format {found!r}; this version of onfit reads {_FORMAT}. Resume "
            "with the version that wrote it."
        )


def _check_progress(state: dict[str, Any]) -> None:
    """Check that a run can be where this state says, and that the generators take what it says."""
    where = state["progress"]
    for key in ("epoch", "batch", "step"):
        if type(where[key]) is not int or not 0 <= where[key] < _TOO_MANY:
            raise senseless(f"{key} {str(where[key])[:20]}")
    if type(state["in_epoch"]) is not bool:
        raise senseless(f"in_epoch {state['in_epoch']!r}")
    _require_generators(state["random"])
    if state["walk"]["start"] is not None:
        _require_generators(state["walk"]["start"]["all"])


def _require_generators(state: dict[str, Any]) -> None:
    before = random_state()
    try:
        set_random_state(state)
    except RuntimeError as error:  # torch's
        raise senseless(f"random: {error}") from error
    finally:
        set_random_state(before)


def settings_of(run: "Run") -> dict[str, str]:
    """What a script sets up beside its callbacks, as text. A resumed run warns if it differs."""
    of_model = getattr(run.model, "settings_for_resume", dict)
    found: dict[str, str] = of_model()
    return found


def arguments_of(callbacks: Iterable["Callback"]) -> dict[str, dict[str, str]]:
    """The constructor arguments of the callbacks that remember something, as text; only arguments
    that are numbers or text. A resumed run warns if they are different.

    >>> from onfit.callbacks import EarlyStopping
    >>> arguments_of([EarlyStopping(patience=3)])["EarlyStopping/0"]["patience"]
    '3'
    """
    return {
        name: _arguments_of(callback)
        for name, callback in names_of(callbacks).items()
        if callback.remembers != ()
    }


def _arguments_of(callback: "Callback") -> dict[str, str]:
    names = inspect.signature(type(callback)).parameters.keys() - _NO_MATTER
    held = {name: _text_of(value) for name, value in vars(callback).items() if name in names}
    return {name: text for name, text in held.items() if text is not None}


def _text_of(value: Any) -> str | None:
    if isinstance(value, os.PathLike):
        value = os.fspath(value)
    return text_of(value, repr) if isinstance(value, _SIMPLE) else None


def _restore_parts(run: "Run", states: dict[str, Any], in_epoch: bool) -> None:
    if states.keys() != run.parts.keys():
        raise FileFormatError(
            "this run cannot go on from the checkpoint, which is of a run of another kind.\n"
            f"  the checkpoint has: {', '.join(sorted(states))}\n"
            f"  this run has:       {', '.join(sorted(run.parts))}\n"
            "Train in the way it began, or give this run another folder."
        )
    for name, part in run.parts.items():
        if name != "meter" or in_epoch:  # the meter forgets everything when an epoch begins
            mine = part.state_dict()
            if type(part).__module__.startswith("onfit."):
                require_kinds(states[name], mine, name)
            part.load_state_dict(as_before(states[name], mine))


def _remembering(callbacks: Iterable["Callback"]) -> dict[str, "Callback"]:
    """The callbacks that have something to remember, by name."""
    return {name: one for name, one in names_of(callbacks).items() if one.remembers != ()}


def _stop_state(stop: Stop) -> dict[str, Any]:
    return {"by": stop.by, "why": stop.why, "means": stop.means}


def _stop_of(run: "Run", state: dict[str, Any]) -> Stop:
    """The stop of a saved run. An older checkpoint has the callback's name with its number."""
    by, _, number = state["by"].partition("/")
    author = names_of(run.callbacks).get(state["by"]) if number else None
    if author is not None:
        return Stop.of_callback(author, state["why"])
    return Stop(by or THE_LOOP, state["why"], state.get("means", "nothing"))
