"""Other libraries' trainers on a GPU, as far as they are installed; and how fast `fit` is there."""

import importlib.util
import statistics
import tempfile
import time
from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from tests.gpu.checking import DEVICE, ON_CUDA, LeftOut, check
from tests.gpu.trainings import X, Y
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from onfit import Model
from onfit.callbacks import EarlyStopping, History


def _require(package: str) -> None:
    if importlib.util.find_spec(package) is None:
        raise LeftOut(f"{package} is not installed")


@check()
def lightning() -> str:
    """The callbacks in Lightning's Trainer."""
    _require("lightning")
    import lightning as L

    from onfit.integrations.lightning import OnfitCallback

    class Net(L.LightningModule):
        def __init__(self) -> None:
            super().__init__()
            self.net = nn.Linear(20, 2)

        def training_step(self, batch: Any, index: int) -> Any:
            loss = F.cross_entropy(self.net(batch[0]), batch[1])
            self.log("loss", loss, on_epoch=True, on_step=False)
            return loss

        def configure_optimizers(self) -> Any:
            return torch.optim.Adam(self.parameters(), 0.01)

    history = History()
    with tempfile.TemporaryDirectory() as folder:
        trainer = L.Trainer(
            max_epochs=3,
            callbacks=[OnfitCallback([history, EarlyStopping("loss", restore_best_weights=True)])],
            default_root_dir=folder,
            logger=False,
            enable_checkpointing=False,
            enable_progress_bar=False,
        )
        loader = DataLoader(TensorDataset(torch.tensor(X), torch.tensor(Y)), 64)
        trainer.fit(Net(), loader)
    assert len(history.history["loss"]) == 3
    return str(trainer.strategy.root_device)


@check()
def transformers() -> str:
    """The callbacks in the Trainer of transformers."""
    for package in ("transformers", "accelerate"):
        _require(package)
    from transformers import Trainer, TrainingArguments

    from onfit.integrations.transformers import OnfitCallback

    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.net = nn.Linear(20, 2)

        def forward(self, x: Any, labels: Any = None) -> Any:
            out = self.net(x)
            return {"loss": F.cross_entropy(out, labels), "logits": out}

    rows = [{"x": torch.tensor(x), "labels": torch.tensor(y)} for x, y in zip(X, Y, strict=True)]
    history = History()
    with tempfile.TemporaryDirectory() as folder:
        arguments = TrainingArguments(
            folder, num_train_epochs=2, report_to=[], disable_tqdm=True, save_strategy="no",
            logging_strategy="epoch", per_device_train_batch_size=64,
        )  # fmt: skip
        trainer = Trainer(Net(), arguments, train_dataset=rows)
        trainer.add_callback(OnfitCallback([history]))
        trainer.train()
    assert len(history.history["loss"]) == 2
    return str(trainer.args.device)


# --- speed: no limit, since that depends on the machine --------------------------------------

STEPS, BATCH, ROUNDS = 400 if ON_CUDA else 50, 128, 5


def _net() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(784, 512), nn.ReLU(), nn.Linear(512, 10)).to(DEVICE)


def _by_hand(x: torch.Tensor, y: torch.Tensor) -> Callable[[], Any]:
    net = _net()
    optimizer = torch.optim.Adam(net.parameters(), fused=True)
    x, y = x.to(DEVICE), y.to(DEVICE)

    def epoch() -> Any:
        total = torch.zeros((), device=DEVICE)
        for rows in torch.randperm(len(x), device=DEVICE).split(BATCH):
            loss = F.cross_entropy(net(x[rows]), y[rows])
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            optimizer.step()
            total += loss.detach()
        return float(total)

    return epoch


def _by_fit(x: torch.Tensor, y: torch.Tensor, **given: Any) -> Callable[[], Any]:
    model = Model(_net())
    model.compile("adam", nn.CrossEntropyLoss(), **given)
    return lambda: model.fit(x, y, BATCH, 1, 0)


def _seconds(epoch: Callable[[], Any]) -> float:
    begin = time.perf_counter()
    epoch()
    if ON_CUDA:
        torch.cuda.synchronize()
    return time.perf_counter() - begin


@check()
def speed() -> str:
    """A step of fit beside one of a loop by hand, with all data on the device."""
    x, y = torch.randn(STEPS * BATCH, 784), torch.randint(0, 10, (STEPS * BATCH,))
    there = x.to(DEVICE), y.to(DEVICE)
    ways = {
        "by hand": _by_hand(x, y),
        "fit": _by_fit(*there),
        "fit, data on the CPU": _by_fit(x, y),
        "fit in mixed_bfloat16": _by_fit(*there, mixed_precision="mixed_bfloat16"),
    }
    for epoch in ways.values():
        epoch()
    taken: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(ROUNDS):
        for name, epoch in ways.items():
            taken[name].append(_seconds(epoch))
    medians = {name: statistics.median(each) / STEPS * 1e6 for name, each in taken.items()}
    return ", ".join(f"{name} {median:.0f} us" for name, median in medians.items())
