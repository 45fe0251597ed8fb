"""A training of two processes, beside a loop in DDP by hand: turn by turn in the same processes.

They talk over gloo. Each has one thread, half of every batch, and the same Adam; losses and
accuracies of both are added up once an epoch.
"""

import os
from collections.abc import Callable, Iterator
from dataclasses import replace
from statistics import median
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Any

from bench.cases import Case
from bench.measures.pairs import Fit, paired

WORLD = 2
PAIRS = 9
WORKLOADS = ("mlp", "conv")
# For each row of the table what trains.
WAYS = {
    "onfit: fit": "fit",
    "onfit: fit, a net in DDP": "fit_ddp",
    "onfit: Run, a net in DDP": "run_ddp",
}


def cases(quick: bool) -> Iterator[Case]:
    for workload in WORKLOADS:
        for name, way in WAYS.items():
            arguments = {"way": way, "workload": workload, "quick": quick}
            yield Case(f"processes_{workload}", name, __name__, arguments, contender="onfit")


def run(way: str, workload: str, quick: bool) -> dict[str, Any]:
    """Seconds per step, as the first process measures them."""
    import torch.multiprocessing as mp

    with TemporaryDirectory() as folder:
        answers = mp.get_context("spawn").SimpleQueue()
        mp.spawn(_measure, (folder, answers, way, workload, quick), nprocs=WORLD)
        return answers.get()


def _measure(rank: int, folder: str, answers: Any, way: str, workload: str, quick: bool) -> None:
    import torch
    import torch.distributed as dist

    from bench.workloads import load

    torch.set_num_threads(1)
    os.environ.update(RANK=str(rank), WORLD_SIZE=str(WORLD))
    where = f"file://{folder}/meeting"
    dist.init_process_group("gloo", init_method=where, rank=rank, world_size=WORLD)
    work = load(workload, quick)
    work = replace(work, x=work.x[: work.steps // 2 * work.batch * WORLD], batch=work.batch * WORLD)
    work = replace(work, y=work.y[: len(work.x)])
    makers = {"fit": _by_fit, "fit_ddp": _by_fit_in_ddp, "run_ddp": _by_run}
    figures = paired(_by_hand(work), makers[way](work), 2 if quick else PAIRS, median)
    if rank == 0:
        answers.put(figures)
    dist.barrier()
    dist.destroy_process_group()


def _timed(epoch: Callable[[], object], work: Any) -> Fit:
    def seconds() -> float:
        began = perf_counter()
        epoch()
        return (perf_counter() - began) / work.steps

    return seconds


def _shares(work: Any) -> Callable[[], Iterator[tuple[Any, Any]]]:
    """What walks through this process' half of every batch, in an order that all draw alike."""
    import torch
    import torch.distributed as dist

    from bench.models.torch_net import tensors

    x, y = tensors(work.x, work.y)
    rank, each = dist.get_rank(), work.batch // WORLD
    chance = torch.Generator().manual_seed(0)

    def walk() -> Iterator[tuple[Any, Any]]:
        for rows in torch.randperm(len(x), generator=chance).split(work.batch):
            mine = rows[rank * each : (rank + 1) * each]
            yield x.index_select(0, mine), y.index_select(0, mine)

    return walk


def _by_hand(work: Any) -> Fit:
    import torch
    import torch.distributed as dist
    from torch.nn.parallel import DistributedDataParallel

    from bench.models.torch_net import adam, build, hits, loss_of

    net = DistributedDataParallel(build(work))
    loss_function, optimizer, walk = loss_of(work), adam(work, net), _shares(work)

    def epoch() -> list[float]:
        sums = torch.zeros(2)
        for x, y in walk():
            output = net(x)
            loss = loss_function(output, y)
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            optimizer.step()
            sums += torch.stack([loss.detach() * len(x), hits(output.detach(), y)])
        dist.all_reduce(sums)
        return (sums / len(work.x)).tolist()

    return _timed(epoch, work)


def _fit_of(model: Any, x: Any, y: Any, work: Any) -> Fit:
    return _timed(lambda: model.fit(x, y, batch_size=work.batch, verbose=0), work)


def _by_fit(work: Any) -> Fit:
    import onfit
    from bench.models import keras_net

    return _fit_of(keras_net.build(work, onfit), work.x, work.y, work)


def _by_fit_in_ddp(work: Any) -> Fit:
    from torch import nn
    from torch.nn.parallel import DistributedDataParallel

    import onfit
    from bench.models.torch_net import build, tensors

    model = onfit.Model(DistributedDataParallel(build(work)))
    model.compile(onfit.optimizers.Adam(work.rate), nn.CrossEntropyLoss(), ["acc"])
    return _fit_of(model, *tensors(work.x, work.y), work)


def _by_run(work: Any) -> Fit:
    from torch.nn.parallel import DistributedDataParallel

    import onfit
    from bench.models.torch_net import adam, build, hits, loss_of

    net = DistributedDataParallel(build(work))
    loss_function, optimizer, walk = loss_of(work), adam(work, net), _shares(work)

    def epoch() -> None:
        with onfit.Run(net, optimizer=optimizer, epochs=1) as run:
            for _ in run.epochs():
                for x, y in run.batches(walk()):
                    output = net(x)
                    loss = loss_function(output, y)
                    optimizer.zero_grad(set_to_none=True)
                    loss.backward()
                    optimizer.step()
                    run.log(loss=loss, acc=hits(output.detach(), y) / len(x))

    return _timed(epoch, work)
