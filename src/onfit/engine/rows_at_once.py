"""A DataLoader of a TensorDataset takes the rows of each batch at once.

torch takes them one by one and stacks them. For a small net this takes longer than half a step.
Both give the same batches, and draw the same random numbers.
"""

from collections.abc import Iterator, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, Subset, TensorDataset, default_collate


def walk_by_rows(loader: "DataLoader[Any]") -> Iterator[Any] | None:
    """A walk through `loader` that takes rows at once; None if it may give other batches.

    Subclasses may do anything, so this is for torch's own classes alone: a DataLoader without
    workers, of a TensorDataset or Subsets of one, whose batches torch collates.
    """
    plain = (
        type(loader) is DataLoader
        and loader.num_workers == 0
        and loader.batch_sampler is not None
        and loader.collate_fn is default_collate
        and _has_rows(loader.dataset)
    )
    if not plain:
        return None
    quick: DataLoader[Any] = DataLoader(
        _Rows(loader.dataset),
        batch_sampler=loader.batch_sampler,
        collate_fn=_collated,
        pin_memory=loader.pin_memory,
        generator=loader.generator,
    )
    return iter(quick)


def _has_rows(dataset: Any) -> bool:
    if type(dataset) is Subset:
        return _has_rows(dataset.dataset)
    return type(dataset) is TensorDataset and all(map(_is_plain, dataset.tensors))


def _is_plain(tensor: Any) -> bool:
    """Whether rows of a tensor can be taken by an index: not if it is sparse, say."""
    return (
        type(tensor) is Tensor
        and tensor.layout is torch.strided
        and not tensor.is_nested
        and not tensor.is_quantized
    )


class _Rows(Dataset[Any]):
    """The rows of a dataset. torch asks `__getitems__` for all samples of a batch."""

    def __init__(self, dataset: Any) -> None:
        self._dataset = dataset

    def __len__(self) -> int:
        return len(self._dataset)

    def __getitems__(self, numbers: Sequence[Any]) -> Any:
        dataset, index = self._dataset, _index_of(numbers)
        if index is None:
            return default_collate([dataset[number] for number in numbers])
        while type(dataset) is Subset:
            numbers = [dataset.indices[number] for number in numbers]
            dataset, index = dataset.dataset, torch.tensor(numbers)
        counts_back = min(numbers) < 0
        return [
            tensor.index_select(0, index) if tensor.is_cpu and not counts_back else tensor[index]
            for tensor in dataset.tensors
        ]


def _index_of(numbers: Sequence[Any]) -> Tensor | None:
    """Numbers of rows as a tensor; None if a sampler gives something else, such as slices."""
    try:
        index = torch.tensor(numbers)
    except (TypeError, ValueError, RuntimeError):
        return None
    return index if index.dtype is torch.int64 and index.ndim == 1 and len(index) else None


def _collated(batch: Any) -> Any:
    return batch
