"""The files of the best models: which of them stay, and the notes that say how good each one is."""

import math
import os
import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from onfit.callbacks.model_checkpoint.name import CheckpointName
from onfit.core.aliases import other_names
from onfit.core.judging.objective import Objective
from onfit.errors import ArgumentError, OnfitError, warn

Files = list[tuple[float, str]]
_KEY = "ModelCheckpoint"  # the key of these notes in a file


class BestFiles:
    """The files of the best values so far, at most `keep` of them.

    Args:
        keep: how many files stay; None if all stay.
        owner: the name of the callback, for the error.

    Attributes:
        files: pairs of a value and the path of the model that has it, the oldest first.

    Example:
        >>> best, lower = BestFiles(2, "ModelCheckpoint"), Objective("min")
        >>> for value in (0.5, 0.3, 0.4):
        ...     best.files = best.with_one_more(value, f"{value}.h5", lower)
        >>> best.files
        [(0.3, '0.3.h5'), (0.4, '0.4.h5')]
        >>> best.admits(0.6, "0.6.h5", lower)
        False
    """

    def __init__(self, keep: int | None, owner: str) -> None:
        if keep is not None and (isinstance(keep, bool) or not isinstance(keep, int) or keep < 1):
            raise ArgumentError(
                f"{owner}(keep={keep!r}): keep is how many of the best files stay, 1 or more; "
                "None keeps all."
            )
        self.keep = keep
        self.files: Files = []

    def admits(self, value: float, path: str, objective: Objective) -> bool:
        """Whether a file of this value would be among the best; not for NaN, and not for a tie."""
        if self.keep is None or math.isnan(value):
            return False
        there = [kept for kept in self.files if kept[1] == path]
        rivals = there or (self.files if len(self.files) >= self.keep else [])
        return not rivals or objective.better(value, _worst(rivals, objective)[0])

    def load(self, files: Iterable[tuple[float, str]], name: CheckpointName) -> None:
        """Go on from the files in a saved state: those that `name` can have. The next save may
        remove one, and what another name has is none of this callback's.
        """
        self.files = [(float(value), path) for value, path in files if name.could_be(path)]

    def recall(
        self, paths: Iterable[str], record: "BestRecord", best: float | None
    ) -> float | None:
        """Add the files of an earlier training whose notes hold their values. The next save removes
        those that are too many. Returns the best of their values and of `best`.
        """
        for path in paths:
            value = record.value_in(path)
            if value is not None and self.keep is not None:
                self.files = self._with(value, path)
            if value is not None and record.objective.better(value, best):
                best = value
        return best

    def not_in(self, stay: Files) -> list[str]:
        """The paths of the files that are not in `stay`."""
        staying = {path for _, path in stay}
        return [path for _, path in self.files if path not in staying]

    def with_one_more(self, value: float, path: str, objective: Objective) -> Files:
        """The files that stay after a file of `value` is written at `path`."""
        if self.keep is None:
            return []
        files = self._with(value, path)
        while len(files) > self.keep:
            files.remove(_worst(files, objective))
        return files

    def _with(self, value: float, path: str) -> Files:
        return [kept for kept in self.files if kept[1] != path] + [(value, path)]


def _worst(files: Files, objective: Objective) -> tuple[float, str]:
    """The file with the worst value; of equal ones the newest, since a tie is not better."""
    worst = files[0]
    for kept in files[1:]:
        if not objective.better(kept[0], worst[0]):
            worst = kept
    return worst


@dataclass(frozen=True)
class BestRecord:
    """Makes and reads the notes in a file of the best model: they hold the model's value.

    Args:
        monitor: the name of the quantity.
        objective: says whether one value is better than another.
        model: the model that is saved; its `notes_in(path)`, if it has one, reads notes.
        folder: what relative paths begin from.
    """

    monitor: str
    objective: Objective
    model: Any
    folder: str = ""

    def notes(self, value: float) -> dict[str, Any]:
        """The notes for a file of this value."""
        mode = self.objective.mode
        facts = {"monitor": self.monitor, "mode": mode, "weights": self._weights()}
        return {_KEY: {**facts, "value": value}}

    def value_in(self, path: str) -> float | None:
        """The value in the file at `path`; None if there is none to compare with this model's.

        The user gets a warning about a file that cannot be read.
        """
        path = os.path.join(self.folder, path)
        notes_in = getattr(self.model, "notes_in", None)
        if notes_in is None or not os.path.exists(path):
            return None
        try:
            record = notes_in(path).get(_KEY)
        except OnfitError as error:
            warn(f"ModelCheckpoint could not read how good {path!r} is: {error}")
            return None
        return float(record["value"]) if self._compares(record) else None

    def _compares(self, record: Any) -> bool:
        """Whether `record` is a note of this class, about the same quantity of the same weights."""
        if not isinstance(record, dict) or not isinstance(record.get("value"), float | int):
            return False
        names = (self.monitor, *other_names(self.monitor))
        return (
            record.get("monitor") in names
            and record.get("mode") == self.objective.mode
            and record.get("weights") == self._weights()
            and not math.isnan(record["value"])
        )

    def _weights(self) -> str:
        """A checksum of the shapes of all weights."""
        named: Any = getattr(self.model, "named_weights", list)()
        shapes = [tuple(weight.shape) for _, weight in named]
        return f"{zlib.crc32(repr(shapes).encode()):08x}"
