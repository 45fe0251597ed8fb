"""Arguments of `compile` with a value for each output of a model."""

from collections.abc import Mapping, Sequence
from typing import Any

from onfit.errors import ArgumentError, did_you_mean


def spread(given: Any, names: Sequence[str], argument: str) -> dict[str, Any]:
    """An argument's value for each output: by name, by position, or the same for all."""
    if isinstance(given, Mapping):
        _check_names(given, names, argument)
        return {name: given.get(name) for name in names}
    if isinstance(given, (list, tuple)):
        if len(given) != len(names):
            raise ArgumentError(
                f"{argument} lists {len(given)} for a model of {len(names)} outputs "
                f"({', '.join(names)}). Give one each."
            )
        return dict(zip(names, given, strict=True))
    return dict.fromkeys(names, given)


def _check_names(given: Mapping[str, Any], names: Sequence[str], argument: str) -> None:
    for name in given:
        if name not in names:
            raise ArgumentError(
                f"{argument}={{{name!r}: ...}}: the model has no such output. Its outputs are "
                f"{', '.join(names)}.{did_you_mean(name, names)}"
            )
