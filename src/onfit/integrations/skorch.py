"""onfit's callbacks in the training of skorch's nets."""

from collections.abc import Iterator
from typing import Any

from skorch.callbacks import Callback

from onfit._types import Callbacks
from onfit.core.sizes import batch_size
from onfit.integrations.hosting import Hosting
from onfit.integrations.hosting.owners import SKORCH
from onfit.integrations.hosting.values import numbers_in, renamed

_COUNTS = ("epoch", "train_batch_count", "valid_batch_count")


class OnfitCallback(Hosting, Callback):
    """Calls onfit's callbacks in `net.fit` and `net.partial_fit`, where they do what they do in
    `onfit.Run`.

    `logs` have the numbers of the epoch in `net.history`: `train_loss` as `loss`, `valid_loss` as
    `val_loss`, `valid_acc` as `val_acc`, all others under their own names. What a callback of
    skorch's records is there if it stands before this one. `partial_fit` counts the epochs on.

    A stop is skorch's: a KeyboardInterrupt, which `fit` expects. skorch tells its callbacks of no
    error that comes from elsewhere: after one, no end hook is called.

    Args:
        callbacks: onfit's callbacks, called in this order.

    Attributes:
        session: the `onfit.Session` of the training.

    Raises:
        CapabilityError: for `BackupAndRestore`; and when training begins, if the module lacks what
            a callback needs.

    Example:
        >>> from onfit.callbacks import EarlyStopping
        >>> onfit_callback = OnfitCallback([EarlyStopping(patience=3)])
    """

    owner = SKORCH
    _waits = False  # whether training has begun for skorch, and not yet for the callbacks

    def __init__(self, callbacks: Callbacks) -> None:
        callbacks = list(callbacks) if isinstance(callbacks, Iterator) else callbacks
        super().__init__(callbacks)
        self.callbacks = callbacks  # scikit-learn's clone wants the object that it has passed

    def _get_param_names(self) -> list[str]:
        return ["callbacks"]  # of all attributes, what a clone is made with

    def on_train_begin(self, net: Any, X: Any = None, y: Any = None, **more: Any) -> None:  # noqa: N803
        self._waits = True  # for the callbacks after this one: LoadInitState loads the history

    def _begin(self, net: Any, first: int) -> None:
        self._waits = False
        self.begin(
            net.module_,
            optimizer=net.optimizer_,
            epochs=first + net.max_epochs,
            initial_epoch=first,
        )

    def on_train_end(self, net: Any, X: Any = None, y: Any = None, **more: Any) -> None:  # noqa: N803
        if self._waits:  # it had no epochs
            self._begin(net, len(net.history))
        if self.session.in_epoch:
            self.end_early("it was interrupted")
        self.end()

    def on_epoch_begin(self, net: Any, *data: Any, **more: Any) -> None:
        if self._waits:
            self._begin(net, len(net.history) - 1)  # skorch has made the row of this epoch
        self.session.epoch_begin()

    def on_epoch_end(self, net: Any, *data: Any, **more: Any) -> None:
        row = {name: value for name, value in net.history[-1].items() if name not in _COUNTS}
        values = renamed(numbers_in(row), {"train_": "", "valid_": "val_"})
        _stop_if(self.session.epoch_over(values))

    def on_batch_begin(self, net: Any, batch: Any = None, training: Any = None, **_: Any) -> None:
        if training:
            self.session.batch_begin(batch_size(batch))
        else:
            self.session.evaluation_begin()
            self.session.test_batch_begin(batch_size(batch))

    def on_batch_end(
        self, net: Any, batch: Any = None, training: Any = None, loss: Any = None, **_: Any
    ) -> None:
        if training:
            _stop_if(self.session.batch_end(batch_size(batch), loss=loss.detach()))
        else:
            self.session.test_batch_end(batch_size(batch))


def _stop_if(asked: bool) -> None:
    if asked:
        raise KeyboardInterrupt  # as skorch's own EarlyStopping does
