"""Lightning's `Trainer`, with everything off that the workload does not need."""

import logging
from tempfile import TemporaryDirectory
from typing import Any

import torch
from lightning import Callback, LightningModule, Trainer
from lightning.pytorch.callbacks import EarlyStopping, ModelCheckpoint
from torch import Tensor

from bench.models.torch_net import accuracy, adam, build, loader, loss_of, validation_loader
from bench.tape import Tape
from bench.workloads.workload import Workload

logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)


class Classifier(LightningModule):
    def __init__(self, workload: Workload) -> None:
        super().__init__()
        self.workload = workload
        self.net = build(workload)
        self.loss = loss_of(workload)

    def measure(self, batch: list[Tensor], prefix: str) -> Tensor:
        x, y = batch
        output = self.net(x)
        loss = self.loss(output, y)
        measured = {f"{prefix}loss": loss, f"{prefix}acc": accuracy(output, y)}
        self.log_dict(measured, on_step=False, on_epoch=True, batch_size=len(x))
        return loss

    def training_step(self, batch: list[Tensor]) -> Tensor:
        return self.measure(batch, "")

    def validation_step(self, batch: list[Tensor]) -> None:
        self.measure(batch, "val_")

    def configure_optimizers(self) -> torch.optim.Optimizer:
        return adam(self.workload, self.net)


class Told(Callback):
    def __init__(self, tape: Tape) -> None:
        self.tape = tape

    def on_train_epoch_end(self, trainer: Trainer, module: LightningModule) -> None:
        self.tape.epoch(trainer.callback_metrics["loss"])


def train(
    workload: Workload,
    tape: Tape,
    *,
    epochs: int,
    shuffle: bool,
    callbacks: tuple[Callback, ...] = (),
) -> None:
    with TemporaryDirectory() as folder:
        trainer = Trainer(
            accelerator="cpu",
            max_epochs=epochs,
            logger=False,
            enable_checkpointing=workload.validation is not None,
            enable_progress_bar=False,
            enable_model_summary=False,
            num_sanity_val_steps=0,
            default_root_dir=folder,
            callbacks=[*watchers(workload, folder), *callbacks, Told(tape)],
        )
        trainer.fit(Classifier(workload), loader(workload, shuffle), validation_loader(workload))


def watchers(workload: Workload, folder: str) -> list[Any]:
    if workload.validation is None:
        return []
    keep = ModelCheckpoint(
        folder,
        monitor=f"val_{workload.saves_best}",
        mode="max" if workload.saves_best == "acc" else "min",
        save_weights_only=True,
    )
    return [EarlyStopping("val_loss", patience=10**6), keep]
