"""Gradients come from torch.autograd.grad, or from loss.backward() where only that will do."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel
from torch.utils.checkpoint import checkpoint

from onfit import Input, Model, Sequential
from onfit.callbacks import LambdaCallback
from onfit.engine.step.backward import accumulated, needs_backward
from onfit.layers import Dense, TorchModule

X = torch.randn(8, 4, generator=torch.Generator().manual_seed(0))
Y = X.sum(1, keepdim=True)


class Scaled(torch.autograd.Function):
    """A function of a user, which could do anything on its way back."""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        return x * 2

    @staticmethod
    def backward(ctx: Any, of_output: Tensor) -> Tensor:
        return of_output * 2


class Applied(nn.Module):
    """A linear layer, and a function that computes with it."""

    def __init__(self, function: Callable[[Any, Tensor], Tensor]) -> None:
        super().__init__()
        self.linear = nn.Linear(4, 1)
        self.function = function

    def forward(self, x: Tensor) -> Tensor:
        return self.function(self.linear, x)


def checkpointed(linear: Any, x: Tensor) -> Tensor:
    return checkpoint(linear, x.requires_grad_(), use_reentrant=True)


def newly_checkpointed(linear: Any, x: Tensor) -> Tensor:
    return checkpoint(linear, x, use_reentrant=False)


def leaf_of(param: Tensor) -> Any:
    """The node that adds to `param.grad`."""
    return torch.autograd.graph.get_gradient_edge(param).node


def needs(net: nn.Module) -> bool:
    params = list(net.parameters())
    return needs_backward(net, (net(X.clone()) - Y).square().mean(), params)


def test_most_nets_do_not_need_it() -> None:
    for net in (
        nn.Linear(4, 1),
        Applied(newly_checkpointed),
        torch.compile(nn.Linear(4, 1), backend="eager"),
        torch.compile(nn.Linear(4, 1), backend="aot_eager"),
        nn.DataParallel(nn.Linear(4, 1)),
    ):
        assert not needs(net)
    hooked = nn.Linear(4, 1)
    hooked.weight.register_hook(lambda grad: grad * 2)  # called in either way
    assert not needs(hooked)


def test_checkpoints_of_the_older_kind_and_functions_of_users_need_it() -> None:
    assert needs(Applied(checkpointed))
    assert needs(Applied(lambda linear, x: Scaled.apply(linear(x))))
    assert needs(nn.Sequential(nn.Linear(4, 4), Applied(checkpointed)))


def test_hooks_that_wait_for_grad_need_it() -> None:
    net = nn.Sequential(nn.Linear(4, 2), nn.Linear(2, 1))
    handle = net[1].bias.register_post_accumulate_grad_hook(lambda param: None)
    assert needs(net)
    handle.remove()
    assert not needs(net)
    node = leaf_of(net[0].weight)
    handle = node.register_hook(lambda *of_node: None)
    assert needs(net)
    handle.remove()
    assert not needs(net)


def test_hooks_of_leaves_are_called_in_fit() -> None:
    net, calls = nn.Linear(4, 1), []
    node = leaf_of(net.weight)  # such a hook lives as long as its node
    node.register_hook(lambda *of_node: calls.append(net.weight.grad is not None))
    model = Model(net)
    model.compile("sgd", "mse")
    model.fit(X, Y, batch_size=4, verbose=0)
    assert calls == [True, True]


@pytest.fixture
def group() -> Iterator[None]:
    dist.init_process_group("gloo", store=dist.HashStore(), rank=0, world_size=1)
    yield
    dist.destroy_process_group()


def test_in_a_process_group_every_net_does(group: None) -> None:
    assert needs(nn.Linear(4, 1))


def test_a_wrapper_is_known_without_its_group(group: None) -> None:
    x = Input((4,))
    part = TorchModule(DistributedDataParallel(nn.Linear(4, 1)))
    for net in (DistributedDataParallel(nn.Linear(4, 1)), Sequential([part]), Model(x, part(x))):
        loss = (net(X) - Y).square().mean()
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(dist, "is_initialized", lambda: False)
            assert needs_backward(net, loss, list(net.parameters()))


def test_the_way_is_found_anew_when_a_layer_is_unfrozen() -> None:
    def sometimes(linear: Any, x: Tensor) -> Tensor:
        return checkpointed(linear, x) if linear.weight.requires_grad else linear(x)

    net = nn.Sequential(Applied(sometimes), nn.Linear(1, 1))
    net[0].linear.requires_grad_(False)
    model = Model(net)
    model.compile("sgd", "mse")
    start = net[0].linear.weight.detach().clone()

    def unfreeze(epoch: int, logs: Any) -> None:
        assert epoch or torch.equal(net[0].linear.weight, start)
        net[0].linear.requires_grad_(True)

    model.fit(X.clone(), Y, verbose=0, epochs=2, callbacks=[LambdaCallback(on_epoch_end=unfreeze)])
    assert not torch.equal(net[0].linear.weight, start)


def test_what_grad_held_is_there_after_a_backward_pass() -> None:
    net = nn.Linear(4, 1)
    held = net.weight.grad = torch.ones_like(net.weight)
    loss = (net(X) - Y).square().mean()
    expected = torch.autograd.grad(loss, list(net.parameters()), retain_graph=True)
    found = accumulated(loss, list(net.parameters()))
    assert all(torch.equal(a, b) for a, b in zip(found, expected, strict=True))
    assert net.weight.grad is held
    assert net.bias.grad is None
    with pytest.raises(RuntimeError, match="a second time"):
        accumulated(loss, list(net.parameters()))
    assert net.weight.grad is held


def test_to_look_at_gradients_calls_no_hook_that_may_train() -> None:
    net, calls = nn.Linear(4, 1), []
    net.weight.register_post_accumulate_grad_hook(calls.append)
    model = Model(net)
    model.compile("sgd", "mse")
    assert [name for name, _ in model.named_gradients(X, Y)] == ["weight", "bias"]
    assert not calls


def test_to_look_at_gradients_does_in_ddp_and_checkpoints(group: None) -> None:
    for net in (DistributedDataParallel(nn.Linear(4, 1)), Applied(checkpointed)):
        model = Model(net)
        model.compile("sgd", "mse")
        for _ in range(2):  # DDP refuses a second forward pass if the first was not finished
            model.fit(X.clone(), Y, verbose=0)
            assert len(model.named_gradients(X.clone(), Y)) == 2
        assert all(param.grad is None for param in net.parameters())


def test_a_stack_with_hooks_on_leaves_goes_through_torchs_engine() -> None:
    model, calls = Sequential([Dense(1, input_dim=4)]), []
    node = leaf_of(model.layers[0].kernel)
    node.register_hook(lambda *of_node: calls.append(1))
    model.compile("sgd", "mse")
    model.fit(X, Y, verbose=0)
    assert calls == [1]
