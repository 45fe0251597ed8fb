"""How many steps a training takes in a second."""

from time import perf_counter


class StepRate:
    """Measures the epoch and the batch that are under way."""

    def __init__(self) -> None:
        self._epoch_began: float | None = None
        self._batch_began: float | None = None
        self._steps_before = 0

    def begin_epoch(self, steps: int) -> None:
        """An epoch begins, after so many steps of the training."""
        self._epoch_began, self._steps_before = perf_counter(), steps

    def begin_batch(self) -> None:
        """A batch begins."""
        self._batch_began = perf_counter()

    def of_epoch(self, steps: int) -> dict[str, float]:
        """The steps a second since the epoch began; nothing if that was not told."""
        return _named(self._epoch_began, steps - self._steps_before)

    def of_batch(self) -> dict[str, float]:
        """The steps a second of the batch; nothing if its beginning was not told."""
        return _named(self._batch_began, 1)


def _named(began: float | None, steps: int) -> dict[str, float]:
    if began is None:
        return {}
    return {"steps_per_second": steps / max(perf_counter() - began, 1e-9)}
