"""evaluate, predict and their like in the middle of a training leave no trace in it."""

import random
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from onfit.callbacks import EarlyStopping
from onfit.core import Callback
from onfit.layers import Dense, Dropout
from onfit.models import Sequential

DRAW = np.random.default_rng(0)
X = DRAW.normal(size=(40, 6)).astype("float32")
Y = DRAW.integers(0, 3, 40)


class DrawsEverywhere(nn.Module):
    """A module of a user's, which draws from whatever generator it finds."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x + 0.0 * (random.random() + np.random.rand() + float(torch.rand(())))


def two_models() -> tuple[Sequential, Sequential]:
    """A model, and another that shares a Dense and a Dropout with it."""
    shared, dropout = Dense(8, "relu", input_dim=6), Dropout(0.5)
    model = Sequential([shared, dropout, Dense(3, "softmax")])
    other = Sequential([shared, dropout, DrawsEverywhere(), Dense(3, "softmax")])
    for each in (model, other):
        each.compile("adam", "sparse_categorical_crossentropy", metrics=["acc"])
    return model, other


class Look(Callback):
    """At every hook of training, evaluates and predicts by another model and by this one."""

    def __init__(self, other: Sequential) -> None:
        self.other = other
        self.changed: list[str] = []
        self.looks = 0

    def look(self, *args: Any) -> None:
        modes = [module.training for net in (self.model, self.other) for module in net.modules()]
        state = self.generators()
        stop, logs = self.model.stop_training, dict(args[-1] or {})
        gradients = torch.is_grad_enabled()
        for net in (self.other, self.model):
            net.evaluate(X, Y, batch_size=16, verbose=0)
            net.predict(X[:5], verbose=0)
            net.test_on_batch(X[:4], Y[:4])
            net.predict_on_batch(X[:4])
            net.get_weights()
        self.looks += 1
        after = [module.training for net in (self.model, self.other) for module in net.modules()]
        for what, same in {
            "modes": after == modes,
            "generators": self.generators() == state,
            "stop flag": self.model.stop_training is stop,
            "logs": dict(args[-1] or {}) == logs,
            "gradients": torch.is_grad_enabled() is gradients,
        }.items():
            if not same:
                self.changed.append(what)

    def generators(self) -> list[Any]:
        return [random.getstate(), str(np.random.get_state()), torch.get_rng_state().tolist()]

    on_train_begin = on_train_end = look
    on_epoch_begin = on_epoch_end = look
    on_train_batch_begin = on_train_batch_end = look
    on_test_begin = on_test_end = look


def trained(look: bool, **fit: Any) -> tuple[list[Any], dict[str, Any], Look]:
    torch.manual_seed(3)
    model, other = two_models()
    looking = Look(other)
    callbacks: list[Callback] = [EarlyStopping(patience=5)]
    if look:
        callbacks.insert(0, looking)
    history = model.fit(
        X, Y, batch_size=8, epochs=3, validation_split=0.2, verbose=0, callbacks=callbacks, **fit
    )
    return [*model.get_weights(), *other.get_weights()], history.history, looking


@pytest.mark.parametrize("shuffle", [True, False])
def test_looking_at_every_hook_changes_no_bit_of_the_training(shuffle: bool) -> None:
    weights, history, look = trained(look=True, shuffle=shuffle)
    expected, expected_history, _ = trained(look=False, shuffle=shuffle)
    assert look.looks > 30
    assert look.changed == []
    assert history == expected_history
    for mine, theirs in zip(weights, expected, strict=True):
        np.testing.assert_array_equal(mine, theirs)


def test_a_layer_put_in_evaluation_mode_on_purpose_stays_in_it() -> None:
    model, other = two_models()
    model.train()
    model.layers[1].eval()
    other.evaluate(X, Y, verbose=0)
    other.predict(X, verbose=0)
    assert [layer.training for layer in model.layers] == [True, False, True]


def test_a_stop_is_not_taken_back_by_an_evaluation() -> None:
    class StopThenLook(Callback):
        def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
            if batch == 1:
                self.model.stop_training = True
            self.model.evaluate(X, Y, verbose=0)
            self.model.predict(X, verbose=0)

    model, _ = two_models()
    seen: list[int] = []

    class Count(Callback):
        def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
            seen.append(batch)

    model.fit(X, Y, batch_size=8, epochs=3, verbose=0, callbacks=[StopThenLook(), Count()])
    assert seen == [0, 1]
    assert model.stop_training


def test_an_evaluation_outside_leaves_the_random_generators_too() -> None:
    _, model = two_models()
    for state in (random.getstate, lambda: str(np.random.get_state())):
        before = state()
        model.evaluate(X, Y, verbose=0)
        assert state() == before
    before_torch = torch.get_rng_state()
    model.predict(X, verbose=0)
    assert torch.equal(torch.get_rng_state(), before_torch)


def test_a_failing_evaluation_leaves_modes_and_generators_as_they_were() -> None:
    model, _ = two_models()
    model.train()
    before = torch.get_rng_state()

    def fail(module: Any, args: Any, output: Any) -> None:
        torch.rand(3)
        raise OSError("mine")

    model.layers[0].register_forward_hook(fail)
    with pytest.raises(OSError, match="mine"):
        model.evaluate(X, Y, verbose=0)
    assert all(module.training for module in model.modules())
    assert torch.is_grad_enabled()
    assert torch.equal(torch.get_rng_state(), before)
