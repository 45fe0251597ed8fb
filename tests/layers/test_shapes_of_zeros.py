"""Shapes are found by a run on zeros where that is cheap: it must leave no trace in the layer."""

import sys

import pytest
import torch
from torch import Tensor, nn

from onfit.layers import shapes
from onfit.layers.shapes import Spec


@pytest.fixture(params=["zeros", "meta"])
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Both ways to find a shape."""
    monkeypatch.setattr(shapes, "_is_cheap", lambda *args: request.param == "zeros")
    return str(request.param)


class Counting(nn.Module):
    """Changes a buffer, and draws numbers, whenever it is called."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(3))
        self.register_buffer("calls", torch.zeros(()))

    def forward(self, x: Tensor) -> Tensor:
        self.calls += 1
        return torch.cat([x * self.weight, torch.rand_like(x)], -1)


def test_both_ways_find_the_same(way: str) -> None:
    (spec,) = [shapes.inferred(Counting(), (Spec((None, 3), torch.float32),), {})]
    assert spec == Spec((None, 6), torch.float32)


def test_an_axis_that_varies_stays_unknown(way: str) -> None:
    layer = nn.Conv1d(2, 4, 3)
    spec = shapes.inferred(layer, (Spec((None, 2, None), torch.float32),), {})
    assert spec == Spec((None, 4, None), torch.float32)


def test_no_trace_is_left(way: str) -> None:
    layer = Counting()
    before = torch.get_rng_state()
    shapes.inferred(layer, (Spec((None, 3), torch.float32),), {})
    assert layer.calls == 0
    assert torch.equal(torch.get_rng_state(), before)
    assert layer.weight.grad is None


def test_what_is_large_is_not_run_for_real(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "torch._dynamo", raising=False)
    image = (Spec((None, 28, 28, 1), torch.float32),)
    assert shapes._is_cheap(nn.Linear(784, 128), (Spec((None, 784), torch.float32),))
    assert shapes._is_cheap(nn.Conv2d(1, 32, 3), image)
    assert not shapes._is_cheap(nn.Linear(8192, 8192), (Spec((None, 8192), torch.float32),))
    assert not shapes._is_cheap(nn.LSTM(512, 512), (Spec((None, None, 512), torch.float32),))


def test_where_the_compiler_is_loaded_meta_costs_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torch._dynamo", sys.modules["torch"])
    assert not shapes._is_cheap(nn.Linear(2, 2), (Spec((None, 2), torch.float32),))
