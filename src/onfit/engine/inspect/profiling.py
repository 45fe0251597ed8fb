"""What the machine does meanwhile, by torch's profiler."""

from collections.abc import Iterator
from contextlib import contextmanager

from torch.profiler import profile, tensorboard_trace_handler


@contextmanager
def profiled(folder: str) -> Iterator[None]:
    """What `Model.profiled` documents."""
    with profile(on_trace_ready=tensorboard_trace_handler(folder)):
        yield
