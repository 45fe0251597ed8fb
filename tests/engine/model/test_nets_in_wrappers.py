"""Nets inside torch.compile, DDP and fully_shard: they train as torch says, under their names."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import torch.distributed as dist
from torch import nn
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.fsdp import fully_shard
from torch.nn.parallel import DistributedDataParallel

from onfit import Input, Model, Run, Sequential, optimizers
from onfit.callbacks import BackupAndRestore, Callback, EarlyStopping, ModelCheckpoint, TensorBoard
from onfit.layers import Dense, TorchModule
from onfit.models import load_model

X = torch.randn(32, 4, generator=torch.Generator().manual_seed(0))
Y = X.sum(1, keepdim=True)

# torch warns of its own doings while it compiles.
pytestmark = [
    pytest.mark.filterwarnings("ignore:The .grad attribute of a Tensor that is not a leaf"),
    pytest.mark.filterwarnings("ignore:Dynamo does not know how to trace"),
]


@pytest.fixture(scope="module")
def group() -> Iterator[None]:
    """A process group of this process alone."""
    dist.init_process_group("gloo", store=dist.HashStore(), rank=0, world_size=1)
    yield
    dist.destroy_process_group()


def net() -> nn.Sequential:
    torch.manual_seed(0)
    norm = nn.BatchNorm1d(3)
    return nn.Sequential(nn.Linear(4, 3), norm, nn.Tanh(), nn.Linear(3, 1))


def compiled(module: nn.Module) -> nn.Module:
    return torch.compile(module, backend="eager")


def in_ddp(module: nn.Module) -> nn.Module:
    return DistributedDataParallel(module)


def of_compiled_parts(module: nn.Sequential) -> nn.Module:
    return nn.Sequential(*map(compiled, module))


def in_ddp_of_compiled(module: nn.Module) -> nn.Module:
    return in_ddp(compiled(module))


def compiled_in_ddp(module: nn.Module) -> nn.Module:
    return compiled(in_ddp(module))


def sharded(module: nn.Module) -> nn.Module:
    mesh = init_device_mesh("cpu", (1,))
    fully_shard(module[0], mesh=mesh)
    return fully_shard(module, mesh=mesh)


WRAPS = [compiled, of_compiled_parts, in_ddp, in_ddp_of_compiled, compiled_in_ddp, sharded]
wrapped = pytest.mark.parametrize("wrap", WRAPS, ids=lambda wrap: wrap.__name__)
Wrap = Callable[[Any], nn.Module]


def plain_array(tensor: Any) -> np.ndarray:
    return getattr(tensor, "full_tensor", lambda: tensor)().detach().numpy()


def trained(module: nn.Module, optimizer: Any = "sgd", **more: Any) -> Model:
    model = Model(module)
    model.compile(optimizer, "mse")
    model.fit(X, Y, batch_size=16, epochs=2, verbose=0, shuffle=False, **more)
    return model


@wrapped
@pytest.mark.parametrize("optimizer", ["adam", torch.optim.Adam, optimizers.SGD(0.1, clipnorm=1)])
def test_it_trains_as_the_plain_net(group: None, wrap: Wrap, optimizer: Any) -> None:
    if isinstance(optimizer, optimizers.Optimizer):
        optimizer = optimizers.SGD(0.1, clipnorm=1)
    expected = trained(net(), optimizer, validation_data=(X, Y))
    if isinstance(optimizer, optimizers.Optimizer):
        optimizer = optimizers.SGD(0.1, clipnorm=1)
    found = trained(wrap(net()), optimizer, validation_data=(X, Y))
    for a, b in zip(found.get_weights(), expected.get_weights(), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6)
    assert found.evaluate(X, Y, verbose=0) == pytest.approx(expected.evaluate(X, Y, verbose=0))


@wrapped
def test_every_name_is_the_nets_own(group: None, wrap: Wrap) -> None:
    plain = net()
    model = trained(wrap(net()))
    assert list(model.state_dict()) == list(plain.state_dict())
    assert [name for name, _ in model.named_weights()] == list(plain.state_dict())
    assert model.name == "sequential"
    resumed = model.state_for_resume(), Model(plain).state_for_resume()
    for part in ("weights", "requires_grad", "trainable"):
        assert list(resumed[0][part]) == list(resumed[1][part])
    model.predict(X, verbose=0)
    assert [name for name, _ in model.named_gradients(X, Y)] == [
        n for n, _ in plain.named_parameters()
    ]
    assert [name for name, _ in model.named_activations(X)] == ["0", "1", "2", "3"]
    model.fit(X, Y, verbose=0)  # goes on after all this


@wrapped
@pytest.mark.parametrize("suffix", [".safetensors", ".h5", ".weights.h5", ".pt"])
def test_files_go_into_the_plain_net_and_back(
    group: None, wrap: Wrap, suffix: str, tmp_path: Path
) -> None:
    file = tmp_path / f"w{suffix}"
    model, plain = trained(wrap(net())), Model(net())
    model.save_weights(file)
    plain.load_weights(file)
    for a, b in zip(plain.get_weights(), model.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    other = Model(wrap(net()))
    other.load_weights(file)
    plain.set_weights([array + 1 for array in plain.get_weights()])
    plain.save_weights(file)
    other.load_weights(file)
    for a, b in zip(plain.get_weights(), other.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    other.set_weights(model.get_weights())
    for a, b in zip(model.get_weights(), other.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("wrap", WRAPS[:-1], ids=lambda wrap: wrap.__name__)
def test_a_state_dict_goes_into_the_plain_net_and_back(group: None, wrap: Wrap) -> None:
    model, plain = trained(wrap(net())), net()
    plain.load_state_dict(model.state_dict())
    assert torch.equal(plain[0].weight, model.state_dict()["0.weight"])
    other = Model(wrap(net()))
    result = other.load_state_dict(plain.state_dict())
    assert not result.missing_keys
    assert not result.unexpected_keys
    assert torch.equal(plain[1].running_mean, other.state_dict()["1.running_mean"])
    other.load_state_dict(other.net.state_dict())  # torch's own keys go as well
    with pytest.raises(RuntimeError, match="Missing key"):
        other.load_state_dict({})


@wrapped
@pytest.mark.parametrize("optimizer", ["adam", torch.optim.Adam])
def test_callbacks_keep_it_and_a_killed_run_goes_on(
    group: None, wrap: Wrap, optimizer: Any, tmp_path: Path
) -> None:
    expected = trained(wrap(net()), optimizer, validation_data=(X, Y))

    class Killed(BaseException): ...

    class Kill(Callback):
        called_last = True

        def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
            if not killed:
                killed.append(epoch)
                raise Killed

    killed: list[int] = []

    def callbacks() -> list[Any]:
        return [
            Kill(),
            EarlyStopping("loss", restore_best_weights=True),
            ModelCheckpoint(tmp_path / "best.safetensors", "loss", save_weights_only=True),
            ModelCheckpoint(tmp_path / "best.h5", "loss", save_weights_only=True, background=True),
            TensorBoard(tmp_path / "logs", histogram_freq=1, write_graph=False),
            BackupAndRestore(tmp_path / "backup", verbose=0),
        ]

    with pytest.raises(Killed):
        trained(wrap(net()), optimizer, validation_data=(X, Y), callbacks=callbacks())
    found = trained(wrap(net()), optimizer, validation_data=(X, Y), callbacks=callbacks())
    for a, b in zip(found.get_weights(), expected.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    Model(net()).load_weights(tmp_path / "best.safetensors")


@pytest.mark.parametrize("wrap", [compiled, in_ddp], ids=lambda wrap: wrap.__name__)
def test_a_wrapped_part_has_its_own_names_too(group: None, wrap: Wrap) -> None:
    class Mine(Model):
        def __init__(self) -> None:
            super().__init__()
            self.body = wrap(nn.Linear(4, 2))
            self.head = nn.Linear(2, 1)

        def forward(self, x: Any) -> Any:
            return self.head(self.body(x))

    x = Input((4,))
    for model, name in (
        (Mine(), "body.weight"),
        (Sequential([TorchModule(wrap(nn.Linear(4, 1)), name="part")]), "part.net.weight"),
        (Model(x, TorchModule(wrap(nn.Linear(4, 1)), name="part")(x)), "part.net.weight"),
    ):
        trained(model)
        assert model.named_weights()[0][0] == name
        assert next(iter(model.state_dict())) == name
        state = {key: value + 1 for key, value in model.state_dict().items()}
        model.load_state_dict(state)
        assert torch.equal(model.state_dict()[name], state[name])


@pytest.mark.parametrize("own_step", [False, True])
def test_fully_shard_of_a_model_itself(group: None, own_step: bool, tmp_path: Path) -> None:
    class Stepping(Sequential):
        def train_step(self, data: Any) -> Any:
            return super().train_step(data)

    kind = Stepping if own_step else Sequential

    def made() -> Sequential:
        torch.manual_seed(0)
        model = kind([Dense(3, activation="tanh", input_dim=4), Dense(1)])
        model.compile("adam", "mse")
        return model

    expected, model = made(), made()
    mesh = init_device_mesh("cpu", (1,))
    fully_shard(model.layers[0], mesh=mesh)
    fully_shard(model, mesh=mesh)
    for one in (expected, model):
        one.evaluate(X, Y, verbose=0)
        one.fit(X, Y, verbose=0, shuffle=False, epochs=2, validation_data=(X, Y))
    for a, b in zip(model.get_weights(), expected.get_weights(), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6)
    if not own_step:
        for name in ("whole.keras", "whole.h5"):
            model.save(tmp_path / name)
            loaded = load_model(tmp_path / name)
            np.testing.assert_allclose(loaded.predict(X, verbose=0), model.predict(X, verbose=0))
            loaded.fit(X, Y, verbose=0)


# --- what DDP does with gradients ----------------------------------------------------------------


def counted(module: DistributedDataParallel) -> list[int]:
    """Filled with the number of gradients of each exchange between processes."""
    seen: list[int] = []

    def hook(state: None, bucket: dist.GradBucket) -> torch.futures.Future[torch.Tensor]:
        seen.append(len(bucket.gradients()))
        done: torch.futures.Future[torch.Tensor] = torch.futures.Future()
        done.set_result(bucket.buffer())
        return done

    module.register_comm_hook(None, hook)
    return seen


def test_ddp_exchanges_the_gradients_of_every_batch(group: None) -> None:
    module = in_ddp(net())
    seen = counted(module)
    trained(module)
    assert sum(seen) == 4 * len(list(module.parameters()))


def test_it_does_in_a_part_of_any_model(group: None) -> None:
    x = Input((4,))

    class Mine(Model):
        def __init__(self, part: nn.Module) -> None:
            super().__init__()
            self.part = part

        def forward(self, x: Any) -> Any:
            return self.part(x)

    class Stepping(Mine):
        def train_step(self, data: Any) -> Any:
            return super().train_step(data)

    for make in (
        lambda part: Sequential([TorchModule(part)]),
        lambda part: Model(x, TorchModule(part)(x)),
        Mine,
        Stepping,
    ):
        module = in_ddp(net())
        model, seen = make(module), counted(module)
        model.compile("sgd", "mse")
        model.fit(X, Y, batch_size=16, verbose=0)
        model.train_on_batch(X, Y)
        assert sum(seen) == 3 * len(list(module.parameters()))


def test_a_run_of_ones_own_has_the_nets_names_as_well(group: None, tmp_path: Path) -> None:
    module = in_ddp_of_compiled(net())
    optimizer = torch.optim.SGD(module.parameters(), lr=0.1)
    saver = ModelCheckpoint(tmp_path / "w.safetensors", "loss", save_weights_only=True)
    with Run(module, [saver], optimizer=optimizer, epochs=1) as run:
        for _ in run.epochs():
            for x, y in run.batches([(X, Y)]):
                loss = (module(x) - y).square().mean()
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
                run.log(loss=loss)
    Model(net()).load_weights(tmp_path / "w.safetensors")
