"""A device of another kind, posed by the CPU: tensors have their numbers, but what computes with
some that are there and some that are here is an error, as on a real GPU; and waits are counted.

    with posing("cuda") as gpu:
        model.fit(x, y)
    gpu.waits

Which tensors are there is kept beside them, by their memory. `Operations` sees what torch computes
(also on the way back), `Calls` sees what Python asks of tensors: where they are, and copies.
"""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import pytest
import torch
from tests.posed.calls import Calls
from torch import Tensor
from torch.multiprocessing.reductions import StorageWeakRef
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from onfit.engine import placing
from onfit.engine.model import building

# What may have its arguments in two places; and what of that changes its first argument.
COPIES = {"copy_", "_to_copy", "set_"}
IN_PLACE = {"copy_", "set_"}
# They bring numbers to Python, or make a tensor whose size depends on numbers.
WAITS = {"_local_scalar_dense", "nonzero", "masked_select", "unique_dim", "_unique2", "equal"}
INDEXING = {"index", "index_put", "index_put_", "_index_put_impl_", "_unsafe_index"}
# Parts of what torch computes on the CPU in another way than on a GPU.
OF_THE_CPU = {"index_add", "_pack_padded_sequence"}


class PosedGpu:
    """Which memory is on the device, and how often the program waited for it.

    Args:
        kind: `"cuda"`, or `"mps"`, which has no float64.
    """

    def __init__(self, kind: str) -> None:
        self.device = torch.device(kind, 0)
        self.waits: Counter[str] = Counter()
        self._memory: dict[int, StorageWeakRef] = {}
        # What torch makes by itself within an operation is where the first tensor is that it meets.
        self._anywhere: dict[int, StorageWeakRef] = {}
        self.asked_by_python = 0

    def holds(self, tensor: Tensor) -> bool:
        """Whether the tensor is on the device."""
        return _has(self._memory, tensor)

    def take(self, tensor: Tensor) -> None:
        for key, memory in _memory_of(tensor):
            self._memory[key] = memory
            self._anywhere.pop(key, None)
        if self.device.type == "mps" and tensor.dtype == torch.float64:
            raise TypeError("the MPS framework does not support float64")

    def give_up(self, tensor: Tensor) -> None:
        for key, memory in _memory_of(tensor):
            self._memory.pop(key, None)
            self._anywhere.pop(key, None)
            if not self.asked_by_python:
                self._anywhere[key] = memory

    def may_be_anywhere(self, tensor: Tensor) -> bool:
        return _has(self._anywhere, tensor)


def _memory_of(tensor: Tensor) -> Iterator[tuple[int, StorageWeakRef]]:
    if tensor.layout is torch.sparse_coo:
        yield from _memory_of(tensor._values())
        yield from _memory_of(tensor._indices())
        return
    # Shapes without numbers, and what vmap calls a function with, have no memory.
    with suppress(NotImplementedError, ValueError):
        storage = tensor.untyped_storage()
        yield storage._cdata, StorageWeakRef(storage)


def _has(known: dict[int, StorageWeakRef], tensor: Tensor) -> bool:
    found = (known.get(key) for key, _ in _memory_of(tensor))
    return any(memory is not None and not memory.expired() for memory in found)


class Operations(TorchDispatchMode):
    """Sees each operation: its results are where its arguments are."""

    def __init__(self, gpu: PosedGpu) -> None:
        super().__init__()
        self.gpu = gpu

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        name, given = func._schema.name.removeprefix("aten::"), _tensors((args, kwargs))
        there = any(map(self.gpu.holds, given))
        if there and name not in COPIES:
            self._check(name, args, given)
        elif name == "copy_":
            self._copy(*args[:2])
        result = func(*args, **(kwargs or {}))
        for tensor in _tensors(result):
            if not any(tensor is one for one in given) and name not in IN_PLACE:
                self.gpu.take(tensor) if there else self.gpu.give_up(tensor)
        if name == "_pack_padded_sequence":
            self.gpu.give_up(result[1])  # how many sequences have each step
        return result

    def _check(self, name: str, args: Any, given: list[Tensor]) -> None:
        """Refuse what is on two devices. Single numbers may be on the CPU, as on a GPU."""
        gpu = self.gpu
        for tensor in filter(gpu.may_be_anywhere, given):
            gpu.take(tensor)
        looked_at = args[:1] if name in INDEXING else [one for one in given if one.ndim]
        here = [one for one in looked_at if not gpu.holds(one) and not one.is_meta]
        if here and name not in OF_THE_CPU:
            raise RuntimeError(f"tensors on {gpu.device} and on the CPU: {name}, {here[0].shape}")
        of_truths = [one for one in given[1:] if one.dtype == torch.bool]
        if name in WAITS or (name == "index" and of_truths):
            gpu.waits[name] += 1

    def _copy(self, to: Tensor, source: Tensor) -> None:
        if self.gpu.holds(source) and self.gpu.may_be_anywhere(to):
            self.gpu.take(to)
        elif self.gpu.holds(to) != self.gpu.holds(source):
            self.gpu.waits["copy_"] += 1


def _tensors(structure: Any) -> list[Tensor]:
    return [leaf for leaf in tree_leaves(structure) if isinstance(leaf, Tensor)]


class _Autocast(torch.autocast):
    """Computes in halves on the posed device: that is, on the CPU."""

    def __init__(self, device_type: str, *args: Any, **kwargs: Any) -> None:
        super().__init__("cpu", *args, **kwargs)


@contextmanager
def posing(kind: str = "cuda") -> Iterator[PosedGpu]:
    """Have a GPU (`"cuda"` or `"mps"`), to which models go by themselves."""
    gpu = PosedGpu(kind)
    with pytest.MonkeyPatch.context() as patch:
        for room in (placing, building):
            patch.setattr(room, "accelerator", lambda: gpu.device)
        patch.setattr(torch, "autocast", _Autocast)
        with Calls(gpu), Operations(gpu):
            yield gpu
