"""The arguments that all optimizers share: their defaults, and which values make sense."""

import inspect
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

from onfit.errors import ArgumentError, did_you_mean

CLIPS = ("clipnorm", "clipvalue", "global_clipnorm")
EPSILON = 1e-7  # Keras' fuzz factor, which `epsilon=None` stands for

# By name, what each is if it is not given; in the order in which Keras writes them.
DEFAULTS: dict[str, Any] = {
    "weight_decay": None,
    "clipnorm": None,
    "global_clipnorm": None,
    "clipvalue": None,
    "use_ema": False,
    "ema_momentum": 0.99,
    "ema_overwrite_frequency": None,
    "loss_scale_factor": None,
    "gradient_accumulation_steps": None,
}


def check(kind: str, options: Mapping[str, Any]) -> None:
    """Refuse values that make no sense.

    Args:
        kind: the optimizer's class, for the error.
        options: the value of each shared argument.

    Raises:
        ArgumentError: for an impossible value, and for more than one way to clip.
    """
    _check_clips(kind, {n: options[n] for n in CLIPS if options[n] is not None})
    if options["use_ema"]:
        if not 0 <= options["ema_momentum"] <= 1:
            raise _refused(kind, "ema_momentum", options, "the share that is kept, from 0 to 1")
        _check_count(kind, "ema_overwrite_frequency", options, least=1)
    _check_count(kind, "gradient_accumulation_steps", options, least=2)
    scale = options["loss_scale_factor"]
    if scale is not None and not scale > 0:
        raise _refused(kind, "loss_scale_factor", options, "a factor above 0, or None")


def _check_clips(kind: str, given: Mapping[str, float]) -> None:
    asked = f"{kind}({', '.join(f'{n}={v!r}' for n, v in given.items())})"
    if len(given) > 1:
        raise ArgumentError(f"{asked}: gradients are clipped in one way. Pass one of them.")
    if not all(value > 0 for value in given.values()):
        raise ArgumentError(f"{asked}: a limit is above 0; None is no limit.")


def _check_count(kind: str, name: str, options: Mapping[str, Any], least: int) -> None:
    value = options[name]
    if value is not None and (int(value) != value or value < least):
        raise _refused(
            kind, name, options, f"a whole number of steps from {least} upwards, or None"
        )


def _refused(kind: str, name: str, options: Mapping[str, Any], what: str) -> ArgumentError:
    return ArgumentError(f"{kind}({name}={options[name]!r}): {name} is {what}.")


def unknown(kind: str, name: str, known: Sequence[str]) -> ArgumentError:
    """The error for an argument that an optimizer does not have."""
    return ArgumentError(
        f"{kind}({name}=...) is not an argument of this optimizer. It takes "
        f"{', '.join(known)}.{did_you_mean(name, known)}"
    )


@cache  # since every assignment to an attribute asks
def arguments_of(kind: type) -> tuple[str, ...]:
    """The names of an optimizer's arguments."""
    names = [name for each in kind.__mro__[:-1] for name in inspect.signature(each).parameters]
    return tuple(name for name in dict.fromkeys(names) if name not in ("base", "old", "args"))


def settable(optimizer: object) -> set[str]:
    """The arguments that may be set as attributes, at any time."""
    names = arguments_of(type(optimizer))  # type: ignore[arg-type]
    return set(names) - {"name", "optimizer"}
