"""Logged values as points of curves: the folder and the tag of each."""

import numbers
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

from onfit.core.aliases import find
from onfit.core.meter import as_number

TRAIN, VALIDATION = "train", "validation"


def scalars_by_folder(kind: str, values: dict[str, Any]) -> dict[str, dict[str, float]]:
    """Subfolder -> tag -> value, for those of the values that are one number.

    Args:
        kind: what the tags begin with: `"epoch"` or `"batch"`.
        values: what was logged; names that begin with `val_` go to the validation folder.

    >>> scalars_by_folder("epoch", {"loss": 0.5, "val_loss": 1})
    {'train': {'epoch_loss': 0.5}, 'validation': {'epoch_loss': 1.0}}
    """
    folders: dict[str, dict[str, float]] = {}
    for name, value in _numbers(values):
        folder = VALIDATION if name.startswith("val_") else TRAIN
        folders.setdefault(folder, {})[f"{kind}_{name.removeprefix('val_')}"] = value
    return folders


def _numbers(values: dict[str, Any]) -> Iterator[tuple[str, float]]:
    """Those of the values that are one number, as floats."""
    for name, value in values.items():
        number = as_number(value)
        if isinstance(number, numbers.Real):
            with suppress(OverflowError):  # of an int with hundreds of digits
                yield name, float(number)


def learning_rate(logs: dict[str, Any], model: Any) -> dict[str, Any]:
    """The logged learning rate; if there is none, the rate of the model's optimizer."""
    name = find("learning_rate", logs)
    if name is not None:
        return {"learning_rate": logs[name]}
    optimizer = getattr(model, "optimizer", None)
    rate = getattr(optimizer, "learning_rate", getattr(optimizer, "lr", None))
    return {} if rate is None else {"learning_rate": rate}
