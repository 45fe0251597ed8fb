"""TensorBoard's histograms, as each process of a group writes them, or takes part in that."""

import warnings
from pathlib import Path
from typing import Any

import torch
import torch.distributed as dist
from tests.callbacks.tensorboard.event_reader import read
from tests.distributed.divided import made
from tests.distributed.fits import VALIDATION, X, Y
from torch import nn
from torch.nn.parallel import DistributedDataParallel

import onfit
from onfit.callbacks import TensorBoard
from onfit.callbacks.tensorboard.event_files import EventFiles


class Normalized(nn.Module):
    """A net of torch with a normalization, whose statistics DDP gives to all processes."""

    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Linear(4, 6)
        self.normalization = nn.BatchNorm1d(6)
        self.end = nn.Linear(6, 1)

    def forward(self, x: Any) -> Any:
        return torch.sigmoid(self.end(torch.relu(self.normalization(self.body(x)))))


def model(kind: str) -> Any:
    if kind in ("a stack", "a net of torch"):
        return made(kind, "fsdp" if dist.is_initialized() else None)
    torch.manual_seed(7)
    net: Any = Normalized()
    if kind == "DDP":
        net = DistributedDataParallel(net)
    elif kind == "fully_shard":
        from torch.distributed.device_mesh import init_device_mesh
        from torch.distributed.fsdp import fully_shard

        for part in net.children():
            fully_shard(part, mesh=init_device_mesh("cpu", (2,)))
        net = fully_shard(net, mesh=init_device_mesh("cpu", (2,)))
    wrapped = onfit.Model(net)
    wrapped.compile("adam", "binary_crossentropy", ["acc"])
    return wrapped


def written(kind: str, folder: Path, validation_freq: int = 1) -> Any:
    """Of the histograms that a training writes: for each tag its steps, and the last one's sum."""
    board = TensorBoard(folder, 1, write_grads=True, write_images=True)
    trained = model(kind)
    trained.fit(
        *(X[:48], Y[:48]),
        batch_size=8,
        epochs=2,
        verbose=0,
        validation_data=VALIDATION,
        validation_freq=validation_freq,
        callbacks=[board],
    )
    if dist.is_initialized():
        dist.barrier()
    events = read(folder / "train")
    found = {tag: events.Histograms(tag) for tag in events.Tags()["histograms"]}
    return {
        tag: ([each.step for each in all_of_them], all_of_them[-1].histogram_value.sum)
        for tag, all_of_them in found.items()
    }


def embedded(folder: Path) -> list[str]:
    """The files of tables that a training writes."""
    torch.manual_seed(7)
    trained = onfit.Sequential(
        [onfit.layers.Embedding(5, 3, input_length=4), onfit.layers.Flatten()]
        + [onfit.layers.Dense(1, "sigmoid", name="end")]
    )
    trained.compile("adam", "binary_crossentropy", distribution="fsdp")
    tables = TensorBoard(folder / "tables", embeddings_freq=1)
    inputs = (abs(X) * 2).astype("int64") % 5
    outputs = TensorBoard(
        folder / "outputs", 0, 4, embeddings_freq=1, embeddings_data=inputs[:9],
        embeddings_layer_names=["end"],
    )  # fmt: skip
    trained.fit(inputs, Y, verbose=0, callbacks=[tables, outputs])
    dist.barrier()
    return sorted(f"{path.name}: {len(path.read_text().splitlines())}" for path in
        folder.rglob("*.tsv"))  # fmt: skip


def on_a_full_disk(folder: Path) -> Any:
    """A training whose main process cannot write histograms: what it warns of, and its logs."""
    plain = EventFiles.add_histogram

    def full(*args: Any) -> None:
        raise OSError(28, "No space left on device")

    EventFiles.add_histogram = full  # type: ignore[method-assign]
    board, trained = TensorBoard(folder, 1, write_grads=True), made("a stack")
    more = {"validation_data": VALIDATION, "callbacks": [board], "verbose": 0}
    try:
        with warnings.catch_warnings(record=True) as warned:
            warnings.simplefilter("always")
            history = trained.fit(X, Y, batch_size=8, epochs=2, **more)
    finally:
        EventFiles.add_histogram = plain  # type: ignore[method-assign]
    return [str(one.message) for one in warned], dict(history.history)


def in_one_alone(folder: Path) -> str:
    """A training whose main process alone has the callback."""
    boards = [TensorBoard(folder, 1)] if dist.get_rank() == 0 else []
    try:
        made("a stack").fit(X, Y, batch_size=8, verbose=0, callbacks=boards)
    except onfit.errors.OnfitError as error:
        return f"{type(error).__name__}: {error}"
    return "no error"
