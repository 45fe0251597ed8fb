"""Loggers that begin, write, and go on; and what is in their files."""

import csv
from pathlib import Path

from onfit.callbacks import CSVLogger


def begin(path, params=None, **arguments) -> CSVLogger:
    logger = CSVLogger(path, **arguments)
    logger.set_params(params or {})
    logger.on_train_begin({})
    return logger


def write(logger, *epochs, first=0) -> CSVLogger:
    for epoch, logs in enumerate(epochs, start=first):
        logger.on_epoch_end(epoch, logs)
    return logger


def text(path: Path) -> str:
    return path.read_bytes().decode()


def rows(path: Path) -> list[dict[str, str]]:
    with open(path, newline="") as file:
        return list(csv.DictReader(file))


def resumed(path, state, **arguments) -> CSVLogger:
    logger = begin(path, **arguments)
    logger.load_state_dict(state)
    return logger
