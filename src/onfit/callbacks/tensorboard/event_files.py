"""Event files for TensorBoard, written by its own writer, without TensorFlow and torch."""

import json
import os
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from typing import Any

import numpy as np

from onfit._types import StrPath
from onfit.callbacks.tensorboard.images import Pixels, png
from onfit.errors import MissingPackageError, StorageError

_BUCKETS = 30


class EventFiles:
    """The event files of one run, one in each subfolder. Each is opened at its first value.

    In a chart, the first value of a curve hides what earlier files have of that curve from its step
    on. Those files stay as they are.

    Args:
        folder: the folder above the subfolders.

    Raises:
        MissingPackageError: if the tensorboard library is not installed.
        StorageError: by a later call that writes, if a file cannot be written.
    """

    def __init__(self, folder: StrPath) -> None:
        require_tensorboard("EventFiles")
        self._folder = os.fspath(folder)
        self._writers: dict[str, Any] = {}
        self._tags: dict[str, set[str]] = {}  # subfolder -> the tags that its file has by now

    def add_scalars(
        self, subfolder: str, values: Mapping[str, float], step: int, wall_time: float | None = None
    ) -> None:
        """Write one point of several curves.

        Args:
            subfolder: the folder of the curves.
            values: each curve's value, by its tag.
            step: the position on the curves.
            wall_time: the time of the point, in seconds since 1970; now if None.
        """
        from tensorboard.compat.proto.summary_pb2 import Summary

        points = [Summary.Value(tag=tag, simple_value=value) for tag, value in values.items()]
        self._add_values(subfolder, points, step, wall_time)

    def add_histogram(self, subfolder: str, tag: str, numbers: Any, step: int) -> None:
        """Write the distribution of an array's numbers, except those that are not finite."""
        from tensorboard.compat.proto.summary_pb2 import HistogramProto

        counted = _histogram(numbers)
        if counted is not None:
            self._add(subfolder, step, tag=tag, histo=HistogramProto(**counted))

    def add_images(self, subfolder: str, tag: str, images: Sequence[Pixels], step: int) -> None:
        """Write grey images of one size, which the dashboard shows under one tag."""
        from tensorboard.plugins.image.metadata import create_summary_metadata

        height, width = images[0].shape
        size = [str(width).encode(), str(height).encode()]
        self._add(
            subfolder,
            step,
            tag=tag,
            tensor=_texts([*size, *map(png, images)]),
            metadata=create_summary_metadata(display_name=None, description=None),
        )

    def add_graph_config(self, subfolder: str, config: dict[str, Any]) -> None:
        """Write a model's layers, described in Keras' format, for the dashboard to draw."""
        from tensorboard.compat.proto.summary_pb2 import SummaryMetadata

        plugin = SummaryMetadata.PluginData(plugin_name="graph_keras_model", content=b"1")
        self._add(
            subfolder,
            0,
            tag="keras",
            tensor=_texts(json.dumps(config).encode()),
            metadata=SummaryMetadata(plugin_data=plugin),
        )

    def add_graph_def(self, subfolder: str, graph_def: bytes) -> None:
        """Write a graph of operations."""
        self._add_event(subfolder, graph_def=graph_def)

    def flush(self) -> None:
        """Wait until all values are in the files, so that TensorBoard can show them."""
        with self._named():
            for writer in self._writers.values():
                writer.flush()

    def close(self) -> None:
        """Finish the files. Later values go to new files."""
        writers, self._writers = self._writers, {}
        self._tags = {}
        with self._named():
            for writer in writers.values():
                writer.close()

    def _add(self, subfolder: str, step: int, **value: Any) -> None:
        from tensorboard.compat.proto.summary_pb2 import Summary

        self._add_values(subfolder, [Summary.Value(**value)], step)

    def _add_values(
        self, subfolder: str, values: list[Any], step: int, wall_time: float | None = None
    ) -> None:
        from tensorboard.compat.proto.summary_pb2 import Summary

        new = {value.tag for value in values} - self._tags.setdefault(subfolder, set())
        if new:
            # A reader hides older values of a tag if a value's step is below that of the event
            # before it. So an event without values comes first, one step on.
            self._tags[subfolder] |= new
            self._add_event(subfolder, wall_time, step=step + 1, summary=Summary())
        self._add_event(subfolder, wall_time, step=step, summary=Summary(value=values))

    def _add_event(self, subfolder: str, wall_time: float | None = None, **content: Any) -> None:
        from tensorboard.compat.proto.event_pb2 import Event

        wall_time = time.time() if wall_time is None else wall_time
        with self._named():
            self._writer(subfolder).add_event(Event(wall_time=wall_time, **content))

    @contextmanager
    def _named(self) -> Iterator[None]:
        """Raise errors with the folder's name: the system's error for a full disk names no file."""
        try:
            yield
        except OSError as error:
            raise StorageError(
                f"event files cannot be written in {self._folder!r}: {error.strerror or error}. "
                "What was there before is as it was. Make room there, or choose another log_dir."
            ) from error

    def _writer(self, subfolder: str) -> Any:
        if subfolder not in self._writers:
            self._writers[subfolder] = self._open(subfolder)
        return self._writers[subfolder]

    def _open(self, subfolder: str) -> Any:
        from onfit.callbacks.tensorboard.writer import OrderedWriter

        # Half a minute: a curve should show the progress of a long epoch.
        return OrderedWriter(os.path.join(self._folder, subfolder), flush_secs=30)


def require_tensorboard(asked_by: str) -> None:
    """Check that the tensorboard library is installed, without importing it.

    Raises:
        MissingPackageError: if it is not installed.
    """
    if find_spec("tensorboard") is None:
        raise MissingPackageError(
            f"{asked_by} needs the tensorboard library, which is not installed. "
            'Install it with: pip install "onfit[tensorboard]"',
            name="tensorboard",
        )


def _texts(content: bytes | list[bytes]) -> Any:
    """A tensor that holds one text, or a row of texts, as bytes."""
    from tensorboard.compat.proto.tensor_pb2 import TensorProto
    from tensorboard.compat.proto.tensor_shape_pb2 import TensorShapeProto
    from tensorboard.compat.proto.types_pb2 import DT_STRING

    if isinstance(content, bytes):
        return TensorProto(dtype=DT_STRING, string_val=[content], tensor_shape=TensorShapeProto())
    shape = TensorShapeProto(dim=[TensorShapeProto.Dim(size=len(content))])
    return TensorProto(dtype=DT_STRING, string_val=content, tensor_shape=shape)


def _histogram(values: Any) -> dict[str, Any] | None:
    """The fields of a HistogramProto; None if there are no finite numbers."""
    numbers = np.asarray(values, dtype=np.float64).ravel()
    numbers = numbers[np.isfinite(numbers)]
    if numbers.size == 0:
        return None
    with np.errstate(over="ignore", invalid="ignore"):  # a sum that is too large is infinite
        return {**_buckets(numbers), **_sums(numbers)}


def _buckets(numbers: Any) -> dict[str, Any]:
    try:
        counts, edges = np.histogram(numbers, bins=_BUCKETS)
        if not np.isfinite(edges).all():
            raise ValueError("the distance of the numbers is no number")
    except ValueError:  # numbers too near to each other for buckets between them, or too far apart
        return {"bucket_limit": [float(numbers.max())], "bucket": [numbers.size]}
    return {"bucket_limit": edges[1:].tolist(), "bucket": counts.tolist()}


def _sums(numbers: Any) -> dict[str, Any]:
    return {
        "min": numbers.min(),
        "max": numbers.max(),
        "num": numbers.size,
        "sum": numbers.sum(),
        "sum_squares": numbers @ numbers,
    }
