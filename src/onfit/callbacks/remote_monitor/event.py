"""An epoch's logs as an event: taken as they are when the epoch ends, made plain when it is sent.

Taking costs a copy, and happens in the thread of the training. Making plain may wait for a device,
and may meet anything that a user logs. It happens in the thread that sends.
"""

import copy
import json
import math
import numbers
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from onfit.core.meter import as_number, frozen

Event = dict[str, Any]

_MUTABLE = (list, dict, set)


def taken(place: str, index: int, logs: Mapping[str, Any] | None) -> Event:
    """Where the training is, and its logs, which later changes to lists, arrays and tensors do not
    reach.

    Args:
        place: `"epoch"`, or `"step"` in a run of steps.
        index: the number of that epoch or step.
        logs: what was logged.
    """
    return {place: index, **{str(name): _as_it_is(value) for name, value in (logs or {}).items()}}


def _as_it_is(value: Any) -> Any:
    with suppress(Exception):  # what cannot be copied is sent as it is by then
        if isinstance(value, _MUTABLE) or type(value).__module__ == "numpy":
            return copy.deepcopy(value)
        return frozen(value)
    return value


def plain(event: Event) -> tuple[Event, dict[str, str]]:
    """An event in types that JSON has, and the values that are left out: by name, and why."""
    values, left_out = {}, {}
    for name, value in event.items():
        try:
            found = _plain(value)
            json.dumps(found)
        except Exception as error:  # a user logs anything: a list within itself, an object ...
            left_out[name] = f"{type(error).__name__}: {error}"
        else:
            values[name] = found
    return values, left_out


def _plain(value: Any) -> Any:
    value = as_number(value)
    if hasattr(value, "tolist"):  # an array; one of a single number is that number, as in Keras
        value = value.item() if math.prod(getattr(value, "shape", (0,))) == 1 else value.tolist()
    if value is None or isinstance(value, str | bool):
        return value
    if isinstance(value, numbers.Integral):
        return int(value)
    if isinstance(value, numbers.Real):
        return float(value) if math.isfinite(value) else None
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return str(value)
