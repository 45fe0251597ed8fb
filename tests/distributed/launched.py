"""A script that torchrun starts: it knows nothing of processes, but for the one that is killed.

Its arguments are a folder, and whether one process is killed in the middle of the training; and
"background", if that is how it is saved.
"""

import json
import os
import signal
import sys
from pathlib import Path
from typing import Any

import numpy as np

import onfit
from onfit import layers
from onfit.callbacks import BackupAndRestore, Callback, CSVLogger

DRAWN = np.random.RandomState(0)
X = DRAWN.randn(53, 4).astype("float32")
Y = (X.sum(1, keepdims=True) > 0).astype("float32")


class Dies(Callback):
    """Kills the second process, the first time that it comes to the tenth batch."""

    remembers = ()

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        first = os.environ["TORCHELASTIC_RESTART_COUNT"] == "0"
        if first and os.environ["RANK"] == "1" and self.run.progress.step == 10:
            os.kill(os.getpid(), signal.SIGKILL)


BREAKS = {"dies": [Dies()], "lives": []}


def main(folder: Path, breaks: list[Any], background: bool) -> None:
    onfit.utils.set_random_seed(7)
    model = onfit.Sequential(
        [layers.Dense(6, "relu", input_dim=4), layers.Dropout(0.3), layers.Dense(1, "sigmoid")]
    )
    model.compile("adam", "binary_crossentropy", metrics=["acc"])
    callbacks: list[Any] = [
        CSVLogger(folder / "log.csv"),
        BackupAndRestore(folder / "backup", "3 batches", background=background),
    ]
    history = model.fit(
        *(X, Y),
        batch_size=8,
        epochs=3,
        verbose=2,
        validation_data=(X, Y),
        callbacks=[*breaks, *callbacks],
    )
    found = [history.history, [weight.tolist() for weight in model.get_weights()]]
    (folder / f"found-{os.environ['RANK']}.json").write_text(json.dumps(found))


if __name__ == "__main__":
    main(Path(sys.argv[1]), BREAKS[sys.argv[2]], "background" in sys.argv[3:])
