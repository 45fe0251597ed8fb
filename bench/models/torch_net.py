"""A workload's net, data, loss and accuracy in torch, for contenders that train torch modules."""

from collections.abc import Callable, Iterator

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, TensorDataset

from bench.workloads import layers as plain
from bench.workloads.layers import Array, Shape, shapes
from bench.workloads.workload import EPSILON, Workload

Loss = Callable[[Tensor, Tensor], Tensor]


class LastStep(nn.Module):
    """An LSTM that returns its last step's output."""

    def __init__(self, lstm: nn.LSTM) -> None:
        super().__init__()
        self.lstm = lstm

    def forward(self, x: Tensor) -> Tensor:
        outputs, _ = self.lstm(x)
        return outputs[:, -1]


def build(workload: Workload) -> nn.Sequential:
    """The net with the workload's first weights. It returns logits, which losses compute better."""
    inputs = shapes(workload.net, workload.x.shape[1:])
    modules: list[nn.Module] = []
    with torch.no_grad():
        for layer, weights, shape in zip(workload.net, workload.first_weights, inputs, strict=True):
            modules += modules_of(layer, [torch.from_numpy(array) for array in weights], shape)
    follow_flatten(workload, modules)
    return nn.Sequential(*modules)


def modules_of(layer: plain.Layer, weights: list[Tensor], shape: Shape) -> Iterator[nn.Module]:
    match layer:
        case plain.Dense(units, activation):
            yield filled(nn.Linear(shape[-1], units), weights[0].T, weights[1])
            if activation == "relu":
                yield nn.ReLU()
        case plain.Conv(filters, size):
            kernel = weights[0].permute(3, 2, 0, 1)
            yield filled(nn.Conv2d(shape[-1], filters, size), kernel, weights[1])
            yield nn.ReLU()
        case plain.MaxPool(size):
            yield nn.MaxPool2d(size)
        case plain.Flatten():
            yield nn.Flatten()
        case plain.Embedding(words, width):
            yield filled(nn.Embedding(words, width), weights[0])
        case plain.LSTM(units):
            kernel, recurrent, bias = weights
            lstm = nn.LSTM(shape[-1], units, batch_first=True)
            filled(lstm, kernel.T, recurrent.T, bias, torch.zeros_like(bias))
            # Two trained biases would change twice as fast as Keras' one bias.
            lstm.bias_hh_l0.requires_grad_(False)
            yield LastStep(lstm)


def filled(module: nn.Module, *weights: Tensor) -> nn.Module:
    for parameter, values in zip(module.parameters(), weights, strict=True):
        parameter.copy_(values)
    return module


def follow_flatten(workload: Workload, modules: list[nn.Module]) -> None:
    """Bring the kernel after Flatten into torch's order: channels come first there."""
    for layer, shape in zip(workload.net, shapes(workload.net, workload.x.shape[1:]), strict=True):
        if isinstance(layer, plain.Flatten):
            after = next(i for i, module in enumerate(modules) if isinstance(module, nn.Flatten))
            weight = modules[after + 1].weight.data
            weight.copy_(weight.unflatten(1, shape).permute(0, 3, 1, 2).flatten(1))


def trained(net: nn.Module) -> list[nn.Parameter]:
    return [parameter for parameter in net.parameters() if parameter.requires_grad]


def adam(workload: Workload, net: nn.Module, fused: bool = True) -> torch.optim.Adam:
    """Adam: the fused one, which is torch's fastest, unless a contender shows typical code."""
    return torch.optim.Adam(trained(net), lr=workload.rate, eps=EPSILON, fused=fused or None)


def tensors(x: Array, y: Array) -> tuple[Tensor, Tensor]:
    """The data as tensors; images with their channels first."""
    inputs = torch.from_numpy(x)
    if inputs.dim() == 4:
        inputs = inputs.permute(0, 3, 1, 2).contiguous()
    return inputs, torch.from_numpy(y)


def loader(workload: Workload, shuffle: bool) -> DataLoader[tuple[Tensor, ...]]:
    data = TensorDataset(*tensors(workload.x, workload.y))
    return DataLoader(data, batch_size=workload.batch, shuffle=shuffle)


def validation_loader(workload: Workload) -> DataLoader[tuple[Tensor, ...]] | None:
    """All of the validation data as one batch."""
    if workload.validation is None:
        return None
    data = TensorDataset(*tensors(*workload.validation))
    return DataLoader(data, batch_size=len(data))


def loss_of(workload: Workload) -> Loss:
    return F.binary_cross_entropy_with_logits if workload.binary else F.cross_entropy


def loss_module(workload: Workload) -> nn.Module:
    return nn.BCEWithLogitsLoss() if workload.binary else nn.CrossEntropyLoss()


def hits(output: Tensor, y: Tensor) -> Tensor:
    """How many are right, as a tensor, because reading the number would mean waiting for it."""
    if y.dtype == torch.int64:
        return (output.argmax(dim=1) == y).sum()
    return ((output > 0) == (y > 0.5)).sum()


def accuracy(output: Tensor, y: Tensor) -> Tensor:
    return hits(output, y) / len(y)
