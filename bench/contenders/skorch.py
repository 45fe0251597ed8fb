"""skorch's `NeuralNet`, with its default batches."""

from tempfile import TemporaryDirectory
from typing import Any

import torch
from skorch import NeuralNet
from skorch.callbacks import Callback, Checkpoint, EarlyStopping, PassthroughScoring
from skorch.dataset import Dataset
from skorch.helper import predefined_split
from torch import Tensor

from bench.models.torch_net import accuracy, build, loss_module, tensors
from bench.tape import Tape
from bench.workloads.workload import EPSILON, Workload


class Net(NeuralNet):
    """Records each batch's accuracy beside its loss."""

    def train_step_single(self, batch: Any, **fit_params: Any) -> dict[str, Any]:
        return self.recorded("train_acc", batch, super().train_step_single(batch, **fit_params))

    def validation_step(self, batch: Any, **fit_params: Any) -> dict[str, Any]:
        return self.recorded("valid_acc", batch, super().validation_step(batch, **fit_params))

    def recorded(self, name: str, batch: list[Tensor], step: dict[str, Any]) -> dict[str, Any]:
        self.history.record_batch(name, accuracy(step["y_pred"], batch[1]).item())
        return step


class Told(Callback):
    def __init__(self, tape: Tape) -> None:
        self.tape = tape

    def on_epoch_end(self, net: NeuralNet, **kwargs: Any) -> None:
        self.tape.epoch(net.history[-1, "train_loss"])


def train(workload: Workload, tape: Tape, *, epochs: int, shuffle: bool) -> None:
    with TemporaryDirectory() as folder:
        net = Net(
            build(workload),
            criterion=loss_module(workload),
            optimizer=torch.optim.Adam,
            optimizer__eps=EPSILON,
            optimizer__fused=True,
            lr=workload.rate,
            max_epochs=epochs,
            batch_size=workload.batch,
            iterator_train__shuffle=shuffle,
            train_split=held_out(workload),
            callbacks=[
                ("acc", PassthroughScoring("train_acc", lower_is_better=False, on_train=True)),
                *watchers(workload, folder),
                ("told", Told(tape)),
            ],
            callbacks__print_log=None,
        )
        net.fit(*tensors(workload.x, workload.y))


def held_out(workload: Workload) -> Any:
    if workload.validation is None:
        return None
    return predefined_split(Dataset(*tensors(*workload.validation)))


def watchers(workload: Workload, folder: str) -> list[tuple[str, Callback]]:
    if workload.validation is None:
        return []
    path = f"{folder}/best.pt"
    keep = Checkpoint(
        f"valid_{workload.saves_best}_best",
        f_params=path,
        f_optimizer=None,
        f_criterion=None,
        f_history=None,
    )
    return [
        ("valid_acc", PassthroughScoring("valid_acc", lower_is_better=False)),
        ("stop", EarlyStopping("valid_loss", patience=10**6, sink=_silent)),
        ("keep", keep),
    ]


def _silent(text: str) -> None:
    """A sink for the messages of skorch's callbacks."""
