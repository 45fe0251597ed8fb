"""torch's profiler around a part of a training."""

from collections.abc import Iterator
from contextlib import contextmanager

from torch.profiler import profile, tensorboard_trace_handler


@contextmanager
def profiled(folder: str) -> Iterator[None]:
    """The block that `Model.profiled` documents."""
    with profile(on_trace_ready=tensorboard_trace_handler(folder)):
        yield
