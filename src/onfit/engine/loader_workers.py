"""The worker processes of a DataLoader leave signals to the process that trains.

A terminal sends Ctrl-C to all of them, and a scheduler often sends SIGTERM so. A worker that dies
of it takes the run with it, before the run is saved. So workers ignore these signals. The run ends
them when it is saved.
"""

import atexit
import multiprocessing
import signal
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch.utils.data import DataLoader

from onfit.core.interrupts import HEARD, INTERRUPTS

# Walks whose workers ignore signals, and their loaders.
_walks: "weakref.WeakKeyDictionary[Any, weakref.ref[DataLoader[Any]]]" = weakref.WeakKeyDictionary()


def shielded(loader: "DataLoader[Any]") -> Iterator[Any] | None:
    """A walk through `loader` whose workers ignore signals; None if it has no workers, or if no run
    handles signals here.
    """
    if not loader.num_workers or not INTERRUPTS.listens:
        return None
    its_own = loader.worker_init_fn
    loader.worker_init_fn = Deaf(its_own)
    try:
        with _blocked(_method_of(loader)):
            walk = iter(loader)
    finally:
        loader.worker_init_fn = its_own
    for worker in getattr(walk, "_workers", ()):
        # torch and multiprocessing end a worker that does not end by itself with SIGTERM, and then
        # wait for it: without end, if it ignores that.
        worker._popen.terminate = worker._popen.kill
    if hasattr(walk, "_workers"):
        _walks[walk] = weakref.ref(loader)
    return walk


class Deaf:
    """A `worker_init_fn` that makes a worker ignore the signals.

    Args:
        then: the `worker_init_fn` of the user.
    """

    def __init__(self, then: Callable[[int], object] | None) -> None:
        self._then = then

    def __call__(self, worker: int) -> None:
        for number in HEARD:
            signal.signal(number, signal.SIG_IGN)
        if hasattr(signal, "pthread_sigmask"):
            signal.pthread_sigmask(signal.SIG_UNBLOCK, HEARD)
        if self._then is not None:
            self._then(worker)


@contextmanager
def _blocked(method: str) -> Iterator[None]:
    """Hold the signals back for the block. Processes that begin in it hold them back, too."""
    if not hasattr(signal, "pthread_sigmask"):  # Windows
        yield
        return
    if method != "fork":
        # Its start would let the signals through again.
        from multiprocessing.resource_tracker import ensure_running

        ensure_running()
    before = signal.pthread_sigmask(signal.SIG_BLOCK, HEARD)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _method_of(loader: "DataLoader[Any]") -> str:
    context = loader.multiprocessing_context or multiprocessing.get_context()
    method: str = context.get_start_method()
    return method


def end_workers() -> None:
    """End the workers that ignore signals, whatever they are doing."""
    for walk, loader in list(_walks.items()):
        if getattr(walk, "_worker_pids_set", False):
            # Else torch takes their end for a failure.
            torch._C._remove_worker_pids(id(walk))
            walk._worker_pids_set = False
        for worker in walk._workers:
            if worker.is_alive():
                worker.kill()
        for worker in walk._workers:
            worker.join()
        found: Any = loader()
        if getattr(found, "_iterator", None) is walk:
            found._iterator = None  # the next walk begins with workers of its own
        del _walks[walk]


INTERRUPTS.end_workers.append(end_workers)
# Before that of multiprocessing, which waits for processes that it has sent SIGTERM.
atexit.register(end_workers)
