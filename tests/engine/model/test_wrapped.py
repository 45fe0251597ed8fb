"""Model(net): any torch module behind Keras' face."""

import functools
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from onfit.callbacks import EarlyStopping, ReduceLROnPlateau
from onfit.errors import ArgumentTypeError, DataError
from onfit.models import Model, Sequential

X = np.random.default_rng(0).normal(size=(30, 4)).astype("float32")
Y = (X[:, 0] > 0).astype("int64")


def net() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(4, 8), nn.Tanh(), nn.Linear(8, 2))


def test_the_face_is_the_nets_own_weights() -> None:
    module = net()
    model = Model(module)
    assert isinstance(model, Model)
    assert list(model.state_dict()) == list(module.state_dict())
    assert [name for name, _ in model.named_weights()] == list(module.state_dict())
    model.set_weights([weight * 0 for weight in model.get_weights()])
    assert not module[0].weight.any()
    assert model.layers == list(module.children())
    assert Model(nn.Linear(1, 1)).layers[0].in_features == 1


def test_a_module_is_needed() -> None:
    for wrong in ("resnet", nn.Linear, None):
        with pytest.raises(ArgumentTypeError, match=r"Got .* \(Model\(net\) takes a torch module"):
            Model(wrong)


@pytest.mark.parametrize(
    "optimizer",
    [
        "adam",
        lambda module: torch.optim.SGD(module.parameters(), lr=0.5),
        torch.optim.AdamW,
        functools.partial(torch.optim.SGD, lr=0.5, momentum=0.9),
    ],
    ids=["name", "instance", "class", "partial"],
)
@pytest.mark.parametrize("loss", [nn.CrossEntropyLoss(), F.cross_entropy], ids=["module", "func"])
def test_torchs_optimizers_and_losses_train_it(optimizer: Any, loss: Any) -> None:
    module = net()
    if getattr(optimizer, "__name__", "") == "<lambda>":
        optimizer = optimizer(module)
    model = Model(module)
    model.compile(optimizer, loss, metrics=["acc"])
    callbacks = [EarlyStopping(patience=50), ReduceLROnPlateau(patience=50)]
    history = model.fit(X, Y, epochs=5, verbose=0, validation_split=0.2, callbacks=callbacks)
    assert history.history["loss"][-1] < history.history["loss"][0]
    assert set(history.history) == {"loss", "acc", "val_loss", "val_acc", "learning_rate"}


def test_a_fit_is_the_loop_torch_users_write() -> None:
    mine, theirs = net(), net()
    model = Model(mine)
    model.compile(torch.optim.SGD(mine.parameters(), lr=0.1, momentum=0.9), nn.CrossEntropyLoss())
    loader = DataLoader(TensorDataset(torch.tensor(X), torch.tensor(Y)), batch_size=8)
    model.fit(loader, epochs=2, verbose=0)

    optimizer = torch.optim.SGD(theirs.parameters(), lr=0.1, momentum=0.9)
    for _ in range(2):
        for x, y in loader:
            optimizer.zero_grad()
            F.cross_entropy(theirs(x), y).backward()
            optimizer.step()
    for a, b in zip(mine.parameters(), theirs.parameters(), strict=True):
        torch.testing.assert_close(a, b, rtol=1e-6, atol=1e-7)


def test_metrics_see_probabilities_and_predict_the_nets_own_output() -> None:
    seen = []

    def spy(y_true: torch.Tensor, y_pred: torch.Tensor) -> torch.Tensor:
        seen.append(y_pred.sum(-1))
        return y_pred.mean()

    model = Model(net())
    model.compile("sgd", nn.CrossEntropyLoss(), metrics=[spy])
    model.evaluate(X, Y, verbose=0)
    torch.testing.assert_close(seen[0], torch.ones(30))
    with torch.no_grad():
        np.testing.assert_allclose(
            model.predict(X, verbose=0), model.net(torch.tensor(X)).numpy(), rtol=1e-6
        )


def test_a_net_of_several_inputs_takes_a_tuple() -> None:
    class Two(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.a, self.b = nn.Linear(4, 1), nn.Linear(2, 1)

        def forward(self, first: torch.Tensor, second: torch.Tensor) -> torch.Tensor:
            return self.a(first) + self.b(second)

    model = Model(Two())
    model.compile("sgd", "mse")
    two = (X, X[:, :2])
    history = model.fit(two, Y, epochs=2, verbose=0, validation_split=0.2, batch_size=7)
    assert set(history.history) == {"loss", "val_loss"}
    assert model.predict(two, verbose=0).shape == (30, 1)
    loader = DataLoader(TensorDataset(*map(torch.tensor, two)), 8, collate_fn=_as_inputs)
    assert model.predict(loader, verbose=0).shape == (30, 1)
    with pytest.raises(DataError, match=r"x\[0\] has 30 samples, x\[1\] has 29 samples"):
        model.fit((X, X[:29, :2]), Y, verbose=0)


def _as_inputs(rows: list[Any]) -> Any:
    first, second = zip(*rows, strict=True)
    return ((torch.stack(first), torch.stack(second)),)


def test_a_net_of_several_outputs_predicts_a_list() -> None:
    class Fork(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.body = nn.Linear(4, 3)

        def forward(self, x: torch.Tensor) -> Any:
            return self.body(x), self.body(x).sum(-1)

    first, second = Model(Fork()).predict(X, batch_size=8, verbose=0)
    assert (first.shape, second.shape) == ((30, 3), (30,))


def test_lazy_modules_are_built_by_the_first_batch() -> None:
    model = Model(nn.Sequential(nn.LazyLinear(3), nn.BatchNorm1d(3), nn.LazyLinear(2)))
    assert not model.built
    model.compile("adam", nn.CrossEntropyLoss())
    model.fit(X, Y, verbose=0)
    assert model.built
    assert [weight.shape for weight in model.get_weights()][:2] == [(3, 4), (3,)]


def test_building_lazy_modules_leaves_statistics_and_generators_alone() -> None:
    norm = nn.BatchNorm1d(3)
    model = Model(nn.Sequential(nn.LazyLinear(3), norm))
    before = torch.get_rng_state()
    model.predict(X, verbose=0)
    assert int(norm.num_batches_tracked) == 0
    assert torch.equal(torch.get_rng_state(), before)


def test_a_parameter_that_the_loss_does_not_reach_stays() -> None:
    class Spare(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.used, self.spare = nn.Linear(4, 2), nn.Linear(4, 2)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.used(x)

    for optimizer in ("adam", torch.optim.Adam):
        model = Model(Spare())
        before = model.get_weights()
        model.compile(optimizer, nn.CrossEntropyLoss())
        model.fit(X, Y, verbose=0)
        after = model.get_weights()
        assert not np.array_equal(after[0], before[0])
        np.testing.assert_array_equal(after[2], before[2])


@pytest.mark.parametrize(
    "around", [lambda model: Sequential([model]), nn.ModuleList, nn.Sequential]
)
def test_a_model_around_it_has_a_state_dict_that_it_takes_back(around: Any) -> None:
    inner = nn.Sequential(nn.Linear(4, 2), nn.BatchNorm1d(2))
    for net in (inner, torch.compile(inner, backend="eager"), nn.ModuleDict({"net": inner})):
        model = Model(net)
        outer = around([model]) if around is nn.ModuleList else around(model)
        state = {key: tensor + 1 for key, tensor in outer.state_dict().items()}
        outer.load_state_dict(state)
        for key, tensor in outer.state_dict().items():
            assert torch.equal(tensor, state[key])
        assert not any("_orig_mod" in key for key in state)
