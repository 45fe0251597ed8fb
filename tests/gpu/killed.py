"""A training with dropout that kills itself at a batch: `python -m tests.gpu.killed`."""

import hashlib
import os
import signal
import sys
import warnings
from typing import Any

import torch
from tests.gpu.trainings import X, Y

from onfit import Sequential, layers
from onfit.callbacks import BackupAndRestore, Callback
from onfit.utils import set_random_seed


class Kill(Callback):
    """Kills the process at the end of a batch, counted over all epochs."""

    remembers = ("seen",)

    def __init__(self, at: int) -> None:
        self.at, self.seen = at, 0

    def on_batch_end(self, batch: int, logs: Any = None) -> None:
        self.seen += 1
        if self.seen == self.at:
            os.kill(os.getpid(), signal.SIGKILL)


def main(folder: str, policy: str, kill_at: int) -> None:
    """Train, and print a digest of the weights and the history."""
    torch.use_deterministic_algorithms(True)
    set_random_seed(0)
    first = layers.Dense(32, activation="relu", input_shape=(20,))
    more = [layers.Dropout(0.5), layers.BatchNormalization(), layers.Dense(2, activation="softmax")]
    model = Sequential([first, *more])
    model.compile("adam", "sparse_categorical_crossentropy", ["acc"], mixed_precision=policy)
    callbacks = [Kill(kill_at), BackupAndRestore(folder, save_freq="5 batches")]
    history = model.fit(X, Y, 32, 4, 0, callbacks).history
    digest = hashlib.sha256()
    for weight in model.get_weights():
        digest.update(weight.tobytes())
    scale = getattr(model.optimizer, "dynamic_scale", None)
    print(model.device, digest.hexdigest(), history, scale)


if __name__ == "__main__":
    warnings.filterwarnings("ignore", "Kill/0 was made with")  # the next start kills nothing
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]))
