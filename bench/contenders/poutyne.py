"""Poutyne's `Model.fit`."""

from tempfile import TemporaryDirectory
from typing import Any

from poutyne import Callback, EarlyStopping, Model, ModelCheckpoint

from bench.models.torch_net import accuracy, adam, build, loss_of, tensors
from bench.tape import Tape
from bench.workloads.workload import Workload


class Told(Callback):
    def __init__(self, tape: Tape) -> None:
        super().__init__()
        self.tape = tape

    def on_epoch_end(self, epoch_number: int, logs: dict[str, Any]) -> None:
        self.tape.epoch(logs["loss"])


def train(workload: Workload, tape: Tape, *, epochs: int, shuffle: bool) -> None:
    net = build(workload)
    model = Model(net, adam(workload, net), loss_of(workload), batch_metrics=[accuracy])
    with TemporaryDirectory() as folder:
        model.fit(
            *tensors(workload.x, workload.y),
            validation_data=tensors(*workload.validation) if workload.validation else None,
            epochs=epochs,
            batch_size=workload.batch,
            dataloader_kwargs={"shuffle": shuffle},
            verbose=False,
            callbacks=[*watchers(workload, folder), Told(tape)],
        )


def watchers(workload: Workload, folder: str) -> list[Callback]:
    if workload.validation is None:
        return []
    by_accuracy = workload.saves_best == "acc"
    keep = ModelCheckpoint(
        f"{folder}/best.pt",
        monitor="val_accuracy" if by_accuracy else "val_loss",
        mode="max" if by_accuracy else "min",
        save_best_only=True,
    )
    return [EarlyStopping(monitor="val_loss", patience=10**6), keep]
