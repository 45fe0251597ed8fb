"""Arguments that the methods of a model do not have: misspelt ones, and those of older Keras."""

import inspect
from collections.abc import Callable, Iterable
from typing import Any

from onfit.errors import ArgumentError, did_you_mean

# Arguments of Keras 1, and the arguments that replaced them.
_SUCCESSORS = {
    "samples_per_epoch": "steps_per_epoch, which counts batches: samples / batch size",
    "nb_epoch": "epochs",
    "nb_val_samples": "validation_steps, which counts batches: samples / batch size",
    "val_samples": "steps, which counts batches: samples / batch size",
    "max_q_size": "max_queue_size",
    "nb_worker": "workers",
    "nb_workers": "workers",
    "pickle_safe": "use_multiprocessing",
}

# Arguments of older versions that say nothing if they are None, and what to do instead of others.
_OLDER = {
    "sample_weight_mode": "pass fit a weight for each sample",
    "target_tensors": "pass the targets to fit as y",
    "distribute": "wrap the net in torch's DistributedDataParallel, and pass Model(net) that",
}


def refuse_old(method: Callable[..., Any], old: dict[str, Any]) -> None:
    """Refuse arguments that `method` does not have, and name the successors of those of Keras 1.

    Raises:
        ArgumentError: if there is one.
    """
    for name in old.keys() & _SUCCESSORS:
        raise ArgumentError(
            f"{method.__name__}({name}=...) is an argument of Keras 1. Use {_SUCCESSORS[name]}."
        )
    refuse_unknown(method, old)


def refuse_unsupported(method: Callable[..., Any], old: dict[str, Any]) -> None:
    """Refuse arguments that `method` does not have, except those of Keras 2 that are None.

    Raises:
        ArgumentError: if there is one.
    """
    for name in old.keys() & _OLDER:
        if old[name] is not None:
            raise ArgumentError(
                f"{method.__name__}({name}={old[name]!r}) is an argument of Keras 2, and onfit has "
                f"none like it. Leave it out, and {_OLDER[name]}."
            )
    refuse_unknown(method, old.keys() - _OLDER)


def refuse_unknown(method: Callable[..., Any], unknown: Iterable[str]) -> None:
    """Refuse arguments that `method` does not have.

    Raises:
        ArgumentError: if there is one; it names the nearest argument of `method`.
    """
    for name in unknown:
        known = list(inspect.signature(method).parameters)[1:-1]  # not `self`, not `**old`
        raise ArgumentError(
            f"{method.__name__}({name}=...) is not an argument of {method.__name__}."
            f"{did_you_mean(name, known)}"
        )
