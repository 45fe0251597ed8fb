"""Whether another callback of a training writes the file of a `CSVLogger`, too."""

import os
from typing import TYPE_CHECKING

from onfit.errors import ArgumentError
from onfit.storage.durable import absolute

if TYPE_CHECKING:
    from onfit.callbacks.csv_logger.callback import CSVLogger


def require_alone(logger: "CSVLogger") -> None:
    """Check that no other callback of the training writes the file: its lines would be mixed, or
    lost.

    Raises:
        ArgumentError: if one does.
    """
    session = logger._session
    for other in () if session is None else session.callbacks:
        for name in ("filename", "filepath"):
            path = getattr(other, name, None)
            if other is logger or not isinstance(path, (str, os.PathLike)):
                continue
            if absolute(path) == absolute(logger.filename):
                kind = type(other).__name__
                raise ArgumentError(
                    f"CSVLogger(filename={logger.filename!r}): {kind}({name}={path!r}) is in the "
                    "same list and writes the same file. Give each a file of its own, or leave "
                    "one of them out."
                )
