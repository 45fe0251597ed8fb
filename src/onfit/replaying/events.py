"""The curves in a folder of TensorBoard."""

import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from onfit.errors import FileFormatError, MissingPackageError

# A curve of epochs, or of a run of steps: "epoch_loss" in train/ is loss, in validation/ val_loss.
_TAG = re.compile(r"(epoch|step)_(.+)")


def rows_of_events(folder: Path) -> list[dict[str, Any]]:
    """A row for each epoch, or each step, of the curves that `TensorBoard` wrote into `folder`.

    Raises:
        FileFormatError: if there are no such curves.
        MissingPackageError: if tensorboard is not installed.
    """
    rows: dict[tuple[str, int], dict[str, Any]] = defaultdict(dict)
    for name, prefix in (("train", ""), ("validation", "val_"), ("", "")):
        for tag, points in _curves(folder / name):
            match = _TAG.fullmatch(tag)
            if match:
                for place, value in points:
                    rows[match[1], place][prefix + match[2]] = value
    if not rows:
        runs = sorted({str(file.parent.parent) for file in folder.glob("*/*/*tfevents*")})
        several = f" There are: {', '.join(runs)}." if runs else ""
        raise FileFormatError(
            f"replay(..., {str(folder)!r}): no curve of epochs is in this folder. It is the "
            "log_dir of a TensorBoard callback, with the folders 'train' and 'validation'."
            f"{several}"
        )
    unit = "epoch" if any(kind == "epoch" for kind, _ in rows) else "step"
    return [{unit: place, **rows[kind, place]} for kind, place in sorted(rows) if kind == unit]


def _curves(folder: Path) -> Iterator[tuple[str, list[tuple[int, float]]]]:
    """Each curve of the event files in `folder`, as points of a step and a value."""
    if not any(folder.glob("*tfevents*")):
        return
    try:
        from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
        from tensorboard.util.tensor_util import make_ndarray
    except ImportError as error:
        raise MissingPackageError(
            "replay(...) reads a folder of TensorBoard with tensorboard, which is not installed. "
            'Install it with: pip install "onfit[tensorboard]"',
            name="tensorboard",
        ) from error
    events = EventAccumulator(str(folder), size_guidance={"scalars": 0, "tensors": 0}).Reload()
    tags = events.Tags()
    for tag in tags["scalars"]:
        yield tag, [(each.step, each.value) for each in events.Scalars(tag)]
    for tag in filter(_TAG.fullmatch, tags["tensors"]):  # Keras writes them as tensors
        arrays = [(each.step, make_ndarray(each.tensor_proto)) for each in events.Tensors(tag)]
        yield tag, [(step, array.item()) for step, array in arrays if array.size == 1]
