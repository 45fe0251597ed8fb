"""onfit's callbacks in the training of skorch's nets."""

from collections.abc import Iterator
from numbers import Real
from typing import Any

from skorch.callbacks import Callback

from onfit._types import Callbacks
from onfit.core.sizes import batch_size
from onfit.integrations.hosted import SelfEnding, listeners_for

_OWNER = "skorch"
_INSTEAD = (
    "use skorch's Checkpoint and LoadInitState, or call net.load_params and then net.partial_fit"
)
_COUNTS = ("epoch", "train_batch_count", "valid_batch_count")


class OnfitCallback(Callback):
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

    session_: SelfEnding  # with "_" it is no parameter, for scikit-learn

    def __init__(self, callbacks: Callbacks) -> None:
        # scikit-learn's clone wants the object that it has passed.
        self.callbacks = list(callbacks) if isinstance(callbacks, Iterator) else callbacks
        listeners_for(self.callbacks, _OWNER, _INSTEAD)

    @property
    def session(self) -> SelfEnding:
        """The `onfit.Session` of the training."""
        return self.session_

    def __getstate__(self) -> dict[str, Any]:
        return {"callbacks": self.callbacks}

    def on_train_begin(self, net: Any, X: Any = None, y: Any = None, **more: Any) -> None:  # noqa: N803
        first = len(net.history)
        self.session_ = SelfEnding(
            net.module_,
            listeners_for(self.callbacks, _OWNER, _INSTEAD),
            optimizer=net.optimizer_,
            epochs=first + net.max_epochs,
            initial_epoch=first,
        )
        self.session_.train_begin()

    def on_train_end(self, net: Any, X: Any = None, y: Any = None, **more: Any) -> None:  # noqa: N803
        if self.session_.in_epoch and not self.session_.stopping:
            self.session_.stop("it was interrupted", by="skorch")
        if self.session_.training:  # an interrupt in a callback has ended it
            self.session_.train_end()

    def on_epoch_begin(self, net: Any, *data: Any, **more: Any) -> None:
        self.session_.epoch_begin()

    def on_epoch_end(self, net: Any, *data: Any, **more: Any) -> None:
        row = net.history[-1].items()
        numbers = {k: v for k, v in row if _is_number(v) and k not in _COUNTS}
        results = {k[6:]: v for k, v in numbers.items() if k.startswith("valid_")}
        if results:
            self.session_.evaluation_end(results)
            self.session_.validated(**results)
        rest = {k: v for k, v in numbers.items() if not k.startswith("valid_")}
        _stop_if(self.session_.epoch_end(**{k.removeprefix("train_"): rest[k] for k in rest}))

    def on_batch_begin(self, net: Any, batch: Any = None, training: Any = None, **_: Any) -> None:
        if training:
            self.session_.batch_begin(batch_size(batch))
        else:
            self.session_.evaluation_begin()
            self.session_.test_batch_begin(batch_size(batch))

    def on_batch_end(
        self, net: Any, batch: Any = None, training: Any = None, loss: Any = None, **_: Any
    ) -> None:
        if training:
            _stop_if(self.session_.batch_end(batch_size(batch), loss=loss.detach()))
        else:
            self.session_.test_batch_end(batch_size(batch))


def _is_number(value: Any) -> bool:
    return isinstance(value, Real) and not isinstance(value, bool)


def _stop_if(asked: bool) -> None:
    if asked:
        raise KeyboardInterrupt  # as skorch's own EarlyStopping does
