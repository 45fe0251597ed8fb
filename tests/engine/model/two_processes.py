"""A training of two processes, which torchrun starts: each with half of every batch.

Its arguments are the way in which the net is divided, a folder, and the optimizer.
"""

import sys
from pathlib import Path

import torch
import torch.distributed as dist
from torch import nn
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.fsdp import fully_shard
from torch.nn.parallel import DistributedDataParallel

from onfit import Model
from onfit.callbacks import BackupAndRestore, ModelCheckpoint

X = torch.randn(16, 4, generator=torch.Generator().manual_seed(0))
Y = X.sum(1, keepdim=True)
OPTIMIZERS = {"adam": "adam", "Adam": torch.optim.Adam}


def net() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(4, 3), nn.Tanh(), nn.Linear(3, 1))


def sharded(module: nn.Module) -> nn.Module:
    mesh = init_device_mesh("cpu", (2,))
    fully_shard(module[0], mesh=mesh)
    return fully_shard(module, mesh=mesh)


WAYS = {
    "ddp": DistributedDataParallel,
    "fsdp": sharded,
    "ddp of compiled": lambda module: DistributedDataParallel(
        torch.compile(module, backend="eager")
    ),
}


def main(way: str, folder: Path, optimizer: str) -> None:
    dist.init_process_group("gloo")
    rank = dist.get_rank()
    model = Model(WAYS[way](net()))
    model.compile(OPTIMIZERS[optimizer], "mse")
    gradients = []
    end = model.observe_gradients(
        lambda: gradients.append([whole(param.grad) for param in model.parameters()])
    )
    saver = ModelCheckpoint(folder / "best.safetensors", "loss", save_weights_only=True)
    for epochs in (1, 2):  # the second goes on where the first ended
        backup = BackupAndRestore(folder / "backup", delete_checkpoint=False, verbose=0)
        model.fit(
            *(X, Y),
            batch_size=8,
            epochs=epochs,
            shuffle=False,
            verbose=0,
            validation_data=(X, Y),
            callbacks=[saver, backup],
        )
    end()
    torch.save([model.get_weights(), gradients[0]], folder / f"found-{rank}.pt")
    dist.destroy_process_group()


def whole(tensor: torch.Tensor) -> torch.Tensor:
    return getattr(tensor, "full_tensor", lambda: tensor)().clone()


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), sys.argv[3])
