"""History: every epoch's logs, kept."""

from typing import TYPE_CHECKING, Any

from onfit.core.aliases import AliasDict
from onfit.core.callback import Callback, Logs

if TYPE_CHECKING:
    from matplotlib.figure import Figure


class History(Callback):
    """Keeps what every epoch logged. Every `fit` has one, and returns it.

    Attributes:
        epoch: the indices of the epochs, counted from 0.
        history: dict of lists, one value an epoch. A name is found by its aliases too, so
            `history["acc"]` reads what was logged as `accuracy`. A name that some epoch did
            not log (`validation_freq`) has a shorter list.

    Example:
        >>> history = History()
        >>> history.on_epoch_end(0, {"loss": 0.5})
        >>> history.history
        {'loss': [0.5]}
    """

    def __init__(self) -> None:
        self.epoch: list[int] = []
        self.history: dict[str, list[Any]] = AliasDict()

    def on_train_begin(self, logs: Logs | None = None) -> None:
        self.epoch = []
        self.history = AliasDict()

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        self.epoch.append(epoch)
        for name, value in (logs or {}).items():
            # Under the name as logged: an alias is for reading only.
            self.history.setdefault(name, []).append(value)
