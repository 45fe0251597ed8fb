"""`evaluate` and `predict` compared with a `no_grad` loop, in batches of 128.

onfit, which also runs on torch, takes turns with the loop in one process.
"""

from collections.abc import Callable, Iterator
from statistics import median
from time import perf_counter
from typing import Any

from bench.cases import Case
from bench.measures.pairs import paired
from bench.workloads import load
from bench.workloads.workload import Workload

BATCH = 128
PASSES = 25
MEASURED = ("torch_tuned", "onfit", "keras_jax")


def cases(quick: bool) -> Iterator[Case]:
    for job in ("evaluate", "predict"):
        for workload in ("softmax", "mlp"):
            for name in MEASURED:
                arguments = {"contender": name, "job": job, "workload": workload}
                yield Case(f"{job}_{workload}", name, __name__, arguments, contender=name)


def run(contender: str, job: str, workload: str) -> dict[str, Any]:
    """Seconds per batch: the median of several passes over the data, without the first one."""
    work = load(workload)
    if contender == "onfit":
        loop = timed(by_hand(job, work), work)
        return paired(loop, timed(by_model(contender, job, work), work), PASSES)
    by_loop = contender == "torch_tuned"
    one_pass = timed(by_hand(job, work) if by_loop else by_model(contender, job, work), work)
    one_pass()
    return {"seconds": median(one_pass() for _ in range(PASSES))}


def timed(one_pass: Callable[[], Any], work: Workload) -> Callable[[], float]:
    """The seconds per batch of one pass."""

    def seconds() -> float:
        began = perf_counter()
        one_pass()
        return (perf_counter() - began) / -(-len(work.x) // BATCH)

    return seconds


def by_model(contender: str, job: str, work: Workload) -> Callable[[], Any]:
    from bench.contenders.keras_style import library_of
    from bench.models import keras_net

    model = keras_net.build(work, library_of(contender))
    if job == "evaluate":
        return lambda: model.evaluate(work.x, work.y, batch_size=BATCH, verbose=0)
    return lambda: model.predict(work.x, batch_size=BATCH, verbose=0)


def by_hand(job: str, work: Workload) -> Callable[[], Any]:
    import torch

    from bench.models.torch_net import build, hits, loss_of, tensors

    net = build(work).eval()
    loss_function = loss_of(work)
    x, y = tensors(work.x, work.y)

    @torch.no_grad()
    def evaluate() -> list[float]:
        total, right = torch.zeros(()), torch.zeros((), dtype=torch.int64)
        for inputs, targets in zip(x.split(BATCH), y.split(BATCH), strict=True):
            output = net(inputs)
            total.add_(loss_function(output, targets), alpha=len(inputs))
            right.add_(hits(output, targets))
        return (torch.stack([total, right]) / len(x)).tolist()

    @torch.no_grad()
    def predict() -> Any:
        return torch.cat([net(inputs).softmax(dim=1) for inputs in x.split(BATCH)]).numpy()

    return evaluate if job == "evaluate" else predict
