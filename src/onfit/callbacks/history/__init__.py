"""History: every epoch's logs, kept."""

from onfit.callbacks.history.callback import History

__all__ = ["History"]
