"""How many samples a batch has, and how many batches a loader."""

from collections import UserDict
from collections.abc import Mapping
from typing import Any


def batch_size(batch: Any) -> int:
    """How many samples a batch of any loader has: the length of its first array, else 1.

    >>> batch_size(([1, 2, 3], [0, 1, 0]))
    3
    """
    # The tokenizers of transformers return a UserDict.
    while isinstance(batch, (tuple, dict, UserDict)) or (isinstance(batch, list) and _nests(batch)):
        if not batch:
            return 1
        batch = batch[0] if isinstance(batch, (tuple, list)) else next(iter(batch.values()))
    shape = getattr(batch, "shape", None)
    if shape is not None:
        return int(shape[0]) if len(shape) else 1
    return len(batch) if hasattr(batch, "__len__") and not isinstance(batch, str) else 1


def size_in(logs: Mapping[str, Any] | None) -> int:
    """How many samples a batch has, from its logs; 1 if they do not say.

    >>> size_in({"batch": 0, "size": 32}), size_in({})
    (32, 1)
    """
    if isinstance(logs, dict):  # read as a plain dict, since a bar asks for it at every batch
        return int(dict.get(logs, "size", 1))
    return int(logs.get("size", 1)) if logs else 1


def counts_of(callback: Any, logs: Mapping[str, Any] | None) -> tuple[int | None, int | None]:
    """How many samples and how many tokens a batch has, for what a callback does every so many of
    them; None for what the loop does not say.
    """
    session = callback._session
    size = None if logs is None else logs.get("size")
    return size, None if session is None else session.pace.of_batch


def learn_lengths(params: dict[str, Any], batches: Any) -> None:
    """Note in a run's `params` how many batches and samples a loader has, where it says so and they
    do not. A bar can then show from the first epoch on how far it is.

    >>> params = {"steps": None, "samples": None}
    >>> learn_lengths(params, [[1, 2], [3]])
    >>> params
    {'steps': 2, 'samples': None}
    """
    if params.get("steps") is not None:
        return
    steps, samples = _length(batches), _length(getattr(batches, "dataset", None))
    batch_size = getattr(batches, "batch_size", None)
    if steps is not None and batch_size and getattr(batches, "drop_last", False):
        samples = steps * batch_size
    found = {"steps": steps, "samples": samples, "batch_size": batch_size}
    new = {key: n for key, n in found.items() if n is not None and not params.get(key)}
    dict.update(params, new)


def _length(sized: Any) -> int | None:
    try:
        return len(sized)
    except (TypeError, NotImplementedError):
        return None


def _nests(batch: list[Any]) -> bool:
    """Whether a list holds arrays (as a DataLoader's does) rather than samples."""
    return bool(batch) and hasattr(batch[0], "__len__") and not isinstance(batch[0], str)
