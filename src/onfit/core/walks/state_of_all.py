"""The state of a run that several processes go through: one checkpoint, with a part of each."""

from typing import TYPE_CHECKING, Any

from onfit.core.meter import AddsUp
from onfit.core.processes import means_of
from onfit.core.state import run_state
from onfit.errors import FileFormatError

if TYPE_CHECKING:
    from onfit.core.run import Run

State = dict[str, Any]

# What each process has of its own. The rest is the same in all: the model, the stop, the settings.
_OWN = ("progress", "callbacks", "parts", "row", "walk", "random", "unheard")


def state_of_all(run: "Run", model: State | None = None) -> State | None:
    """The state of the main process, and under `others` what each of the others has of its own.
    Every process calls this; in those the answer is None. `model` is as in `run_state`.
    """
    state = run_state(run, model)
    if run.processes.world == 1:
        return state
    found = run.processes.gathered(_own_of(state))
    return None if found is None else {**state, "others": found[1:]}


def _own_of(state: State) -> State:
    # A layer such as Dropout(seed=...) draws from a generator of its own.
    return {**{key: state[key] for key in _OWN}, "generators": state["model"].get("generators", {})}


def state_of_this(run: "Run", state: State) -> State:
    """The state from which this process goes on, of one that `state_of_all` returned.

    Raises:
        FileFormatError: if another number of processes cannot go on from there.
    """
    rank, world = run.processes.rank, run.processes.world
    others = state.pop("others", ())
    if world == 1 + len(others):
        return _with_own(state, others[rank - 1]) if rank else state
    _check_divisible(state, world, 1 + len(others))
    return _divided_anew(run, state, [_own_of(state), *others])


def _with_own(state: State, own: State) -> State:
    own = dict(own)
    generators = own.pop("generators")
    model = {**state["model"], "generators": generators} if generators else state["model"]
    return {**state, **own, "model": model}


def _check_divisible(state: State, world: int, saved: int) -> None:
    """Refuse to go on within an epoch if a loader of this process alone gives its batches."""
    walk = state["walk"]
    if state["in_epoch"] and not (walk["start"] is None and walk["position"] is None):
        raise FileFormatError(
            f"{world} processes cannot go on from the checkpoint, which {saved} saved within an "
            "epoch of a loader: each had a share of its own of the batches. Go on with "
            f"{saved} processes, or save at the end of an epoch (save_freq='epoch')."
        )


def _divided_anew(run: "Run", state: State, each: list[State]) -> State:
    """The state for another number of processes: the main one goes on with what all had measured,
    the others begin to measure.
    """
    meter, values = run.parts["meter"], means_of(one["row"]["values"] for one in each)
    if run.processes.is_main and isinstance(meter, AddsUp):
        measured = meter.merged_state([one["parts"]["meter"] for one in each])
    else:
        meter.reset()  # type: ignore[attr-defined]
        measured, values = meter.state_dict(), {}
    parts = {**state["parts"], "meter": measured}
    return {**state, "parts": parts, "row": {**state["row"], "values": values}}
