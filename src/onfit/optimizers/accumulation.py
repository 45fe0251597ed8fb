"""Gradients of several batches, gathered for one step."""

from collections.abc import Sequence
from typing import Any, Protocol

from torch import Tensor

Gradients = Sequence[Tensor | None]
WAITING = "gradient_accumulator"  # the slot of gradients that wait for a step


class BringsTogether(Protocol):
    """Brings the gradients of several processes together.

    Attributes:
        waits: whether those of an accumulation are brought together at its last batch alone. Until
            then each process gathers its own; the mean of what waits in all of them is the whole.
    """

    waits: bool

    def __call__(
        self, params: Sequence[Tensor], grads: Gradients, later: bool = False
    ) -> Gradients:
        """The gradients of all processes; of this one if they are to be gathered, and it waits."""

    def sums(self, grads: Gradients, waiting: Sequence[Tensor]) -> Gradients:
        """The last gradients of an accumulation and those that wait, together, in all processes."""

    def bring_together(self, waiting: Sequence[Tensor]) -> None:
        """Give all processes the mean of what waits, in place."""


def gathered(
    grads: Gradients,
    waiting: Sequence[Tensor],
    count: int,
    due: bool,
    exchange: BringsTogether | None = None,
) -> list[Tensor | None]:
    """Add a batch's gradients to those that wait for the step.

    Args:
        grads: the batch's gradient by each parameter; None where there is none.
        waiting: for each parameter the sum of the gradients before. It is changed.
        count: of how many batches a step is.
        due: whether this batch is the last of them.
        exchange: brings the gradients of several processes together, if there are any.

    Returns:
        The means of all gradients if the step is due; else None for each.
    """
    pairs = list(zip(grads, waiting, strict=True))
    if not due:
        for grad, before in pairs:
            if grad is not None:
                before.add_(grad)
        return [None] * len(pairs)
    if exchange is not None and exchange.waits:
        sums = exchange.sums(grads, waiting)
    else:
        sums = [None if grad is None else grad + before for grad, before in pairs]
    for before in waiting:
        before.zero_()
    return [None if each is None else each / count for each in sums]


def is_last(optimizer: Any) -> bool:
    """Whether the next batch is the last of an accumulation."""
    return bool((optimizer.batches + 1) % optimizer.gradient_accumulation_steps == 0)


def waits_for_others(optimizer: Any) -> bool:
    """Whether each of several processes gathers gradients of its own."""
    exchange = getattr(optimizer, "exchange", None)
    return bool(
        exchange is not None and exchange.waits and WAITING in getattr(optimizer, "slots", ())
    )


def bring_together(optimizer: Any) -> None:
    """Let the gradients that wait be the same in all processes, which all call this: then they are
    what a checkpoint of any of them can hold.
    """
    if waits_for_others(optimizer) and optimizer.batches % optimizer.gradient_accumulation_steps:
        optimizer.exchange.bring_together([slots[WAITING] for _, slots in optimizer.states()])
