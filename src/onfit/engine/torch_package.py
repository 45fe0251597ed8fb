"""What core needs of torch. Core imports this module once the process has loaded torch."""

from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, IterableDataset, SequentialSampler

from onfit.core.callback import Callback
from onfit.core.packages import Keep, Package, register
from onfit.engine.loader_workers import shielded
from onfit.engine.rows_at_once import walk_by_rows
from onfit.engine.torch_processes import TorchProcesses, connected, is_connected, is_launched
from onfit.engine.torch_scheduler import TorchScheduler, as_callback, schedules


class Torch(Package):
    """torch's tensors, random generators, loaders and processes."""

    mark = "tensor"

    def random_state(self) -> dict[str, Any]:
        state: dict[str, Any] = {"torch": torch.get_rng_state().numpy().copy()}
        if torch.cuda.is_initialized():  # type: ignore[no-untyped-call]
            state["cuda"] = [one.cpu().numpy() for one in torch.cuda.get_rng_state_all()]
        if torch.backends.mps.is_available():
            state["mps"] = torch.mps.get_rng_state().cpu().numpy().copy()
        return state

    def set_random_state(self, state: dict[str, Any]) -> None:
        if "torch" in state:
            torch.set_rng_state(torch.from_numpy(state["torch"].copy()))
        # The machine may have fewer GPUs than the one that the state comes from.
        gpus = torch.cuda.device_count() if "cuda" in state else 0
        for gpu, of_gpu in enumerate(state.get("cuda", [])[:gpus]):
            torch.cuda.set_rng_state(torch.from_numpy(of_gpu.copy()), gpu)
        if "mps" in state and torch.backends.mps.is_available():
            torch.mps.set_rng_state(torch.from_numpy(state["mps"].copy()))

    def is_array(self, value: Any) -> bool:
        return type(value) is Tensor and value.layout is torch.strided

    def packed(self, array: Any, keep: Keep) -> Any:
        """The bytes of a tensor: a type that numpy lacks (bfloat16) then comes back as it was."""
        tensor = array.detach().cpu().contiguous()
        raw = tensor.reshape(-1).view(torch.uint8).numpy()
        kind = str(tensor.dtype).removeprefix("torch.")
        return [keep(raw.copy()), kind, list(tensor.shape), str(array.device)]

    def unpacked(self, content: Any, arrays: dict[str, Any]) -> Tensor:
        key, kind, shape, place = content
        raw, dtype = arrays[key], getattr(torch, kind)
        # An empty array has no bytes that could be viewed as another type.
        flat = torch.from_numpy(raw.copy()).view(dtype) if raw.size else torch.empty(0, dtype=dtype)
        tensor: Tensor = flat.reshape(shape)
        try:
            return tensor.to(place)
        except (RuntimeError, AssertionError):  # this machine has no such device
            return tensor

    def skip(self, loader: Any, batches: Iterator[Any], count: int) -> bool:
        """Draw only the indices of the samples. This is possible if the loader draws them in this
        process, and for one batch at a time.
        """
        picks_by_number = (
            type(loader) is DataLoader
            and loader.num_workers == 0
            and not isinstance(loader.dataset, IterableDataset)
            and hasattr(batches, "_next_index")
        )
        if picks_by_number:
            for _ in islice(iter(batches._next_index, None), count):  # type: ignore[attr-defined]
                pass
        return picks_by_number

    def walk_through(self, source: Any) -> Iterator[Any] | None:
        if not isinstance(source, DataLoader):
            return None
        return shielded(source) or walk_by_rows(source)

    def order_lost(self, source: Any) -> str | None:
        persists = isinstance(source, DataLoader) and source.persistent_workers
        return _PERSISTENT if persists and _draws(source) else None

    def as_callback(self, value: Any) -> TorchScheduler | None:
        return as_callback(value)

    def processes(self) -> TorchProcesses | None:
        return connected()

    def unconnected(self) -> str | None:
        return _UNCONNECTED if is_launched() and not is_connected() else None

    def left_out(self, model: Any, kept: Sequence[Any]) -> Iterator[str]:
        """The optimizer, if the run has not got it; its scheduler, which marks it."""
        optimizer = getattr(model, "optimizer", None)
        trains = isinstance(model, nn.Module) and any(p.requires_grad for p in model.parameters())
        if optimizer is None and trains and not any(hasattr(one, "param_groups") for one in kept):
            yield _NO_OPTIMIZER
        for one in getattr(optimizer, "torch_optimizers", ()):
            marked = any("initial_lr" in group for group in one.param_groups)
            if marked and not any(_scheduler_of(one, other) for other in kept):
                yield _NO_SCHEDULER.format(type(one).__name__)


def _scheduler_of(optimizer: Any, other: Any) -> bool:
    """Whether `other`, a part or a callback of a run, keeps the state of a scheduler."""
    if isinstance(other, Callback) and not isinstance(other, TorchScheduler):
        return False
    return schedules(other, optimizer)


def _draws(loader: "DataLoader[Any]") -> bool:
    """Whether a loader draws numbers for the order of its samples, as far as one can see."""
    sampler = getattr(loader.batch_sampler, "sampler", loader.sampler)
    return not isinstance(sampler, SequentialSampler)


_UNCONNECTED = (
    "a launcher has started several processes, and nothing connects them: each trains by itself, "
    "and writes the same files. Call torch.distributed.init_process_group() before Run, and wrap "
    "the net in DistributedDataParallel, to make one training of them; or give each process files "
    "of its own."
)
_PERSISTENT = (
    "DataLoader(persistent_workers=True, shuffle=True): a run that BackupAndRestore resumes begins "
    "these workers anew, and walks through the samples in another order than if it had not been "
    "stopped. Leave persistent_workers out where that matters."
)
_NO_OPTIMIZER = (
    "BackupAndRestore saves this run without an optimizer, so that one that the loop steps begins "
    "anew when the run is resumed. Write Run(net, optimizer=optimizer), which takes a list, too."
)
_NO_SCHEDULER = (
    "BackupAndRestore saves this run without the scheduler of its {}, which begins anew when the "
    'run is resumed. If the loop steps it, write Run(..., parts={{"scheduler": scheduler}}); else '
    "put it into callbacks=[...], which step it."
)

register("torch", Torch())
