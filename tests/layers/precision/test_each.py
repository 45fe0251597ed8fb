"""Each layer in half types: what it gives, its weights and gradients, and how near it comes."""

from typing import Any

import pytest
import torch
from tests.layers.test_all import MADE, made

from onfit import Input, layers
from onfit.layers.shapes import mapped, tensors_in

HALVES = {"mixed_bfloat16": torch.bfloat16, "mixed_float16": torch.float16}


@pytest.mark.parametrize("policy", HALVES)
@pytest.mark.parametrize("kind", MADE)
def test_a_layer_gives_halves_near_to_what_it_gives_in_floats(kind: str, policy: str) -> None:
    torch.manual_seed(0)
    exact, x = made(kind)
    exact.trainable = True
    exact(x)
    half = getattr(layers, kind)(**MADE[kind][0], dtype=policy)
    half(x)
    half.load_state_dict(exact.state_dict())
    found, expected = tensors_in(half(x)), tensors_in(exact(x))
    for mine, its in zip(found, expected, strict=True):
        assert mine.dtype == (HALVES[policy] if its.is_floating_point() else its.dtype)
        torch.testing.assert_close(mine.to(its.dtype), its, rtol=0.05, atol=0.05)
    if found[0].requires_grad:
        found[0].float().mean().backward()
    weights = [weight for weight in half.weights if weight.is_floating_point()]
    assert {weight.dtype for weight in weights} <= {torch.float32}
    assert {w.grad.dtype for w in weights if w.grad is not None} <= {torch.float32}


@pytest.mark.parametrize("kind", MADE)
def test_symbols_have_the_types_of_what_a_layer_gives(kind: str) -> None:
    _, x = made(kind)
    layer = getattr(layers, kind)(**MADE[kind][0], dtype="mixed_bfloat16")
    begin = mapped(lambda each: Input(each.shape[1:], dtype=each.dtype), torch.Tensor, x)
    symbols = layer(begin)
    listed: list[Any] = list(symbols) if isinstance(symbols, (list, tuple)) else [symbols]
    assert [symbol.dtype for symbol in listed] == [out.dtype for out in tensors_in(layer(x))]


@pytest.mark.parametrize("policy", HALVES)
@pytest.mark.parametrize("size", [0.0, 300.0, 3000.0])
@pytest.mark.parametrize(
    "kind",
    ["RMSNormalization", "UnitNormalization", "LayerNormalization", "BatchNormalization", "masked"],
)
def test_numbers_whose_squares_are_no_halves_are_normalized(kind: str, size: float, policy: str):
    x = size * torch.linspace(-1, 1, 24).reshape(2, 3, 4)
    mask = torch.tensor([[True, True, False], [True, False, False]])
    found = []
    for dtype in ("float32", policy):
        kind_of_layer = "BatchNormalization" if kind == "masked" else kind
        layer = getattr(layers, kind_of_layer)(dtype=dtype)
        given = {"mask": mask} if kind == "masked" else {}
        found.append(layer(x, training=True, **given) if "Batch" in kind_of_layer else layer(x))
    assert found[1].dtype == HALVES[policy]
    torch.testing.assert_close(found[1].float(), found[0], rtol=0.02, atol=0.02)
