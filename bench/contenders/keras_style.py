"""Training with Keras' names: the same code runs on onfit and on Keras."""

from importlib import import_module
from tempfile import TemporaryDirectory
from types import ModuleType
from typing import Any

from bench.contenders import CONTENDERS
from bench.models import keras_net
from bench.tape import Tape
from bench.workloads.workload import Workload


def train(
    library: ModuleType,
    workload: Workload,
    tape: Tape,
    *,
    epochs: int,
    shuffle: bool,
    **checkpoint: Any,
) -> None:
    """Train it; `checkpoint` holds more arguments of its ModelCheckpoint."""
    model = keras_net.build(workload, library)
    with TemporaryDirectory() as folder:
        model.fit(
            workload.x,
            workload.y,
            batch_size=workload.batch,
            epochs=epochs,
            shuffle=shuffle,
            verbose=0,
            callbacks=[*watchers(library, workload, folder, checkpoint), told(library, tape)],
            **validation(workload),
        )


def library_of(contender: str) -> ModuleType:
    """The library of a contender that uses Keras' names, with all modules imported."""
    name = CONTENDERS[contender].module
    return getattr(import_module(f"bench.contenders.{name}"), name)


def validation(workload: Workload) -> dict[str, Any]:
    if workload.validation is None:
        return {}
    return {
        "validation_data": workload.validation,
        "validation_batch_size": len(workload.validation[0]),
    }


def watchers(
    library: ModuleType, workload: Workload, folder: str, checkpoint: dict[str, Any]
) -> list[Any]:
    """Early stopping that never stops, and a checkpoint of the best weights so far."""
    if workload.validation is None:
        return []
    stop = library.callbacks.EarlyStopping(monitor="val_loss", patience=10**6)
    keep = library.callbacks.ModelCheckpoint(
        f"{folder}/best.weights.h5",
        monitor=f"val_{workload.saves_best}",
        mode="max" if workload.saves_best == "acc" else "min",
        save_best_only=True,
        save_weights_only=True,
        **checkpoint,
    )
    return [stop, keep]


def told(library: ModuleType, tape: Tape) -> Any:
    return library.callbacks.LambdaCallback(
        on_epoch_end=lambda epoch, logs: tape.epoch(logs["loss"])
    )
