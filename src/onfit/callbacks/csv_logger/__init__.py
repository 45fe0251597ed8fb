"""CSVLogger: a CSV file with a line for every epoch."""

from onfit.callbacks.csv_logger.callback import CSVLogger

__all__ = ["CSVLogger"]
