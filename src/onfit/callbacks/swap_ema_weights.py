"""SwapEMAWeights: validate, and save, with the moving average of the weights."""

from collections.abc import Iterable
from typing import Any

from onfit.core.callback import Callback, Logs
from onfit.core.faces import HasLearningRate, Need
from onfit.core.representation import checked_arguments
from onfit.errors import ArgumentError, CapabilityError


class SwapEMAWeights(Callback):
    """Puts the moving average of the weights into the model while it is measured.

    The optimizer keeps the average: `SGD(use_ema=True)`. Weights and average change places before a
    validation, an evaluation or a prediction, and back after it.

    Args:
        swap_on_epoch: also have the average in the model from the end of each epoch to the start
            of the next, for the callbacks after this one, such as `ModelCheckpoint`.

    Raises:
        ArgumentError: when training begins, if the optimizer keeps no average.
        CapabilityError: if it is one of another library's, which keeps it in its own way.

    Example:
        >>> swap = SwapEMAWeights(swap_on_epoch=True)
    """

    remembers = ()

    @checked_arguments
    def __init__(self, swap_on_epoch: bool = False) -> None:
        self.swap_on_epoch = swap_on_epoch
        self._swapped_here = False  # by this test or prediction, which swaps back

    def needs(self) -> Iterable[Need]:
        yield Need(HasLearningRate)

    def on_train_begin(self, logs: Logs | Any = None) -> None:
        self._swapped_here = False
        self._optimizer()

    def on_epoch_begin(self, epoch: int, logs: Logs | Any = None) -> None:
        if self.swap_on_epoch and self._optimizer().swapped:
            self._optimizer().swap_average()

    def on_epoch_end(self, epoch: int, logs: Logs | Any = None) -> None:
        if self.swap_on_epoch and not self._optimizer().swapped:
            self._optimizer().swap_average()

    def on_test_begin(self, logs: Logs | Any = None) -> None:
        self._begin()

    def on_test_end(self, logs: Logs | Any = None) -> None:
        self._end()

    def on_predict_begin(self, logs: Logs | Any = None) -> None:
        self._begin()

    def on_predict_end(self, logs: Logs | Any = None) -> None:
        self._end()

    def _begin(self) -> None:
        if not self._optimizer().swapped:
            self._optimizer().swap_average()
            self._swapped_here = True

    def _end(self) -> None:
        if self._swapped_here:
            self._optimizer().swap_average()
            self._swapped_here = False

    def _optimizer(self) -> Any:
        optimizer = self.model.optimizer
        if not getattr(optimizer, "use_ema", False):
            raise ArgumentError(
                "SwapEMAWeights must be used when `use_ema=True` is set in the optimizer: it swaps "
                f"the weights and their moving average, and this {type(optimizer).__name__} keeps "
                "none. Compile the model with an optimizer that does, such as Adam(use_ema=True)."
            )
        if not hasattr(optimizer, "swap_average"):
            kind = type(optimizer)
            raise CapabilityError(
                f"SwapEMAWeights swaps what onfit's optimizers keep, and {kind.__module__}."
                f"{kind.__name__} is none of them. Where Keras trains its own model, pass "
                "keras.callbacks.SwapEMAWeights."
            )
        return optimizer
