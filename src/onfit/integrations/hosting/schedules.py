"""Torch schedulers that a trainer steps, where callbacks set the rate, too."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from torch.optim.lr_scheduler import LambdaLR


@contextmanager
def following(scheduler: Any) -> Iterator[None]:
    """Let a schedule of factors go on from the rate that a callback sets in the block. Others go on
    from the optimizer's rate by themselves, or write over it, of which the optimizer warns.

    Args:
        scheduler: a torch scheduler, also within that of accelerate; None outside of a training.

    >>> import torch
    >>> optimizer = torch.optim.SGD([torch.zeros(1)], lr=1.0)
    >>> scheduler = LambdaLR(optimizer, lambda step: 1 / (step + 1))
    >>> with following(scheduler):
    ...     optimizer.param_groups[0]["lr"] = 0.5
    >>> optimizer.step(); scheduler.step()
    >>> scheduler.get_last_lr()
    [0.25]
    """
    scheduler = getattr(scheduler, "scheduler", scheduler)
    if scheduler is None:
        yield
        return
    groups = scheduler.optimizer.param_groups
    before = [float(group["lr"]) for group in groups]
    yield
    if goes_on(scheduler):
        bases = zip(scheduler.base_lrs, before, groups, strict=True)
        scheduler.base_lrs = [
            base * float(group["lr"]) / rate if rate else base for base, rate, group in bases
        ]


def goes_on(scheduler: Any) -> bool:
    """Whether a schedule goes on from the rate that a callback sets within `following`."""
    return isinstance(getattr(scheduler, "scheduler", scheduler), LambdaLR)
