"""Ignite's supervised trainer and evaluator, with its metrics and handlers."""

from collections.abc import Callable
from tempfile import TemporaryDirectory
from typing import Any

from ignite.engine import Engine, Events, create_supervised_evaluator, create_supervised_trainer
from ignite.handlers import Checkpoint, DiskSaver, EarlyStopping
from ignite.metrics import Accuracy, Average, Loss
from torch import Tensor, nn

from bench.models.torch_net import adam, build, loader, loss_module, validation_loader
from bench.tape import Tape
from bench.workloads.workload import Workload


def train(workload: Workload, tape: Tape, *, epochs: int, shuffle: bool) -> None:
    net = build(workload)
    criterion = loss_module(workload)
    trainer = create_supervised_trainer(
        net,
        adam(workload, net),
        criterion,
        output_transform=lambda x, y, output, loss: (output, y, loss.item()),
    )
    Average(lambda output: output[2]).attach(trainer, "loss")
    Accuracy(labels(workload)).attach(trainer, "acc")
    with TemporaryDirectory() as folder:
        watch(workload, trainer, net, criterion, folder)
        trainer.add_event_handler(
            Events.EPOCH_COMPLETED, lambda engine: tape.epoch(engine.state.metrics["loss"])
        )
        trainer.run(loader(workload, shuffle), max_epochs=epochs)


def labels(workload: Workload) -> Callable[[Any], tuple[Tensor, Tensor]]:
    """The output in the form that Ignite's accuracy needs; if there are two classes, as 0 and 1."""

    def transform(output: Any) -> tuple[Tensor, Tensor]:
        prediction, y = output[:2]
        return ((prediction > 0).long(), y.long()) if workload.binary else (prediction, y)

    return transform


def watch(
    workload: Workload, trainer: Engine, net: nn.Module, criterion: nn.Module, folder: str
) -> None:
    """Evaluate after each epoch, for early stopping and the checkpoint."""
    batches = validation_loader(workload)
    if batches is None:
        return
    metrics = {"loss": Loss(criterion), "acc": Accuracy(labels(workload))}
    evaluator = create_supervised_evaluator(net, metrics)
    trainer.add_event_handler(Events.EPOCH_COMPLETED, lambda engine: evaluator.run(batches))

    def score(engine: Engine) -> float:
        value = engine.state.metrics[workload.saves_best]
        return value if workload.saves_best == "acc" else -value

    keep = Checkpoint({"net": net}, DiskSaver(folder), n_saved=1, score_function=score)
    stop = EarlyStopping(10**6, lambda engine: -engine.state.metrics["loss"], trainer)
    evaluator.add_event_handler(Events.COMPLETED, keep)
    evaluator.add_event_handler(Events.COMPLETED, stop)
