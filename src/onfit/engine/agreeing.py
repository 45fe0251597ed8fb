"""What `fit` is asked for in each of several processes, compared before they begin: where that
differs, one would wait for the others for ever.
"""

from typing import TYPE_CHECKING, Any

from onfit.core.processes import Processes, processes
from onfit.errors import ArgumentError

_LONGEST = 200  # letters of a value in an error

if TYPE_CHECKING:
    from onfit.engine.model.compilable import Compilable


def require_alike(model: "Compilable", together: Processes, asked: dict[str, Any]) -> None:
    """Compare the processes' models, and `asked`, which has names and values.

    Raises:
        ArgumentError: in all processes, naming what differs.
    """
    mine = {
        **asked,
        "weights": [(name, tuple(weight.shape)) for name, weight in model.named_weights()],
        "metrics": model.compiled.names,
        "distribution": model.distribution,
        "sync_batch_norm": model.sync_batch_norm,
    }
    each = together.of_all(mine, "the beginning of fit")
    for name in mine:
        found = [one.get(name) for one in each]
        other = next((rank for rank, one in enumerate(found) if one != found[0]), None)
        if other is not None:
            raise ArgumentError(
                f"fit was asked for another {name} in some of {together.world} processes: process "
                f"0 has {_short(found[0])}, process {other} has {_short(found[other])}. Ask for "
                "the same in all; files and printed lines come from the main one alone anyway."
            )


def _short(value: Any) -> str:
    text = str(value)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}..."


def require_all(model: Any, what: str) -> None:
    """Meet the others where weights are divided, which all processes have to bring together.

    Raises:
        OutOfStepError: if another process does something else.
    """
    if model.is_divided:
        processes().of_all(None, f"{what} of a model whose weights are divided")
