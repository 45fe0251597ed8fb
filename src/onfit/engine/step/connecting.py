"""How `fit` becomes one training of several processes."""

import atexit
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from zlib import crc32

import torch
import torch.distributed as dist
from torch.distributed.rendezvous import rendezvous

from onfit.core.console import say
from onfit.core.interrupts import INTERRUPTS
from onfit.core.packages.randomness import random_state, set_random_state
from onfit.core.processes import ALONE, Processes, processes
from onfit.core.walks.together import is_called_in_main_alone
from onfit.engine.agreeing import require_alike, require_as_many
from onfit.engine.arriving import PATIENCE, arrive, patience
from onfit.engine.data.arrays import Samples, parts
from onfit.engine.data.source import Source
from onfit.engine.step.dividing import divide
from onfit.engine.step.exchange import share_weights
from onfit.engine.step.synchronized import moments_for, over_whole_batches
from onfit.engine.torch_processes import connected, is_connected, is_launched, store_of_this_start
from onfit.errors import ArgumentError, DataError, OutOfStepError
from onfit.layers.wrappers import wrapped_for_processes
from onfit.optimizers.accumulation import bring_together

_PATIENCE = timedelta(seconds=10)  # with processes that have not come to their end

if TYPE_CHECKING:
    from onfit.engine.model.compilable import Compilable


def processes_of(model: "Compilable") -> Processes:
    """The processes that train a model together. Those of a launcher such as torchrun are connected
    first, if the script has not done that. A training in a hook that only the main process is
    called for is that one's alone.

    Raises:
        ArgumentError: if it is to be trained by one process that has a piece of each weight.
    """
    if model.distribution is None and model.divided_by_fit and model.is_divided:
        raise ArgumentError(
            f"compile(distribution=None) lets each process train {model.described} by itself, and "
            "an earlier fit with 'fsdp' has left it a piece of each weight. Leave out "
            "distribution=None; or make the model anew, and give it what get_weights returns here."
        )
    if model.distribution is None or is_called_in_main_alone(INTERRUPTS.innermost):
        return ALONE
    _connect()
    found = processes()
    if found.world > 1:
        found.arrive()
        # Then all make the same first weights, and the same orders of samples.
        set_random_state(found.shared(random_state()))
    return found


def _connect() -> None:
    if not is_launched() or is_connected():
        return
    backend = "cpu:gloo,cuda:nccl" if torch.cuda.is_available() else "gloo"
    store, rank, world = next(_meetings())
    store = store_of_this_start(store)
    arrive(store, rank, world, "training")
    dist.init_process_group(backend, store=store, rank=rank, world_size=world)
    atexit.register(_disconnect)
    say(f"Training with {dist.get_world_size()} processes, each on its share of every batch.")


def _meetings() -> Iterator[tuple[Any, int, int]]:
    """Torch's store, this process' rank, and how many there are.

    Raises:
        OutOfStepError: if the process that has the store cannot be reached in time.
    """
    try:
        yield from rendezvous("env://", timeout=timedelta(seconds=patience()))
    except dist.DistError as error:
        where = ":".join(os.environ.get(f"MASTER_{part}", "?") for part in ("ADDR", "PORT"))
        raise OutOfStepError(
            f"fit was called in process {os.environ['RANK']} of {os.environ['WORLD_SIZE']}, and "
            f"process 0 cannot be reached at {where} within {patience():g} seconds ({error}). Call "
            "fit in every process of the launcher; MASTER_ADDR and MASTER_PORT have to lead to "
            f"process 0. If it needs longer to get ready, set {PATIENCE} to more seconds."
        ) from error


def _disconnect() -> None:
    """Leave together: gloo ends a process whose partner has gone. One that an error ends goes at
    once, so that the launcher hears of it.
    """
    group = connected()
    if group is not None and not hasattr(sys, "last_value"):
        with suppress(RuntimeError):
            group.wait_for_all(_PATIENCE)
    if dist.is_initialized():
        dist.destroy_process_group()


def begin_alike(
    model: "Compilable",
    first: Samples,
    together: Processes,
    asked: dict[str, Any],
    *sources: Source,
) -> None:
    """Give all processes the same weights, and find out whether they have the same data. With
    `distribution="fsdp"` they then divide the weights.

    A net that its owner has wrapped for several processes may have other data in each, as in a loop
    by hand. These are its share already, and are left whole.

    Args:
        model: a built model.
        first: its first batch, whole, or this process' own of a loader with a DistributedSampler.
        together: the processes.
        asked: what else has to be the same in all, by name.
        *sources: the batches to train on, and to validate on.

    Raises:
        ArgumentError: in all processes, if something else differs.
        DataError: in all processes, if the data differ and the net is not wrapped.
    """
    model.moments = moments_for(model, together)
    if together.world == 1:
        return
    require_alike(model, together, asked)
    lengths = {"number of batches": [source.facts.steps for source in sources]}
    marks, each = zip(*together.of_all((_mark_of(first), lengths), "the data"), strict=True)
    differ = len(set(marks)) > 1
    wrapped = wrapped_for_processes(model)
    if wrapped and not model.divided_by_fit:
        require_as_many(each)
        for number, source in enumerate(sources):
            if differ:
                source.leave_whole(in_step=number == 0)
            else:
                source.leave_none_empty()
        return
    if differ and not sources[0].facts.shared_out:
        raise DataError(
            f"fit was given other data in each of {together.world} processes; it divides what all "
            "of them have. Pass the same arrays, dataset or loader in all; for data that are "
            "shared out already pass a DataLoader with a DistributedSampler, or wrap the net in "
            "DistributedDataParallel; or compile(distribution=None), with which each process "
            "trains by itself."
        )
    require_as_many(each)
    if not wrapped:
        share_weights(model)
    if model.distribution == "fsdp":
        divide(model)
    if model.moments is not None or wrapped_for_processes(model):
        for source in sources:
            source.leave_none_empty()


def _mark_of(batch: Samples) -> int:
    mark = 0
    for tensor in (tensor for part in batch for tensor in parts(part)):
        # A copy, since an axis of one may have a stride of 0, which a view in bytes does not take.
        content = tensor.detach().cpu().clone(memory_format=torch.contiguous_format).reshape(-1)
        mark = crc32(content.view(torch.uint8).numpy().tobytes(), mark)
    return mark


@contextmanager
def as_one(model: "Compilable") -> Iterator[None]:
    """In the block, a model is trained by all processes. When it ends, the optimizer and the layers
    are this process' own again.
    """
    try:
        with over_whole_batches(model):
            yield
        bring_together(model.optimizer)
    finally:
        optimizer: Any = model.optimizer
        if optimizer is not None:
            optimizer.exchange = None
