"""Walks along sequences that skip steps."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.nn.utils.rnn import PackedSequence, pack_padded_sequence, pad_packed_sequence

States = list[Tensor]


def walked_by_kernel(
    kernel: Callable[[PackedSequence, States], tuple[Tensor, States]],
    x: Tensor,
    states: States,
    mask: Tensor,
) -> tuple[Tensor, States]:
    """A walk by a kernel of torch's that takes packed sequences: the steps that count come first
    in each, and what comes out is put back to their places.

    Args:
        kernel: walks along packed sequences.
        x: the sequences, of shape (batch, steps, features).
        states: the states to begin with.
        mask: True for each step that counts, of shape (batch, steps).

    Returns:
        For each step the output of the last one that counts, or 0 before any; and the last states.
    """
    order = torch.argsort(mask.logical_not().byte(), dim=1, stable=True)
    counting, lengths = x.gather(1, order[..., None].expand_as(x)), mask.sum(1)
    packed: Any = pack_padded_sequence(
        counting, lengths.clamp(min=1).cpu(), batch_first=True, enforce_sorted=False
    )
    data, after = kernel(packed, [state[packed.sorted_indices] for state in states])
    outputs, _ = pad_packed_sequence(packed._replace(data=data), True, total_length=x.shape[1])
    latest = mask.cumsum(1) - 1
    spread = outputs.gather(1, latest.clamp(min=0)[..., None].expand(*latest.shape, data.shape[-1]))
    walked = (lengths > 0)[:, None]
    ends = [
        torch.where(walked, new[packed.unsorted_indices], old)
        for new, old in zip(after, states, strict=True)
    ]
    return torch.where((latest >= 0)[..., None], spread, 0), ends


def kept_where_masked(new: States, old: States, counts: Tensor) -> States:
    """The states after a step: the new ones of the sequences in which it counts."""
    return [torch.where(counts, after, before) for after, before in zip(new, old, strict=True)]
