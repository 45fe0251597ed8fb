"""A program: `keras.Model.fit` with onfit's callbacks beside Keras' own; prints what each leaves.

Run with KERAS_BACKEND set, in an empty folder. It prints JSON, with two outcomes for each case.
"""

import json
import os
import sys
import warnings
from pathlib import Path
from typing import Any

import keras
import numpy as np

from onfit import callbacks

# Keras' variables turn into arrays in a way that numpy 2 deprecates.
warnings.simplefilter("ignore", DeprecationWarning)

DRAW = np.random.default_rng(0)
X = DRAW.normal(size=(40, 4)).astype("float32")
Y = X.sum(1, keepdims=True)


def stopping(lib: Any) -> Any:
    return lib.EarlyStopping(patience=1, min_delta=0.1, restore_best_weights=True)


def best_model(lib: Any) -> Any:
    return lib.ModelCheckpoint("best.keras", save_best_only=True)


def best_weights(lib: Any) -> Any:
    name = "{epoch:02d}.weights.h5"
    return lib.ModelCheckpoint(name, save_best_only=True, save_weights_only=True)


def csv(lib: Any) -> Any:
    return lib.CSVLogger("log.csv")


def reducing(lib: Any) -> Any:
    return lib.ReduceLROnPlateau(factor=0.5, patience=1, min_delta=0.1)


def scheduling(lib: Any) -> Any:
    return lib.LearningRateScheduler(lambda epoch, rate: rate * 0.9)


def functions(lib: Any) -> Any:
    seen: list[Any] = []
    callback = lib.LambdaCallback(
        on_train_begin=lambda logs: seen.append("begin"),
        on_train_batch_end=lambda batch, logs: seen.append([batch, float(logs["loss"])]),
        on_epoch_end=lambda epoch, logs: seen.append(sorted(logs)),
    )
    callback.seen = seen
    return callback


def hooks_of_batches(lib: Any) -> Any:
    class Own(lib.Callback):
        def on_train_begin(self, logs: Any = None) -> None:
            self.seen: list[Any] = []

        def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
            kernel = np.asarray(self.model.get_weights()[0])
            self.seen.append([batch, float(logs["loss"]), float(np.abs(kernel).sum())])

        def on_test_batch_end(self, batch: int, logs: Any = None) -> None:
            self.seen.append(batch)

    return Own()


def stop_at_a_batch(lib: Any) -> Any:
    class Own(lib.Callback):
        def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
            self.model.stop_training = batch == 2

    return Own()


CASES = [
    stopping,
    best_model,
    best_weights,
    csv,
    reducing,
    scheduling,
    functions,
    hooks_of_batches,
    stop_at_a_batch,
]


def model() -> Any:
    keras.utils.set_random_seed(1)
    made = keras.Sequential([keras.Input((4,)), keras.layers.Dense(8, activation="tanh")])
    made.add(keras.layers.Dense(1))
    made.compile(keras.optimizers.SGD(0.05), "mse", metrics=["mae"])
    return made


def outcome(callback: Any, folder: str) -> dict[str, Any]:
    """What a training with this callback leaves behind."""
    os.makedirs(folder)
    os.chdir(folder)
    trained = model()
    fit = {"validation_split": 0.25, "epochs": 6, "batch_size": 8, "verbose": 0}
    history = trained.fit(X, Y, callbacks=[callback], **fit).history
    files = sorted(name for name in os.listdir() if name != "log.csv")
    lines = Path("log.csv").read_text() if os.path.exists("log.csv") else ""
    os.chdir("../..")
    return {
        "history": {name: np.asarray(values).tolist() for name, values in history.items()},
        "weights": [weight.tolist() for weight in trained.get_weights()],
        "rate": float(trained.optimizer.learning_rate),
        "seen": getattr(callback, "seen", None),
        "files": files,
        "lines": lines,
    }


def event_files() -> list[str]:
    """The folders that onfit's TensorBoard writes: Keras' own needs TensorFlow."""
    model().fit(
        X,
        Y,
        validation_split=0.25,
        verbose=0,
        callbacks=[callbacks.TensorBoard("tb", update_freq="batch")],
    )
    return sorted(os.listdir("tb"))


def main() -> None:
    found: dict[str, Any] = {
        case.__name__: [
            outcome(case(lib), f"{case.__name__}/{number}")
            for number, lib in enumerate((keras.callbacks, callbacks))
        ]
        for case in CASES
    }
    printed = {"cases": found, "tb": event_files(), "backend": keras.backend.backend()}
    sys.stdout.write(f"{json.dumps(printed)}\n")


if __name__ == "__main__":
    main()
