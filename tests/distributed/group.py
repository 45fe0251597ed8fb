"""Several processes that torch.distributed connects, and that run functions of the tests."""

import os
import queue
import tempfile
import traceback
from collections.abc import Callable
from multiprocessing.queues import Queue
from pathlib import Path
from typing import Any, Self

import torch
import torch.distributed as dist
import torch.multiprocessing as mp

PATIENCE = 120  # seconds; far more than any function takes


class Group:
    """Processes with gloo among them.

    Args:
        world: how many.
    """

    def __init__(self, world: int) -> None:
        self.world = world
        context = mp.get_context("spawn")
        self._folder = tempfile.TemporaryDirectory()
        self._answers: Queue[Any] = context.Queue()
        self._tasks: list[Queue[Any]] = [context.Queue() for _ in range(world)]
        self._processes = [
            context.Process(
                target=_work, args=(rank, world, self._folder.name, tasks, self._answers)
            )
            for rank, tasks in enumerate(self._tasks)
        ]
        for process in self._processes:
            process.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        for tasks in self._tasks:
            tasks.put(None)
        for process in self._processes:
            process.join(PATIENCE)
            if process.is_alive():
                process.kill()
        self._folder.cleanup()

    def run(self, function: Callable[..., Any], *args: Any) -> list[Any]:
        """What `function(*args)` returns in each process, in the order of their ranks."""
        for tasks in self._tasks:
            tasks.put((function, args))
        found: dict[int, Any] = {}
        errors: list[str] = []
        try:
            while len(found) < self.world:
                rank, answer, error = self._answers.get(timeout=PATIENCE)
                found[rank] = answer
                errors += [f"process {rank}:\n{error}"] if error is not None else []
        except queue.Empty:
            raise AssertionError(f"only processes {sorted(found)} came to the end") from None
        assert not errors, "\n".join(errors)
        return [found[rank] for rank in range(self.world)]


def _work(rank: int, world: int, folder: str, tasks: Any, answers: Any) -> None:
    torch.set_num_threads(1)
    os.environ.update(RANK=str(rank), WORLD_SIZE=str(world), LOCAL_RANK=str(rank))
    meeting = (Path(folder) / "meeting").as_uri()
    dist.init_process_group("gloo", init_method=meeting, rank=rank, world_size=world)
    while (task := tasks.get()) is not None:
        function, args = task
        try:
            answers.put((rank, function(*args), None))
        except BaseException:
            answers.put((rank, None, traceback.format_exc()))
    dist.destroy_process_group()
