"""Event files, as TensorBoard reads them, through its own writer. No TensorFlow, no torch."""

import os
import time
from importlib.util import find_spec
from typing import Any

from onfit._types import StrPath
from onfit.errors import MissingPackageError

_BUCKETS = 30


class EventFiles:
    """The event files of one run, one in each subfolder, opened when first written to.

    Args:
        folder: the folder above them.
        purge_steps: subfolder -> step; what an earlier, interrupted run wrote there from this
            step on is to be hidden. Its files stay as they are.

    Raises:
        MissingPackageError: if the tensorboard library is not installed.
    """

    def __init__(self, folder: StrPath, purge_steps: dict[str, int] | None = None) -> None:
        require_tensorboard("EventFiles")
        self._folder = os.fspath(folder)
        self._purge_steps = purge_steps or {}
        self._writers: dict[str, Any] = {}

    def add_scalar(self, subfolder: str, tag: str, value: float, step: int) -> None:
        """Write one point of a curve."""
        from tensorboard.compat.proto.summary_pb2 import Summary

        self._add(subfolder, Summary.Value(tag=tag, simple_value=value), step)

    def add_histogram(self, subfolder: str, tag: str, values: Any, step: int) -> None:
        """Write how the numbers of an array are distributed, those apart that are not finite."""
        from tensorboard.compat.proto.summary_pb2 import HistogramProto, Summary

        counted = _histogram(values)
        if counted is not None:
            self._add(subfolder, Summary.Value(tag=tag, histo=HistogramProto(**counted)), step)

    def flush(self) -> None:
        """Wait until all is in the files, so that whoever looks can see it."""
        for writer in self._writers.values():
            writer.flush()

    def close(self) -> None:
        """Finish the files. What is written later goes to new ones."""
        writers, self._writers = self._writers, {}
        for writer in writers.values():
            writer.close()

    def _add(self, subfolder: str, value: Any, step: int) -> None:
        from tensorboard.compat.proto.event_pb2 import Event
        from tensorboard.compat.proto.summary_pb2 import Summary

        event = Event(wall_time=time.time(), step=step, summary=Summary(value=[value]))
        self._writer(subfolder).add_event(event)

    def _writer(self, subfolder: str) -> Any:
        if subfolder not in self._writers:
            self._writers[subfolder] = self._open(subfolder)
        return self._writers[subfolder]

    def _open(self, subfolder: str) -> Any:
        from tensorboard.compat.proto.event_pb2 import Event, SessionLog
        from tensorboard.summary.writer.event_file_writer import EventFileWriter

        # Within half a minute a curve should show what a long epoch does.
        writer = EventFileWriter(os.path.join(self._folder, subfolder), flush_secs=30)
        if subfolder in self._purge_steps:
            step, start = self._purge_steps[subfolder], SessionLog(status=SessionLog.START)
            writer.add_event(Event(wall_time=time.time(), step=step, session_log=start))
        return writer


def require_tensorboard(asked_by: str) -> None:
    """Find out, without importing it, whether the tensorboard library is there.

    Raises:
        MissingPackageError: if it is not.
    """
    if find_spec("tensorboard") is None:
        raise MissingPackageError(
            f"{asked_by} needs the tensorboard library, which is not installed. "
            'Install it with: pip install "onfit[tensorboard]"',
            name="tensorboard",
        )


def _histogram(values: Any) -> dict[str, Any] | None:
    """The fields of a HistogramProto; None where there is nothing to count."""
    import numpy as np

    numbers = np.asarray(values, dtype=np.float64).ravel()
    numbers = numbers[np.isfinite(numbers)]
    if numbers.size == 0:
        return None
    counts, edges = np.histogram(numbers, bins=_BUCKETS)
    return {
        "min": numbers.min(),
        "max": numbers.max(),
        "num": numbers.size,
        "sum": numbers.sum(),
        "sum_squares": numbers @ numbers,
        "bucket_limit": edges[1:].tolist(),
        "bucket": counts.tolist(),
    }
