"""What a pruning callback has to know of a trial of Optuna, and of its study."""

from typing import Any

from onfit.core.judging.objective import direction_of
from onfit.errors import ArgumentError, ArgumentTypeError, warn

_WAYS = {"MINIMIZE": "min", "MAXIMIZE": "max"}


def check_trial(trial: Any) -> None:
    """Raise an ArgumentTypeError for what is no trial."""
    if not hasattr(trial, "report") or not hasattr(trial, "should_prune"):
        raise ArgumentTypeError(
            f"PruningCallback(trial={trial!r}): trial is what study.optimize hands to the "
            "objective."
        )


def check_study(study: Any, monitor: str, model: Any) -> None:
    """Raise an ArgumentError for a study of several objectives, and warn of one that goes the other
    way than `monitor`.
    """
    directions = list(getattr(study, "directions", ()))
    if len(directions) > 1:
        raise ArgumentError(
            f"PruningCallback(monitor={monitor!r}): the study has {len(directions)} "
            "objectives, and Optuna prunes trials of one. Leave the callback out."
        )
    wanted = next((_WAYS.get(each.name) for each in directions), None)
    better = direction_of(monitor, model)
    if wanted and better and wanted != better:
        warn(
            f"PruningCallback(monitor={monitor!r}): the study is to {directions[0].name.lower()} "
            f"its objective, so Optuna prunes the trials whose {monitor} is best. Monitor what "
            "goes the way of the objective, or make the study with the other direction."
        )
