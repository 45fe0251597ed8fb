"""What a script has changed since a checkpoint was saved."""

from typing import TYPE_CHECKING, Any

from onfit.errors import warn

if TYPE_CHECKING:
    from onfit.core.callback import Callback
    from onfit.core.run import Run

    Named = dict[str, Callback]


def tell_changes(remembering: "Named", run: "Run", state: dict[str, Any]) -> None:
    """Warn which callbacks, and which of their arguments, are not those of the checkpoint.

    Args:
        remembering: the run's callbacks that have something to remember, by name.
        run: the run.
        state: its state in the checkpoint.
    """
    mine, saved = set(remembering), set(state["callbacks"])
    if mine != saved:
        warn(
            f"the checkpoint is of a run with the callbacks {', '.join(sorted(saved)) or 'none'}; "
            f"this one has {', '.join(sorted(mine)) or 'none'}. What both have goes on, the rest "
            "begins anew."
        )
    _tell_changed_settings(state.get("settings", {}), dict(run.settings))
    for name in sorted(mine & saved):
        before, now = state["arguments"].get(name, {}), run.arguments.get(name, {})
        changed = _changed(before, now)
        if changed:
            warn(
                f"{name} was made with {_listed(before, changed)} when the checkpoint was saved, "
                f"and with {_listed(now, changed)} in this run, which is what counts from here on."
            )


def _changed(before: dict[str, str], now: dict[str, str]) -> list[str]:
    return [key for key in now if key in before and before[key] != now[key]]


def without_changed(
    remembering: "Named", run: "Run", state: dict[str, Any]
) -> dict[str, dict[str, Any]]:
    """What callbacks remember. Of one that keeps all its attributes, those are left out that are
    arguments which the script has changed since. The arguments are those of `tell_changes`.
    """
    found = dict(state["callbacks"])
    for name, callback in remembering.items():
        if name in found and _keeps_all(callback):
            before, now = state["arguments"].get(name, {}), run.arguments.get(name, {})
            changed = _changed(before, now)
            found[name] = {key: v for key, v in found[name].items() if key not in changed}
    return found


def _keeps_all(callback: "Callback") -> bool:
    """Whether its state is its attributes: it names none, and has no way of its own."""
    return (
        callback.remembers is None
        and type(callback).load_state_dict.__module__ == "onfit.core.callback"
    )


def _tell_changed_settings(before: dict[str, str], now: dict[str, str]) -> None:
    changed = _changed(before, now)
    if changed:
        warn(
            f"the script has {_listed(now, changed)}, and had {_listed(before, changed)} when the "
            "checkpoint was saved. The learning rate, and all of a torch optimizer, go on as in "
            "the checkpoint; else the script counts."
        )


def _listed(arguments: dict[str, str], names: list[str]) -> str:
    return ", ".join(f"{name}={arguments[name]}" for name in names)
