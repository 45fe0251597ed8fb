"""`observe_gradients`: each step's gradients are in `.grad`, before and after the optimizer."""

import copy
import pickle
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
import torch
import torch.distributed as dist
from torch import nn
from torch.nn.parallel import DistributedDataParallel
from torch.utils.checkpoint import checkpoint

from onfit import Input, Model, Sequential, layers, optimizers
from onfit.callbacks import LambdaCallback
from onfit.engine.model.face_of_net import adapt
from onfit.errors import CapabilityError, NotReadyError

X = torch.randn(32, 4, generator=torch.Generator().manual_seed(0))
Y = X.sum(1, keepdim=True)


def stack() -> Model:
    return Sequential([layers.Dense(3, activation="tanh", input_dim=4), layers.Dense(1)])


def net() -> Model:
    return Model(nn.Sequential(nn.Linear(4, 3), nn.Tanh(), nn.Linear(3, 1)))


def of_two_outputs() -> Model:
    x = Input((4,))
    hidden = layers.Dense(3, activation="tanh")(x)
    return Model(x, [layers.Dense(1)(hidden), layers.Dense(1)(hidden)])


def with_its_own_step() -> Model:
    class Stepping(Model):
        def __init__(self) -> None:
            super().__init__()
            self.net = nn.Linear(4, 1)

        def forward(self, x: Any) -> Any:
            return self.net(x)

        def train_step(self, data: Any) -> Any:
            x, y = data
            loss = self.compute_loss(y=y, y_pred=self(x))
            self.optimizer.apply(torch.autograd.grad(loss, self.trainable_weights))
            return {"loss": loss}

    return Stepping()


def checkpointed() -> Model:
    class Checkpointed(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.first, self.last = nn.Linear(4, 3), nn.Linear(3, 1)

        def forward(self, x: Any) -> Any:
            return self.last(checkpoint(self.first, x.requires_grad_(), use_reentrant=True))

    return Model(Checkpointed())


MODELS = [stack, net, of_two_outputs, with_its_own_step, checkpointed]
OPTIMIZERS = ["sgd", "adam", torch.optim.SGD, torch.optim.Adam]
every_model = pytest.mark.parametrize("make", MODELS, ids=lambda make: make.__name__)
every_optimizer = pytest.mark.parametrize("optimizer", OPTIMIZERS, ids=str)


def made(make: Callable[[], Model], optimizer: Any = "sgd") -> Model:
    torch.manual_seed(0)
    model = make()
    model.compile(optimizer, "mse")
    return model


def fit(model: Model, **more: Any) -> None:
    y = [Y] * len(model.output_names) if len(model.output_names) > 1 else Y
    model.fit(X.clone(), y, batch_size=16, shuffle=False, verbose=0, **more)


def grads_of(model: Model) -> list[Any]:
    return [param.grad for param in model.parameters()]


def by_hand(model: Model, x: torch.Tensor) -> list[torch.Tensor]:
    """The gradients of the mean squared error on 16 samples, by torch."""
    outputs = model(x)
    outputs = outputs if isinstance(outputs, list) else [outputs]
    loss = sum((output - Y[:16]).square().mean() for output in outputs)
    return list(torch.autograd.grad(loss, list(model.parameters())))


@every_model
@every_optimizer
def test_they_are_there_before_the_update_and_at_the_end_of_the_batch(
    make: Callable[[], Model], optimizer: Any
) -> None:
    model = made(make, optimizer)
    plain = made(make, optimizer)
    expected = [] if make is checkpointed else by_hand(plain, X[:16])
    fit(plain)
    before, after, weights = [], [], [list(map(torch.clone, model.parameters()))]

    def look() -> None:
        before.append(grads_of(model))
        assert torch.is_grad_enabled()
        for old, new in zip(weights[-1], model.parameters(), strict=True):
            assert torch.equal(old, new)  # not updated yet

    def keep(batch: int, logs: Any) -> None:
        after.append(grads_of(model))
        weights.append(list(map(torch.clone, model.parameters())))

    end = model.observe_gradients(look)
    fit(model, callbacks=[LambdaCallback(on_train_batch_end=keep)])
    assert len(before) == len(after) == 2
    for one, other in zip(before, after, strict=True):
        assert all(a is b and a is not None for a, b in zip(one, other, strict=True))
    for found, right in zip(before[0], expected, strict=bool(expected)):
        torch.testing.assert_close(found, right, rtol=1e-5, atol=1e-6)
    for a, b in zip(model.get_weights(), plain.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    assert not any(a is b for a, b in zip(*before, strict=True))
    end()
    assert grads_of(model) == [None] * len(before[0])
    fit(model)
    assert len(before) == 2
    assert grads_of(model) == [None] * len(before[0])


@every_model
@every_optimizer
@pytest.mark.parametrize("way", ["in place", "another tensor", "none"])
def test_what_is_changed_there_is_what_the_optimizer_gets(
    make: Callable[[], Model], optimizer: Any, way: str
) -> None:
    model = made(make, optimizer)
    start = model.get_weights()

    def change() -> None:
        for param in model.parameters():
            if way == "in place":
                param.grad.zero_()
            else:
                param.grad = torch.zeros_like(param.grad) if way == "another tensor" else None

    end = model.observe_gradients(change)
    fit(model)
    for a, b in zip(model.get_weights(), start, strict=True):
        np.testing.assert_array_equal(a, b)
    end()
    fit(model)
    assert not np.array_equal(model.get_weights()[0], start[0])


def test_gradients_that_were_kept_are_not_written_over() -> None:
    model = made(stack)
    seen: list[Any] = []
    copies: list[Any] = []

    def keep() -> None:
        seen.append(grads_of(model))
        copies.append([grad.clone() for grad in seen[-1]])

    end = model.observe_gradients(keep)
    fit(model, epochs=3)
    end()
    for kept, copied in zip(seen, copies, strict=True):
        assert all(torch.equal(a, b) for a, b in zip(kept, copied, strict=True))


@every_optimizer
def test_of_frozen_layers_there_are_none(optimizer: Any) -> None:
    model = made(stack, optimizer)
    seen: list[Any] = []

    def freeze(batch: int, logs: Any) -> None:
        seen.append([grad is not None for grad in grads_of(model)])
        model.layers[0].trainable = False

    end = model.observe_gradients()
    fit(model, callbacks=[LambdaCallback(on_train_batch_end=freeze)])
    assert seen == [[True] * 4, [False, False, True, True]]
    end()
    assert grads_of(model) == [None] * 4


@every_model
@every_optimizer
@pytest.mark.parametrize("observed", [True, False], ids=["observed", "unobserved"])
def test_gradients_of_a_users_accumulation_are_there_afterwards(
    make: Callable[[], Model], optimizer: Any, observed: bool
) -> None:
    model, plain = made(make, optimizer), made(make, optimizer)
    waiting = [torch.full_like(param, 7.0) for param in model.parameters()]
    for param, grad in zip(model.parameters(), waiting, strict=True):
        param.grad = grad
    end = model.observe_gradients() if observed else lambda: None
    fit(model)
    end()
    assert all(a is b for a, b in zip(grads_of(model), waiting, strict=True))
    assert all(bool((grad == 7).all()) for grad in waiting)
    fit(plain)
    for a, b in zip(model.get_weights(), plain.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


@every_optimizer
def test_several_observers_and_steps_of_one_batch(optimizer: Any) -> None:
    model, calls = made(stack, optimizer), []
    ends = [model.observe_gradients(lambda n=n: calls.append(n)) for n in (1, 2)]
    model.train_on_batch(X, Y)
    assert calls == [1, 2]
    ends[0]()
    ends[0]()
    model.train_on_batch(X, Y)
    assert calls == [1, 2, 2]
    assert grads_of(model)[0] is not None
    ends[1]()
    model.train_on_batch(X, Y)
    assert calls == [1, 2, 2]
    assert grads_of(model)[0] is None


def test_it_goes_over_to_the_optimizer_of_another_compile() -> None:
    model, calls = made(stack), []
    end = model.observe_gradients(lambda: calls.append(1))
    for optimizer in ("adam", torch.optim.Adam, model.optimizer):
        model.compile(optimizer, "mse")
        model.train_on_batch(X, Y)
    assert calls == [1] * 3
    end()
    assert model.optimizer.watch is None
    model.train_on_batch(X, Y)
    assert calls == [1] * 3


@every_optimizer
def test_a_copy_is_not_observed(optimizer: Any) -> None:
    model, calls = made(stack, optimizer), []
    fit(model)
    end = model.observe_gradients(lambda: calls.append(1))
    for other in (copy.deepcopy(model), pickle.loads(pickle.dumps(model))):
        other.train_on_batch(X, Y)
        assert not calls
        assert grads_of(other)[0] is None
    end()


def test_an_error_in_it_ends_the_training_and_leaves_nothing() -> None:
    for optimizer in OPTIMIZERS:
        model = made(stack, optimizer)
        end = model.observe_gradients(lambda: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            fit(model)
        end()
        assert grads_of(model) == [None] * 4


# --- loops that users write ------------------------------------------------------------------


def test_in_a_loop_of_ones_own_the_torch_optimizer_says_when() -> None:
    module = nn.Linear(4, 1)
    optimizer = torch.optim.SGD(module.parameters(), lr=0.1)
    model = adapt(module, optimizer)

    def step() -> None:
        optimizer.zero_grad()
        (module(X) - Y).square().mean().backward()
        optimizer.step()

    def stop() -> None:
        seen.append(module.weight.grad.clone())
        module.weight.grad.zero_()

    seen: list[Any] = []
    start = module.weight.detach().clone()
    end = model.observe_gradients(stop)
    step()
    assert float(seen[0].abs().sum()) > 0
    assert torch.equal(module.weight, start)
    end()
    step()
    assert len(seen) == 1
    assert not torch.equal(module.weight, start)
    assert module.weight.grad is not None  # the loop's own


def test_each_of_several_torch_optimizers_does() -> None:
    module = nn.ModuleDict({"a": nn.Linear(4, 1), "b": nn.Linear(4, 1)})
    both = [torch.optim.SGD(module[name].parameters(), lr=0.1) for name in "ab"]
    model, calls = adapt(module, both), []
    end = model.observe_gradients(lambda: calls.append(1))
    for optimizer in both:
        optimizer.step()
    end()
    for optimizer in both:
        optimizer.step()
    assert calls == [1, 1]


def test_so_does_one_in_a_wrapper() -> None:
    class Around:
        def __init__(self, optimizer: Any) -> None:
            self.optimizer = optimizer
            self.param_groups = optimizer.param_groups
            self.step = optimizer.step

    module = nn.Linear(4, 1)
    around = Around(torch.optim.SGD(module.parameters(), lr=0.1))
    model, calls = adapt(module, around), []
    end = model.observe_gradients(lambda: calls.append(1))
    around.step()
    end()
    assert calls == [1]


def test_without_an_optimizer_to_wait_for_it_is_an_error() -> None:
    model = adapt(nn.Linear(4, 1))
    model.observe_gradients()()
    with pytest.raises(NotReadyError, match="pass optimizer= to Run"):
        model.observe_gradients(print)

    class Plain:
        def __init__(self, params: Any) -> None:
            self.param_groups = [{"params": list(params), "lr": 0.1}]

    module = nn.Linear(4, 1)
    with pytest.raises(CapabilityError, match="Plain has no register_step_pre_hook"):
        adapt(module, Plain(module.parameters())).observe_gradients(print)


# --- DDP -------------------------------------------------------------------------------------


@pytest.fixture
def group() -> Iterator[None]:
    dist.init_process_group("gloo", store=dist.HashStore(), rank=0, world_size=1)
    yield
    dist.destroy_process_group()


@every_optimizer
def test_of_a_net_in_ddp_they_are_those_of_all_processes(group: None, optimizer: Any) -> None:
    module = nn.Linear(4, 1)
    model = Model(DistributedDataParallel(module))
    model.compile(optimizer, "mse")
    seen: list[Any] = []
    end = model.observe_gradients(lambda: seen.append(module.weight.grad.clone()))
    fit(model)
    assert [float(grad.abs().sum()) > 0 for grad in seen] == [True, True]
    assert module.weight.grad is not None
    end()
    assert module.weight.grad is None


def test_an_optimizer_of_ones_own_is_observed_too() -> None:
    class Slow(optimizers.SGD):
        def apply(self, grads: Any) -> None:
            super().apply([None if grad is None else grad / 2 for grad in grads])

    for make in (stack, with_its_own_step):
        model, calls, plain = made(make, Slow(0.2)), [], made(make, optimizers.SGD(0.1))
        model.observe_gradients(lambda model=model, calls=calls: calls.append(grads_of(model)))
        model.train_on_batch(X, Y)
        plain.train_on_batch(X, Y)
        assert len(calls) == 1
        assert calls[0][0] is not None
        for a, b in zip(model.get_weights(), plain.get_weights(), strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-6)


@every_optimizer
def test_a_step_of_ones_own_trains_what_is_unfrozen_now(optimizer: Any) -> None:
    model = made(with_its_own_step, optimizer)
    start = model.get_weights()
    model.train_on_batch(X, Y)  # the first step of all
    assert not np.array_equal(model.get_weights()[0], start[0])
    model.net.weight.requires_grad_(False)
    before = model.get_weights()
    fit(model)
    after = model.get_weights()
    np.testing.assert_array_equal(after[0], before[0])
    assert not np.array_equal(after[1], before[1])
