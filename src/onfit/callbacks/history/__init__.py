"""History: keeps the logs of every epoch."""

from onfit.callbacks.history.callback import History

__all__ = ["History"]
