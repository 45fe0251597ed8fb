"""What tutorials write in torch: a DataLoader, a default Adam, `.item()` for each batch."""

from tempfile import TemporaryDirectory

import torch
from torch import nn
from torch.utils.data import DataLoader

from bench.contenders.by_hand import Watch
from bench.models.torch_net import adam, build, hits, loader, loss_module, validation_loader
from bench.tape import Tape
from bench.workloads.workload import Workload


def train(workload: Workload, tape: Tape, *, epochs: int, shuffle: bool) -> None:
    batches = loader(workload, shuffle)
    held_out = validation_loader(workload)
    net = build(workload)
    criterion = loss_module(workload)
    optimizer = adam(workload, net, fused=False)
    with TemporaryDirectory() as folder:
        watch = Watch(workload, net, f"{folder}/best.pt")
        for _ in range(epochs):
            total, right = 0.0, 0.0
            net.train()
            for x, y in batches:
                optimizer.zero_grad()
                output = net(x)
                loss = criterion(output, y)
                loss.backward()
                optimizer.step()
                total += loss.item() * len(x)
                right += hits(output, y).item()
            if held_out is not None and watch.stops(*evaluate(net, held_out, criterion)):
                break
            tape.epoch(total / len(workload.x))


def evaluate(net: nn.Module, batches: DataLoader, criterion: nn.Module) -> tuple[float, float]:
    total, right, count = 0.0, 0.0, 0
    net.eval()
    with torch.no_grad():
        for x, y in batches:
            output = net(x)
            total += criterion(output, y).item() * len(x)
            right += hits(output, y).item()
            count += len(x)
    return total / count, right / count
