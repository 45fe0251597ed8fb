"""ProgbarLogger: a progress bar, and the metrics behind it."""

from onfit.callbacks.progbar.callback import ProgbarLogger

__all__ = ["ProgbarLogger"]
