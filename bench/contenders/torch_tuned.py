"""What an expert writes in torch: no DataLoader, a fused optimizer, one read per epoch.

All other figures are given as multiples of this one's.
"""

from collections.abc import Iterator
from itertools import islice
from tempfile import TemporaryDirectory

import torch
from torch import Tensor, nn

from bench.contenders.by_hand import Watch
from bench.models.torch_net import Loss, adam, build, hits, loss_of, tensors
from bench.tape import Tape
from bench.workloads.workload import Workload


def train(workload: Workload, tape: Tape, *, epochs: int, shuffle: bool) -> None:
    for loss in islice(losses(workload, shuffle), epochs):
        tape.epoch(loss)


def losses(workload: Workload, shuffle: bool) -> Iterator[float]:
    """Train one epoch for each loss that the caller asks for."""
    data = tensors(workload.x, workload.y)
    held_out = tensors(*workload.validation) if workload.validation else None
    net = build(workload)
    loss_function = loss_of(workload)
    optimizer = adam(workload, net)
    with TemporaryDirectory() as folder:
        watch = Watch(workload, net, f"{folder}/best.pt")
        while True:
            loss = epoch(net, data, loss_function, optimizer, workload.batch, shuffle)
            if held_out and watch.stops(*evaluate(net, *held_out, loss_function)):
                break
            yield loss


# This runs between the epochs of another library, which may call back with gradients off.
@torch.inference_mode(False)
@torch.enable_grad()
def epoch(
    net: nn.Module,
    data: tuple[Tensor, Tensor],
    loss_function: Loss,
    optimizer: torch.optim.Optimizer,
    batch: int,
    shuffle: bool,
) -> float:
    x, y = data
    order = torch.randperm(len(x)) if shuffle else torch.arange(len(x))
    total, right = torch.zeros(()), torch.zeros((), dtype=torch.int64)
    net.train()
    for rows in order.split(batch):
        inputs, targets = x.index_select(0, rows), y.index_select(0, rows)
        output = net(inputs)
        loss = loss_function(output, targets)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()
        total.add_(loss.detach(), alpha=len(rows))
        right.add_(hits(output.detach(), targets))
    mean_loss, _accuracy = (torch.stack([total, right]) / len(x)).tolist()
    return mean_loss


@torch.no_grad()
def evaluate(net: nn.Module, x: Tensor, y: Tensor, loss_function: Loss) -> list[float]:
    net.eval()
    output = net(x)
    return torch.stack([loss_function(output, y), hits(output, y) / len(y)]).tolist()
