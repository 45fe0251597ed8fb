"""The chain rule beside hooks and changes of the model: the engine takes over."""

from typing import Any

import pytest
import torch
from tests.engine.fast.stacks import (
    CLASSES,
    Unhashable,
    assert_equal,
    compiled,
    dense,
    plain,
    through_engine,
    trained,
    when,
)
from torch import Tensor, nn
from torch.nn.utils import parametrize

from onfit import Sequential, activations, layers


def hooked_forward(model: Sequential) -> None:
    model.layers[0].register_forward_hook(lambda layer, args, output: output * 2)


def hooked_model(model: Sequential) -> None:
    model.register_forward_hook(lambda model, args, output: output * 2)


def hooked_before(model: Sequential) -> None:
    model.layers[1].register_forward_pre_hook(lambda layer, args: (args[0] * 2,))


def hooked_backward(model: Sequential) -> None:
    model.layers[1].register_full_backward_hook(lambda layer, into, out: (into[0] * 2,))


def hooked_gradient(model: Sequential) -> None:
    model.layers[0].kernel.register_hook(lambda gradient: gradient * 2)


def hooked_grad(model: Sequential) -> None:
    def doubled(param: Tensor) -> None:
        param.grad = param.grad * 2

    model.layers[0].kernel.register_post_accumulate_grad_hook(doubled)


def frozen(model: Sequential) -> None:
    model.layers[0].trainable = False


def put_on_the_layer(model: Sequential) -> None:
    layer = model.layers[0]
    original = layer.forward
    layer.forward = lambda x: original(x) * 2


def put_on_the_model(model: Sequential) -> None:
    original = model.logits
    model.logits = lambda *args: original(*args) * 2


def computed_from_others(model: Sequential) -> None:
    class Doubled(nn.Module):
        def forward(self, weight: Tensor) -> Tensor:
            return weight * 2

    parametrize.register_parametrization(model.layers[0], "kernel", Doubled())


LOOKING = [
    hooked_model, hooked_forward, hooked_before, hooked_backward, hooked_gradient, hooked_grad,
    frozen, put_on_the_layer, put_on_the_model, computed_from_others,
]  # fmt: skip


@pytest.mark.parametrize("prepare", LOOKING)
def test_whoever_looks_in_between_is_heard(
    prepare: Any, ways: list[bool], monkeypatch: pytest.MonkeyPatch
) -> None:
    found = trained(plain, prepare=prepare)
    assert not any(ways)
    assert_equal(found, through_engine(monkeypatch, plain, prepare=prepare))


def another_layer(model: Any) -> None:
    model.add(layers.Activation("softmax"))


def another_activation(model: Any) -> None:
    model.layers[0].activation = activations.tanh


def an_unhashable_activation(model: Any) -> None:
    model.layers[0].activation = Unhashable()


@pytest.mark.parametrize(
    "act",
    [
        hooked_model,
        hooked_forward,
        hooked_backward,
        hooked_gradient,
        frozen,
        another_layer,
        another_activation,
        an_unhashable_activation,
    ],
)
def test_even_who_comes_in_mid_training(
    act: Any, ways: list[bool], monkeypatch: pytest.MonkeyPatch
) -> None:
    found = trained(plain, callbacks=[when(2, act)])
    assert ways == [True] * 3 + [False] * 7
    assert_equal(found, through_engine(monkeypatch, plain, callbacks=[when(2, act)]))


def test_an_activation_that_is_replaced_behind_a_dropout_draws_nothing_twice(
    ways: list[bool], monkeypatch: pytest.MonkeyPatch
) -> None:
    def make() -> Sequential:
        return compiled(layers.Dropout(0.5), dense(24, "relu"), dense(CLASSES, "softmax"))

    callbacks = [when(2, lambda model: setattr(model.layers[1], "activation", torch.sin))]
    found = trained(make, callbacks=callbacks)
    assert ways == [True] * 3 + [False] * 7
    assert_equal(found, through_engine(monkeypatch, make, callbacks=callbacks))


def test_whoever_goes_again_leaves_no_trace(
    ways: list[bool], monkeypatch: pytest.MonkeyPatch
) -> None:
    handles: list[Any] = []

    def come(model: Any) -> None:
        handles.append(model.layers[0].register_forward_hook(lambda *of_layer: None))

    def go(model: Any) -> None:
        handles.pop().remove()

    callbacks = [when(1, come), when(3, go)]
    found = trained(plain, callbacks=callbacks)
    assert ways == [True] * 2 + [False] * 2 + [True] * 6
    assert_equal(found, through_engine(monkeypatch, plain, callbacks=callbacks))


def test_hooks_of_all_modules_are_heard(ways: list[bool]) -> None:
    seen: list[nn.Module] = []
    handle = nn.modules.module.register_module_forward_hook(lambda layer, *_: seen.append(layer))
    try:
        trained(plain, epochs=1)
    finally:
        handle.remove()
    assert ways == [False] * 5
    assert any(isinstance(layer, layers.Dense) for layer in seen)


def test_autocast_and_anomalies_are_the_engines(
    ways: list[bool], monkeypatch: pytest.MonkeyPatch
) -> None:
    with torch.autocast("cpu", torch.bfloat16):
        assert_equal(trained(plain), through_engine(monkeypatch, plain))
    with pytest.warns(UserWarning, match="Anomaly"), torch.autograd.detect_anomaly():
        trained(plain, epochs=1)
    assert not any(ways)


def test_weights_of_samples_are_the_engines(
    ways: list[bool], monkeypatch: pytest.MonkeyPatch
) -> None:
    weight = torch.arange(44.0)
    found = trained(plain, sample_weight=weight)
    assert not any(ways)
    assert_equal(found, through_engine(monkeypatch, plain, sample_weight=weight))
