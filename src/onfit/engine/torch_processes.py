"""The processes that torch.distributed connects."""

import io
import os
import re
from datetime import timedelta
from functools import lru_cache
from itertools import count
from typing import Any, TypeVar
from zlib import crc32

import torch
import torch.distributed as dist
from torch import Tensor

from onfit.core.processes import Processes
from onfit.engine.arriving import arrive
from onfit.errors import OutOfStepError

_T = TypeVar("_T")

# How torch says that a process at the other end is gone.
_LOST = re.compile("by peer|by remote peer|Broken pipe|connection (was )?aborted", re.IGNORECASE)


class TorchProcesses(Processes):
    """The processes of torch's default group. They talk to each other over one of their own, in the
    machines' memory, so that no device is waited for.

    Args:
        group: that group.
        line: the group of the same processes over which they talk; None for the one that most of
            these objects have in common.
    """

    def __init__(self, group: Any, line: Any = None) -> None:
        self._group, self._line = group, line
        self.rank = dist.get_rank(group)
        self.world = dist.get_world_size(group)

    def arrive(self) -> None:
        store = dist.distributed_c10d._get_default_store()
        if store is not None:  # as with MPI
            training = f"training {next(_trainings(self._group))}"
            arrive(store_of_this_start(store), self.rank, self.world, training)

    def explain(self, error: BaseException) -> None:
        if type(error) in (RuntimeError, dist.DistBackendError) and _LOST.search(str(error)):
            error.add_note(
                f"Process {self.rank} of {self.world} has lost another one, which has ended. Look "
                "for the error of that one: it is the cause."
            )

    def beside(self) -> "TorchProcesses":
        return TorchProcesses(self._group, dist.new_group(backend="gloo"))

    def close(self) -> None:
        line, self._line = self._line, None
        if line is not None:
            dist.destroy_process_group(line)

    @property
    def _talks(self) -> Any:
        return _own_group(self._group) if self._line is None else self._line

    def of_all(self, value: Any, at: str = "") -> list[Any]:
        content = _bytes_of(value)
        sizes = self._meet(at, len(content))
        padded = torch.zeros(max(sizes), dtype=torch.uint8)
        padded[: len(content)] = content
        found = [torch.empty_like(padded) for _ in sizes]
        dist.all_gather(found, padded, group=self._talks)
        return [_value_of(one[:size]) for one, size in zip(found, sizes, strict=True)]

    def shared(self, value: _T) -> _T:
        content = _bytes_of(value if self.is_main else None)
        size = self._meet("", len(content))[0]
        if not self.is_main:
            content = torch.empty(size, dtype=torch.uint8)
        dist.broadcast(content, src=0, group=self._talks)
        return value if self.is_main else _value_of(content)

    def gathered(self, value: Any) -> list[Any] | None:
        content = _bytes_of(None if self.is_main else value)
        sizes, group = self._meet("", len(content)), self._talks
        if not self.is_main:
            dist.send(content, dst=0, group=group)
            return None
        found = [value]
        for rank, size in enumerate(sizes[1:], start=1):
            content = torch.empty(size, dtype=torch.uint8)
            dist.recv(content, src=rank, group=group)
            found.append(_value_of(content))
        return found

    def bits_of_all(self, bits: int) -> int:
        found = 0
        for each in self._meet("", bits, kind="bits"):
            found |= each
        return found

    def wait_for_all(self, patience: timedelta) -> None:
        """Return when all processes have called this.

        Raises:
            RuntimeError: if one has not in this time.
        """
        dist.monitored_barrier(self._talks, timeout=patience)

    def _meet(self, at: str, number: int, kind: str = "values") -> list[int]:
        """The number of each process; each question begins so. Processes that ask different
        questions find that out here, before they wait for each other's answers.
        """
        mine = torch.tensor([crc32(f"{kind} {at}".encode()), number])
        found = [torch.empty_like(mine) for _ in range(self.world)]
        dist.all_gather(found, mine, group=self._talks)
        places, numbers = zip(*(one.tolist() for one in found), strict=True)
        if len(set(places)) > 1:
            others = [rank for rank, place in enumerate(places) if place != places[self.rank]]
            raise OutOfStepError(
                f"process {self.rank} of {self.world} asks the others at "
                f"{at or 'a batch'!r}, and process {', '.join(map(str, others))} is elsewhere in "
                "the training. Every process has to walk through the same epochs and validations: "
                "leave none of them to one process alone."
            )
        return list(numbers)


def is_launched() -> bool:
    """Whether a launcher such as torchrun has started this process and others."""
    return int(os.environ.get("WORLD_SIZE", 1)) > 1 and "RANK" in os.environ


def is_connected() -> bool:
    """Whether torch.distributed connects this process with others, or cannot."""
    return not dist.is_available() or dist.is_initialized()


def connected() -> TorchProcesses | None:
    """The processes of torch's default group, if there are several."""
    if not dist.is_available() or not dist.is_initialized() or dist.get_world_size() < 2:
        return None
    return TorchProcesses(dist.group.WORLD)


@lru_cache(1)
def _own_group(group: Any) -> Any:
    """A group of the same processes over the network alone. Every process calls this at once."""
    return dist.new_group(backend="gloo")


@lru_cache(1)
def _trainings(group: Any) -> "count[int]":
    """The numbers of the trainings that a group of processes begins."""
    return count(1)


def store_of_this_start(store: Any) -> Any:
    """A store's part for this start of the processes. A group that torchrun starts again finds the
    store of the one before, with what that wrote there.
    """
    name = f"onfit, start {os.environ.get('TORCHELASTIC_RESTART_COUNT', 0)}"
    return dist.PrefixStore(name, store)  # type: ignore[attr-defined]


def _bytes_of(value: Any) -> Tensor:
    written = io.BytesIO()
    torch.save(value, written)
    return torch.frombuffer(bytearray(written.getbuffer()), dtype=torch.uint8)


def _value_of(content: Tensor) -> Any:
    """The value, with its tensors in the machine's memory. It comes from this job's own program,
    so it may hold any object.
    """
    read = io.BytesIO(content.numpy().tobytes())
    return torch.load(read, map_location="cpu", weights_only=False)
