"""What all kinds of data have in common once they are read: a Source of batches."""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

from torch import Tensor

from onfit.engine.data.arrays import Samples, parts
from onfit.engine.data.epoch import Epoch
from onfit.engine.data.order import Order
from onfit.errors import ArgumentError


@dataclass(frozen=True)
class Facts:
    """What is known of a Source.

    Args:
        samples: how many samples an epoch has; None if that is unknown.
        steps: how many batches an epoch has; None if that is unknown.
        batch_size: how many samples a batch has; None if that is unknown.
        once: whether the data end for good, so that there is only one epoch of them.
        in_memory: whether no code of the user's runs to get the data.
        knows_epochs: whether the batches of an epoch depend on its index; else they depend on
            what was walked before.
        copies: whether each batch has memory of its own, which nothing writes to afterwards.
        promised: whether `steps` is what a `__len__` of the user's says, so that the data may end
            before.
        shared_out: whether each of several processes has batches of its own, as from a
            DistributedSampler.
    """

    samples: int | None = None
    steps: int | None = None
    batch_size: int | None = None
    once: bool = False
    in_memory: bool = False
    knows_epochs: bool = False
    copies: bool = False
    promised: bool = False
    shared_out: bool = False


class Source(ABC):
    """The batches that `fit`, `evaluate` and `predict` walk through.

    Args:
        facts: what is known of it.
    """

    def __init__(self, facts: Facts) -> None:
        self._facts = facts

    @property
    def facts(self) -> Facts:
        """What is known of it."""
        return self._facts

    def epoch(self, index: int) -> Epoch:
        """The batches of epoch `index`; at least one."""
        return Epoch(partial(self.walk, index), self.facts.in_memory)

    @abstractmethod
    def walk(self, index: int, done: int) -> Iterator[Samples]:
        """The batches of epoch `index` without the first `done`."""

    @abstractmethod
    def first(self) -> Samples:
        """A batch to learn shapes from; no epoch misses it."""

    @abstractmethod
    def state_dict(self) -> dict[str, Any]:
        """What a resumed run needs to get the same batches, as plain data and arrays."""

    @abstractmethod
    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from there.

        Raises:
            FileFormatError: if these are other data.
        """

    def leave_whole(self, *, in_step: bool) -> None:  # noqa: B027 - most have nothing to leave
        """Give each of several processes its batches as they are: they are its own already.

        Args:
            in_step: whether each batch is one that all processes need, as in training.
        """

    def leave_none_empty(self) -> None:  # noqa: B027 - most kinds have no shares
        """Give a process without a share of a batch a sample that does not count."""

    @staticmethod
    def split(data: Any, fraction: float) -> tuple[Any, Any]:
        """Cut off the last `fraction` of data of this kind, to validate on.

        Raises:
            ArgumentError: if that cannot be done.
        """
        refuse_beside(data, validation_split=fraction)
        raise AssertionError("a fraction is never None")


class OrderedSource(Source):
    """A Source that can take its samples, or its batches, in any order.

    Args:
        facts: what is known of it.
        order: decides on the order; all that a resumed run needs.
    """

    def __init__(self, facts: Facts, order: Order) -> None:
        super().__init__(facts)
        self._order = order

    def state_dict(self) -> dict[str, Any]:
        return self._order.state_dict()

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self._order.load_state_dict(state)


def refuse_beside(data: Any, **arguments: Any) -> None:
    """Refuse arguments for what `data`, which are no arrays, bring themselves.

    Raises:
        ArgumentError: if one of them is not None.
    """
    for name, value in arguments.items():
        if value is not None:
            raise ArgumentError(
                f"{name}= was given beside a {type(data).__name__}, which brings its own. "
                f"Leave {name} out, or pass arrays."
            )


def size_of(batch: Samples) -> int:
    """How many samples a batch has."""
    x = batch[0]
    # Not `len`, for which torch goes through Python.
    return (x if type(x) is Tensor else parts(x)[0]).size(0)


# The end of the errors about data that end for good.
HOW_TO_WALK_AGAIN = (
    " A generator ends for good: pass more of it, fewer steps or epochs, or a DataLoader or "
    "other object that can be walked through again."
)
