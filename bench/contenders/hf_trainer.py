"""The Trainer of Hugging Face's transformers around a net that is no transformer."""

from tempfile import TemporaryDirectory
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.data import Dataset, SequentialSampler
from transformers import Trainer, TrainerCallback, TrainingArguments
from transformers.trainer_callback import PrinterCallback

from bench.models.torch_net import adam, build, hits, loss_of, tensors
from bench.tape import Tape
from bench.workloads.workload import Workload


class Rows(Dataset):
    def __init__(self, x: Tensor, y: Tensor) -> None:
        self.x, self.y = x, y

    def __len__(self) -> int:
        return len(self.x)

    def __getitem__(self, row: int) -> dict[str, Tensor]:
        return {"x": self.x[row], "labels": self.y[row]}


class Classifier(nn.Module):
    """A model as the Trainer needs it: with a loss among its outputs."""

    def __init__(self, workload: Workload) -> None:
        super().__init__()
        self.net = build(workload)
        self.loss = loss_of(workload)
        self.right = torch.zeros(())

    def forward(self, x: Tensor, labels: Tensor) -> dict[str, Tensor]:
        output = self.net(x)
        self.right += hits(output.detach(), labels)
        return {"loss": self.loss(output, labels), "logits": output}


class InOrder(Trainer):
    def _get_train_sampler(self, *args: Any, **kwargs: Any) -> SequentialSampler:
        return SequentialSampler(self.train_dataset)


class Told(TrainerCallback):
    """Calls the tape at each log: the mean loss is logged just after the end of an epoch."""

    def __init__(self, tape: Tape) -> None:
        self.tape = tape

    def on_log(self, args: Any, state: Any, control: Any, logs: Any = None, **kw: Any) -> None:
        if "loss" in logs:
            self.tape.epoch(logs["loss"])


def train(workload: Workload, tape: Tape, *, epochs: int, shuffle: bool) -> None:
    model = Classifier(workload)
    with TemporaryDirectory() as folder:
        arguments = TrainingArguments(
            folder,
            num_train_epochs=epochs,
            per_device_train_batch_size=workload.batch,
            lr_scheduler_type="constant",
            max_grad_norm=0,
            logging_strategy="epoch",
            save_strategy="no",
            report_to="none",
            use_cpu=True,
            disable_tqdm=True,
        )
        trainer = (Trainer if shuffle else InOrder)(
            model=model,
            args=arguments,
            train_dataset=Rows(*tensors(workload.x, workload.y)),
            optimizers=(adam(workload, model), None),
            callbacks=[Told(tape)],
        )
        trainer.remove_callback(PrinterCallback)
        trainer.train()
