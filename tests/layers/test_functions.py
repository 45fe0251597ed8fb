"""Reshape and Lambda."""

import pytest
import torch

from onfit.errors import ArgumentTypeError, ShapeError
from onfit.layers import Input, Lambda, Reshape


def test_a_sample_gets_another_shape() -> None:
    x = torch.arange(12.0).reshape(2, 6)
    assert torch.equal(Reshape((2, 3))(x), x.reshape(2, 2, 3))
    assert torch.equal(Reshape((-1, 2))(x), x.reshape(2, 3, 2))
    assert Reshape([-1])(Input((2, 3))).shape == (None, 6)
    assert Reshape((-1, 3))(Input((None, 6))).shape == (None, None, 3)


@pytest.mark.parametrize("target", [(4, 2), (-1, 4), (2,)])
def test_sizes_that_do_not_agree_are_an_error_that_names_the_layer(target: tuple[int, ...]) -> None:
    with pytest.raises(ShapeError, match=r"'again' \(Reshape\) .* shape \(2, 3\), 6 values"):
        Reshape(target, name="again")(torch.rand(5, 2, 3))


def test_a_function_is_a_layer() -> None:
    scale = Lambda(lambda x, by: x * by, arguments={"by": 3}, output_shape=(2,))
    assert scale(torch.ones(1, 2)).tolist() == [[3.0, 3.0]]
    first, second = Lambda(lambda x: x.split(1, -1))(Input((2,)))
    assert first.shape == second.shape == (None, 1)
    both = Lambda(lambda pair: pair[0] @ pair[1])
    assert both([Input((2, 3)), Input((3, 4))]).shape == (None, 2, 4)


def test_a_lambda_needs_a_function() -> None:
    with pytest.raises(ArgumentTypeError, match=r"Lambda\(function='scaled'\).*got str"):
        Lambda("scaled")  # type: ignore[arg-type]
