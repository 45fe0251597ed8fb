"""Rows taken at once are the batches that torch's own walk through a loader gives."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
import torch
from torch.utils.data import (
    BatchSampler,
    DataLoader,
    SequentialSampler,
    Subset,
    TensorDataset,
    WeightedRandomSampler,
    random_split,
)

from onfit import Run
from onfit.engine.rows_at_once import walk_by_rows

ROWS = TensorDataset(
    torch.arange(60.0).reshape(20, 3),
    torch.arange(20),
    torch.arange(20) % 2 == 0,
    torch.arange(20).to(torch.float16).reshape(20, 1, 1),
)


class _Backwards(BatchSampler):
    """Batches of numbers that count from the end, as tuples."""

    def __init__(self) -> None:
        super().__init__(SequentialSampler(ROWS), 3, drop_last=False)

    def __iter__(self) -> Iterator[Any]:
        return iter([(-1, -2), (3, -4, 5), (-20,)])


LOADERS: dict[str, Callable[[], "DataLoader[Any]"]] = {
    "in order": lambda: DataLoader(ROWS, batch_size=6),
    "without the rest": lambda: DataLoader(ROWS, batch_size=6, drop_last=True),
    "shuffled": lambda: DataLoader(ROWS, batch_size=6, shuffle=True),
    "shuffled by its own generator": lambda: DataLoader(
        ROWS, batch_size=7, shuffle=True, generator=torch.Generator().manual_seed(3)
    ),
    "drawn by weight": lambda: DataLoader(
        ROWS, batch_size=4, sampler=WeightedRandomSampler(torch.arange(20) + 1.0, 9)
    ),
    "counted from the end": lambda: DataLoader(ROWS, batch_sampler=_Backwards()),
    "a part": lambda: DataLoader(Subset(ROWS, [4, 2, -1, 2]), batch_size=3),
    "a part of a part": lambda: DataLoader(
        random_split(random_split(ROWS, [15, 5])[0], [10, 5])[0], batch_size=4, shuffle=True
    ),
    "one tensor": lambda: DataLoader(TensorDataset(torch.eye(5)), batch_size=2),
    "numbers that are tensors": lambda: DataLoader(ROWS, 3, sampler=list(torch.arange(8))),
    "slices": lambda: DataLoader(ROWS, 2, sampler=[slice(0, 2), slice(7, 9)]),  # type: ignore[list-item]
    "doubles of which each is a gradient's": lambda: DataLoader(
        TensorDataset(torch.eye(4, dtype=torch.float64, requires_grad=True)), batch_size=3
    ),
}


@pytest.mark.parametrize("name", LOADERS)
def test_each_batch_and_each_random_number_is_that_of_torchs_walk(name: str) -> None:
    torch.manual_seed(5)
    loader = LOADERS[name]()
    theirs = list(loader)
    after = torch.rand(2), _own(loader)

    torch.manual_seed(5)
    loader = LOADERS[name]()
    walk = walk_by_rows(loader)
    assert walk is not None
    ours = list(walk)

    assert len(ours) == len(theirs) > 0
    for mine, its in zip(ours, theirs, strict=True):
        assert type(mine) is type(its) is list
        for one, other in zip(mine, its, strict=True):
            assert torch.equal(one, other)
            assert one.dtype == other.dtype
            assert one.stride() == other.stride()
            assert one.requires_grad == other.requires_grad
    assert torch.equal(torch.rand(2), after[0])
    assert _own(loader) == after[1]


def _own(loader: "DataLoader[Any]") -> Any:
    return None if loader.generator is None else loader.generator.get_state().tolist()


def test_a_batch_is_in_memory_of_its_own() -> None:
    data = torch.zeros(4, 2)
    walk = walk_by_rows(DataLoader(TensorDataset(data), batch_size=2))
    assert walk is not None
    next(walk)[0].fill_(9.0)
    assert data.sum() == 0


class _Doubled(TensorDataset):
    def __getitem__(self, index: Any) -> Any:
        return tuple(2 * part for part in super().__getitem__(index))


class _Loader(DataLoader[Any]):
    pass


class _Special(torch.Tensor):
    pass


@pytest.mark.parametrize(
    "loader",
    [
        DataLoader(_Doubled(torch.eye(3)), batch_size=2),
        DataLoader(Subset(_Doubled(torch.eye(3)), [0, 1]), batch_size=2),
        DataLoader(ROWS, batch_size=2, collate_fn=lambda samples: samples),
        DataLoader(ROWS, batch_size=2, num_workers=1),
        DataLoader(ROWS, batch_size=None),
        DataLoader([1, 2, 3], batch_size=2),  # type: ignore[arg-type]
        DataLoader(TensorDataset(torch.eye(3).to_sparse()), batch_size=2),
        DataLoader(TensorDataset(torch.eye(3).as_subclass(_Special)), batch_size=2),
        _Loader(ROWS, batch_size=2),
    ],
)
def test_a_loader_that_may_give_other_batches_is_left_to_torch(loader: "DataLoader[Any]") -> None:
    assert walk_by_rows(loader) is None


def test_a_number_that_no_row_has_is_an_index_error_as_in_torch() -> None:
    loader = DataLoader(ROWS, batch_size=2, sampler=[1, 20])
    walk = walk_by_rows(loader)
    assert walk is not None
    with pytest.raises(IndexError):
        next(walk)
    with pytest.raises(IndexError):
        next(iter(loader))


def test_tensors_that_are_replaced_between_epochs_are_read() -> None:
    dataset = TensorDataset(torch.zeros(2, 1))
    loader = DataLoader(dataset, batch_size=2)
    seen = []
    with Run(torch.nn.Linear(1, 1), epochs=2, params={"verbose": 0}) as run:
        for epoch in run.epochs():
            dataset.tensors = (torch.full((2, 1), float(epoch)),)
            seen += [batch[0].tolist() for batch in run.batches(loader)]
    assert seen == [[[0.0], [0.0]], [[1.0], [1.0]]]
