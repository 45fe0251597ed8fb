"""How a caller wants batches to be made of data."""

import math
import sys
from dataclasses import dataclass
from typing import Any

import torch

from onfit._arguments import is_whole
from onfit.core.processes import ALONE, Processes
from onfit.engine.data.arrays import Names
from onfit.engine.data.class_weight import class_weights_of
from onfit.engine.data.reading import Reader
from onfit.errors import ArgumentError, warn

_ANY = Names()


@dataclass(frozen=True)
class Workers:
    """Threads that make the batches of a Sequence ahead of their use.

    Args:
        count: how many threads. Up to 1 the training makes each batch when it needs it.
        max_queue_size: how many batches to make ahead.
        use_multiprocessing: accepted because Keras has it; threads are used even so.
    """

    count: int = 1
    max_queue_size: int = 10
    use_multiprocessing: bool = False

    @property
    def wanted(self) -> bool:
        """Whether the caller asks for more than Keras' default does."""
        return self.count > 1 or self.use_multiprocessing


@dataclass(frozen=True)
class Batching:
    """How batches are made.

    Args:
        batch_size: samples in a batch. Data that bring batches of their own refuse it.
        default_size: samples in a batch if `batch_size` is None and the data are not in batches.
        shuffle: whether each epoch has an order of its own.
        class_weight: multiplies each sample's weight by that of its class; in any form that `fit`
            takes.
        steps: batches in an epoch; None for all that the data have. A part of one counts as one, as
            in a division of samples by the size of a batch.
        go_on: whether an epoch of `steps` batches begins where the last one ended.
        names: what the model calls its inputs and outputs.
        device: where batches go; None leaves them where they are.
        workers: the threads that make batches of a Sequence.
        together: the processes that train together, each on its share of every batch.

    Raises:
        ArgumentError: for weights of classes, steps, workers or a `shuffle` that cannot be meant.
    """

    batch_size: int | None = None
    default_size: int | None = None
    shuffle: bool = False
    class_weight: Any = None
    steps: Any = None
    go_on: bool = False
    names: Names = _ANY
    device: torch.device | None = None
    workers: Workers = Workers()
    together: Processes = ALONE

    def __post_init__(self) -> None:
        # The class is frozen, so that no part of the engine changes what another one reads.
        object.__setattr__(self, "steps", whole(self.steps))
        by_class = class_weights_of(self.class_weight, self.names.outputs)
        object.__setattr__(self, "class_weight", by_class)
        object.__setattr__(self, "shuffle", _whether(self.shuffle))
        count, waiting = self.workers.count, self.workers.max_queue_size
        if count < 0 or waiting < 1:
            raise ArgumentError(
                f"workers={count}, max_queue_size={waiting}: a number of threads, and of "
                "batches that wait to be used; from 0 and from 1 upwards."
            )

    @property
    def size(self) -> int:
        """How many samples a batch has; Keras' 32 if the caller does not say.

        Raises:
            ArgumentError: if that is no whole number from 1 upwards.
        """
        size = self.default_size if self.batch_size is None else self.batch_size
        if size is None:
            return 32
        if not is_whole(size, "batch_size") or not 1 <= size <= sys.maxsize:
            raise ArgumentError(f"batch_size={size!r}: a whole number from 1 upwards.")
        return int(size)

    @property
    def asked(self) -> dict[str, Any]:
        """What a user asks for, by the names of the arguments."""
        names = ("batch_size", "shuffle", "class_weight")
        return {name: getattr(self, name) for name in names}

    @property
    def reader(self) -> Reader:
        """Makes samples of the batches that data bring."""
        return Reader(self.names, self.class_weight, self.device)


def _whether(shuffle: Any) -> bool:
    # Keras 2 has "batch" for HDF5 files, which it could not read in another order.
    if getattr(shuffle, "shape", ()) or shuffle not in (True, False, None, "batch"):
        raise ArgumentError(f"shuffle={shuffle!r}: it is True or False.")
    return bool(shuffle)


def whole(steps: Any) -> int | None:
    """The number of batches that a user asks for.

    Raises:
        ArgumentError: if it is no number from 1 upwards.

    >>> whole(2.5)
    3
    """
    if steps is None:
        return None
    try:
        number: int = math.ceil(steps)
    except (TypeError, ValueError, OverflowError):
        number = 0
    if number < 1 or isinstance(steps, bool):
        raise ArgumentError(
            f"steps={steps!r}: the number of batches is at least 1. "
            "In fit it is steps_per_epoch= or validation_steps=."
        )
    return number


def warn_of_workers(what: str) -> None:
    """Say which wish about workers has no effect."""
    warn(f"{what}. For other processes, pass a torch DataLoader(dataset, num_workers=...).")
