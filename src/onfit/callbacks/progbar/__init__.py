"""ProgbarLogger: a progress bar, and the metrics after it."""

from onfit.callbacks.progbar.callback import ProgbarLogger

__all__ = ["ProgbarLogger"]
