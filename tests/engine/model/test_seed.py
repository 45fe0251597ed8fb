"""Two runs that begin with the same seed are bit-identical."""

from typing import Any

import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader, TensorDataset

from onfit.layers import Dense, Dropout
from onfit.models import Sequential
from onfit.utils import set_random_seed

X = np.random.default_rng(0).normal(size=(50, 6)).astype("float32")
Y = np.random.default_rng(1).integers(0, 3, 50)


def run(seed: int, loader: bool = False) -> tuple[list[Any], dict[str, Any], Any]:
    set_random_seed(seed)
    model = Sequential([Dense(16, "relu"), Dropout(0.4), Dense(3, "softmax")])
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["acc"])
    fit: dict[str, Any] = {"epochs": 3, "verbose": 0}
    if loader:
        dataset = TensorDataset(torch.tensor(X), torch.tensor(Y))
        history = model.fit(DataLoader(dataset, 8, shuffle=True), **fit)
    else:
        history = model.fit(X, Y, batch_size=8, validation_split=0.2, **fit)
    return model.get_weights(), history.history, torch.rand(2).tolist()


@pytest.mark.parametrize("loader", [False, True], ids=["arrays", "loader"])
def test_two_runs_of_one_seed_are_bit_identical(loader: bool) -> None:
    first, second, other = run(7, loader), run(7, loader), run(8, loader)
    for mine, theirs, different in zip(first[0], second[0], other[0], strict=True):
        np.testing.assert_array_equal(mine, theirs)
        assert not np.array_equal(mine, different)
    assert first[1:] == second[1:]
    assert first[1] != other[1]


def test_validation_changes_nothing_of_the_training() -> None:
    """Neither the order of the samples nor what is dropped out depends on a validation."""

    def losses(**validation: Any) -> list[float]:
        set_random_seed(5)
        model = Sequential([Dense(16, "relu"), Dropout(0.4), Dense(3, "softmax")])
        model.compile("adam", "sparse_categorical_crossentropy")
        found: list[float] = model.fit(X, Y, epochs=3, verbose=0, **validation).history["loss"]
        return found

    assert losses() == losses(validation_data=(X, Y))


def test_an_epoch_has_the_order_it_had_when_the_run_began_earlier() -> None:
    def orders(initial_epoch: int) -> list[list[float]]:
        set_random_seed(11)
        model = Sequential([Dense(1, input_dim=1)])
        model.compile("sgd", "mse")
        seen: list[list[float]] = []
        model.layers[0].register_forward_pre_hook(
            lambda module, args: seen.append(args[0][:, 0].tolist())
        )
        x = np.arange(12.0)[:, None]
        model.fit(x, x, batch_size=12, epochs=4, initial_epoch=initial_epoch, verbose=0)
        return seen

    assert orders(0)[2:] == orders(2)


def test_layers_with_a_seed_of_their_own_draw_the_same_masks() -> None:
    x = torch.ones(4, 50)
    first, second = Dropout(0.5, seed=3).train(), Dropout(0.5, seed=3).train()
    masks = [first(x), first(x)]
    assert torch.equal(masks[0], second(x))
    assert torch.equal(masks[1], second(x))
    assert not torch.equal(masks[0], masks[1])
