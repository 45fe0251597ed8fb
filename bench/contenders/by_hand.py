"""Early stopping and the best-only checkpoint, as users write them into their own loops."""

import math

import torch
from torch import nn

from bench.workloads.workload import Workload


class Watch:
    """Checks the validation after each epoch: decides when to stop, and saves the best weights.

    Args:
        workload: says which quantity the checkpoint watches.
        net: the net to save.
        path: the file to save it to.
    """

    def __init__(self, workload: Workload, net: nn.Module, path: str) -> None:
        self.by_accuracy = workload.saves_best == "acc"
        self.net = net
        self.path = path
        self.patience = 10**6
        self.wait = 0
        self.least_loss = math.inf
        self.best = -math.inf

    def stops(self, loss: float, accuracy: float) -> bool:
        self.wait = 0 if loss < self.least_loss else self.wait + 1
        self.least_loss = min(loss, self.least_loss)
        value = accuracy if self.by_accuracy else -loss
        if value > self.best:
            self.best = value
            torch.save(self.net.state_dict(), self.path)
        return self.wait >= self.patience
