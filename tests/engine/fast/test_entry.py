"""Gradients straight from torch's engine: those of torch, with the private entry or without."""

import pytest
import torch
from torch import Tensor

from onfit.engine.fast import entry

X = torch.randn(40, 3, generator=torch.Generator().manual_seed(0))


def test_gradients_are_those_of_torch() -> None:
    net = torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.Tanh(), torch.nn.Linear(4, 1))
    unused = torch.nn.Parameter(torch.zeros(2))
    params = [*net.parameters(), unused]
    expected = torch.autograd.grad(net(X).square().mean(), params, allow_unused=True)
    found = entry.gradients(net(X).square().mean(), params)
    assert found[-1] is None
    assert all(torch.equal(a, b) for a, b in zip(found[:-1], expected[:-1], strict=True))
    assert all(param.grad is None for param in params)


def test_gradients_come_without_the_private_entry_too(monkeypatch: pytest.MonkeyPatch) -> None:
    def takes_other_arguments() -> None: ...

    def gives_something_else(*args: object) -> tuple[Tensor, ...]:
        return (torch.zeros(()),) * 2

    weight = torch.nn.Parameter(torch.ones(3))
    for other in (None, takes_other_arguments, gives_something_else):
        monkeypatch.setattr(entry, "_entry", lambda other=other: other)
        entry._engine.cache_clear()
        assert entry._engine() is None
        (found,) = entry.gradients((weight * X[0]).sum(), [weight])
        assert torch.equal(found, X[0])
    entry._engine.cache_clear()


def test_a_hook_that_changes_the_gradient_of_the_loss_changes_no_other_training() -> None:
    weight = torch.nn.Parameter(torch.tensor(1.0))
    weight.register_hook(lambda grad: grad.mul_(0.5))
    for _ in range(2):
        (found,) = entry.gradients(weight + 0, [weight])
        assert float(found) == 0.5


def test_a_graph_can_be_gone_through_once() -> None:
    weight = torch.nn.Parameter(torch.ones(3))
    loss = weight.square().sum()
    entry.gradients(loss, [weight])
    with pytest.raises(RuntimeError, match="second time"):
        entry.gradients(loss, [weight])
