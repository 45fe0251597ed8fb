"""Gradients of several batches, gathered for one step."""

from collections.abc import Sequence

from torch import Tensor


def gathered(
    grads: Sequence[Tensor | None], waiting: Sequence[Tensor], count: int, due: bool
) -> list[Tensor | None]:
    """Add a batch's gradients to those that wait for the step.

    Args:
        grads: the batch's gradient by each parameter; None where there is none.
        waiting: for each parameter the sum of the gradients before. It is changed.
        count: of how many batches a step is.
        due: whether this batch is the last of them.

    Returns:
        The means of all gradients if the step is due; else None for each.
    """
    pairs = list(zip(grads, waiting, strict=True))
    if not due:
        for grad, before in pairs:
            if grad is not None:
                before.add_(grad)
        return [None] * len(pairs)
    means = [None if grad is None else (grad + before) / count for grad, before in pairs]
    for before in waiting:
        before.zero_()
    return means
