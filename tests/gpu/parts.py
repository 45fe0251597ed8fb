"""Layers, losses, metrics and optimizers on a GPU, beside the CPU."""

import copy
from typing import Any

import torch
from tests.gpu.checking import DEVICE, check, near
from tests.layers.test_all import MADE, made

from onfit import losses, metrics, optimizers
from onfit.engine.placing import brought
from onfit.layers.shapes import tensors_in

LOSSES = ("mse", "mae", "huber", "log_cosh", "binary_crossentropy", "categorical_crossentropy",
          "kl_divergence", "cosine_similarity", "hinge", "poisson")  # fmt: skip
METRICS = ("mae", "acc", "AUC", "Precision", "Recall", "RootMeanSquaredError")
OPTIMIZERS = ("sgd", "rmsprop", "adam", "adamw", "adamax", "nadam", "adagrad", "adadelta", "ftrl",
              "lion", "lamb", "adafactor")  # fmt: skip


def exact() -> None:
    """Have a GPU multiply in whole float32, as the CPU does."""
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = False


@check()
def layers_compute() -> str:
    """Layers give what they give on the CPU, and so do their gradients."""
    exact()
    for name in MADE:
        torch.manual_seed(0)
        here, x = made(name)
        here.trainable = True
        here(x)
        there = copy.deepcopy(here).to(DEVICE)
        outs: list[Any] = []
        for layer, given in ((here, x), (there, brought(x, DEVICE))):
            outs.append(tensors_in(layer(given)))
            if outs[-1][0].requires_grad:
                outs[-1][0].square().mean().backward()
        for mine, its in zip(*outs, strict=True):
            near(mine, its, name)
        for mine, its in zip(there.parameters(), here.parameters(), strict=True):
            if its.grad is not None:
                assert mine.grad is not None, name
                near(mine.grad, its.grad, f"gradient of {name}")
    return f"{len(MADE)} layers"


@check()
def losses_and_metrics() -> str:
    """Losses and metrics give what they give on the CPU."""
    y = (torch.arange(48).reshape(16, 3) % 3 == 0).float()
    out = torch.linspace(0.05, 0.95, 48).reshape(16, 3)
    for name in LOSSES:
        loss: Any = losses.get(name)
        near(loss(y.to(DEVICE), out.to(DEVICE)), loss(y, out), name)
    for name in METRICS:
        found = []
        for device in (torch.device("cpu"), DEVICE):
            metric: Any = metrics.get(name)
            metric.update_state(y.to(device), out.to(device))
            found.append(torch.as_tensor(metric.result()))
        near(found[1], found[0], name)
    return f"{len(LOSSES)} losses, {len(METRICS)} metrics"


@check()
def optimizers_step() -> str:
    """Optimizers move weights as on the CPU."""
    for name in OPTIMIZERS:
        moved = []
        for device in (torch.device("cpu"), DEVICE):
            weight = torch.linspace(-1, 1, 12).reshape(3, 4).to(device)
            optimizer = optimizers.get(name)
            optimizer.build([weight])
            for step in range(5):
                optimizer.apply([torch.sin(weight * (step + 1))])
            moved.append(weight)
        near(moved[1], moved[0], name)
    return f"{len(OPTIMIZERS)} optimizers"
