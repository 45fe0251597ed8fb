"""How much more memory `fit` takes than it needs, in bytes of resident memory."""

import os
import resource
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from bench.cases import Case

GROUP = "memory"


def cases(quick: bool) -> Iterator[Case]:
    for kept in (False, True):
        name = "restore_best_weights" if kept else "without restore_best_weights"
        arguments = {"kind": "peak", "kept": kept}
        yield Case(GROUP, name, __name__, arguments, "onfit", once=True)
    arguments = {"kind": "growth", "batches": 1_000 if quick else 10_000}
    yield Case(GROUP, "growth over ten times as many batches", __name__, arguments, "onfit", True)


def run(kind: str, **arguments: Any) -> dict[str, Any]:
    return {"peak": peak, "growth": growth}[kind](**arguments)


def peak(kept: bool) -> dict[str, Any]:
    """The highest memory use in a training of 25 million weights."""
    from bench.contenders.onfit import onfit
    from bench.models import keras_net
    from bench.workloads import load

    work = load("large").first(3)
    model = keras_net.build(work, onfit)
    stop = onfit.callbacks.EarlyStopping("loss", patience=9, restore_best_weights=kept)
    model.fit(work.x, work.y, batch_size=work.batch, epochs=3, verbose=0, callbacks=[stop])
    weights = sum(array.nbytes for array in model.get_weights())
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    return {"bytes": most, "weights": weights}


def growth(batches: int) -> dict[str, Any]:
    """How much memory use grows between the ends of the first and the tenth epoch."""
    from bench.contenders.onfit import onfit
    from bench.models import keras_net
    from bench.workloads import load
    from bench.workloads.layers import Dense

    mlp = load("mlp")
    data = {"x": mlp.x[:batches, :4], "y": mlp.y[:batches]}
    work = replace(mlp, net=(Dense(10, "softmax"),), batch=1, **data)
    sizes: list[int] = []
    told = onfit.callbacks.LambdaCallback(
        on_epoch_end=lambda epoch, logs: sizes.append(resident_bytes())
    )
    model = keras_net.build(work, onfit)
    model.fit(work.x, work.y, batch_size=1, epochs=10, verbose=0, callbacks=[told])
    return {"bytes": sizes[-1] - sizes[0], "batches": 10 * batches}


def resident_bytes() -> int:
    with open("/proc/self/statm") as file:
        pages = int(file.read().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")
