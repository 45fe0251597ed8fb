"""A recording of some batches with the profiler."""

from collections.abc import Sequence
from contextlib import ExitStack
from typing import Any

from onfit.errors import ArgumentError


class Profile:
    """Records with the profiler from the beginning of one batch to the end of another.

    Args:
        batches: the first and the last batch, counted from 1.
    """

    def __init__(self, batches: tuple[int, int]) -> None:
        self._first, self._last = batches
        self._recording = ExitStack()
        self._begun = False

    def begin(self, model: Any, batch: int, folder: str) -> None:
        """Batch number `batch` starts; a trace goes to `folder`."""
        if not self._begun and self._first <= batch <= self._last:
            self._begun = True
            self._recording.enter_context(model.profiled(folder))

    def end(self, batch: int) -> None:
        """Batch number `batch` is over."""
        if batch >= self._last:
            self.close()

    def close(self) -> None:
        """Stop recording, and write the trace if there is one."""
        self._recording.close()


def batches_of(profile_batch: int | str | Sequence[int]) -> tuple[int, int] | None:
    """The first and the last batch to profile; None if no batch is to be profiled.

    >>> batches_of(3), batches_of("10,20"), batches_of(0)
    ((3, 3), (10, 20), None)

    Raises:
        ArgumentError: for a value that does not name batches.
    """
    try:
        first, last = _read(profile_batch)
    except (TypeError, ValueError):
        first = last = -1
    if (first, last) == (0, 0):
        return None
    if not 1 <= first <= last:
        raise ArgumentError(
            f"TensorBoard(profile_batch={profile_batch!r}): it is the number of a batch, counted "
            "from 1 over the whole training, or the first and the last such as (10, 20) or "
            "'10,20'; 0 is off."
        )
    return first, last


def _read(given: Any) -> tuple[int, int]:
    if isinstance(given, bool):
        raise TypeError("a flag is no batch")
    numbers = given.split(",") if isinstance(given, str) else given
    numbers = [numbers] if hasattr(numbers, "__index__") else list(numbers)
    first, last = map(int, numbers if len(numbers) == 2 else [*numbers, *numbers])
    return first, last
