"""`fit` of nets with batch normalizations over the whole batch, as each process calls it."""

from typing import Any

import torch
from tests.distributed.fits import VALIDATION, X, Y
from torch import nn
from torch.nn.parallel import DistributedDataParallel

import onfit
from onfit import layers


class Own(onfit.Model):
    """A model with a step of its author's."""

    def __init__(self) -> None:
        super().__init__()
        self.normal, self.dense = layers.BatchNormalization(), layers.Dense(1)

    def call(self, x: Any) -> Any:
        return self.dense(self.normal(x))

    def train_step(self, data: Any) -> Any:
        return super().train_step(data)


def of_torch() -> Any:
    return nn.Sequential(
        nn.Linear(4, 6),
        nn.BatchNorm1d(6),
        nn.Tanh(),
        nn.BatchNorm1d(6, momentum=None, affine=False),
        nn.Linear(6, 1),
    )


def images() -> Any:
    return onfit.Sequential(
        [
            layers.Reshape((2, 2, 1), input_shape=(4,)),
            layers.Conv2D(3, 2),
            layers.BatchNormalization(scale=False),
            layers.Flatten(),
            layers.BatchNormalization(momentum=0.5),
            layers.Dense(1),
        ]
    )


NETS = {
    "a stack": images,
    "a net of torch": lambda: onfit.Model(of_torch()),
    "ddp": lambda: onfit.Model(
        DistributedDataParallel(of_torch()) if torch.distributed.is_initialized() else of_torch()
    ),
    "divided": images,
    "a step": Own,
}


def fitted(name: str, batch_size: int = 8) -> Any:
    """A training whose last batches have 5 samples, or 1; its logs and weights."""
    torch.manual_seed(7)
    model = NETS[name]()
    distribution: Any = "fsdp" if name == "divided" else "auto"
    more = {"distribution": distribution, "sync_batch_norm": True}
    model.compile(onfit.optimizers.SGD(0.1), "mse", ["mae"], **more)
    count = 48 if name == "a step" else 53
    history = model.fit(
        *(X[:count], Y[:count]),
        batch_size=batch_size,
        epochs=2,
        verbose=0,
        validation_data=VALIDATION,
    )
    patches = {key for part in model.modules() for key in vars(part)} & {"forward", "_by_batch"}
    assert not patches
    return dict(history.history), model.get_weights()


def without_layers() -> str:
    model = onfit.Sequential([layers.Dense(1, input_dim=4)])
    model.compile("sgd", "mse", sync_batch_norm=True)
    try:
        model.fit(X, Y, verbose=0)
    except UserWarning as warning:
        return str(warning)
    return "no warning"
