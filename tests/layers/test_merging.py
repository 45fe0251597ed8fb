"""Merges: what they compute, and which shapes they take."""

import pytest
import torch

from onfit import layers
from onfit.errors import ArgumentError, ArgumentTypeError, ShapeError
from onfit.layers import Add, Average, Concatenate, Dot, Input, Subtract

A, B, C = torch.tensor([[1.0, 5.0]]), torch.tensor([[4.0, 2.0]]), torch.tensor([[0.0, 9.0]])


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("Add", [5, 16]),
        ("Multiply", [0, 90]),
        ("Average", [5 / 3, 16 / 3]),
        ("Maximum", [4, 9]),
        ("Minimum", [0, 2]),
    ],
)
def test_several_are_merged_value_by_value(kind: str, expected: list[float]) -> None:
    merged = getattr(layers, kind)()([A, B, C])
    assert merged.flatten().tolist() == pytest.approx(expected)
    assert torch.equal(getattr(layers, kind)()([A]), A)


def test_the_second_is_taken_from_the_first() -> None:
    assert Subtract()([A, B]).tolist() == [[-3.0, 3.0]]
    with pytest.raises(ArgumentError, match="Subtract takes two tensors; got 3"):
        Subtract()([A, B, C])


def test_inputs_are_left_as_they_are() -> None:
    first = A.clone()
    Average()([first, B])
    assert torch.equal(first, A)


def test_fewer_axes_are_filled_up_behind_the_batch() -> None:
    square, rows = torch.rand(4, 4, 3), torch.rand(4, 3)
    assert torch.equal(Add()([square, rows]), square + rows[:, None])


@pytest.mark.parametrize("shapes", [[(2, 3), (2, 4)], [(2, 4, 3), (2, 4)], [(2, 3), (4, 3)]])
def test_shapes_that_do_not_fit_are_an_error_that_names_them(shapes: list[tuple[int]]) -> None:
    layer = Add(name="sum")
    symbols = [Input(batch_shape=shape) for shape in shapes]
    listed = r"\(None, 3\), \(None, 4\)" if shapes[0][1:] == (3,) and shapes[1][1] == 4 else ""
    with pytest.raises(ShapeError, match=rf"layer 'sum' \(Add\) .*{listed}"):
        layer(symbols)


def test_one_tensor_is_no_list() -> None:
    with pytest.raises(
        ArgumentTypeError, match=r"Add takes a list of tensors: Add\(\)\(\[a, b\]\)"
    ):
        Add()(A)
    with pytest.raises(ArgumentTypeError, match="list of tensors"):
        Add()(Input((2,)))


def test_tensors_follow_each_other_along_an_axis() -> None:
    assert Concatenate()([A, B]).tolist() == [[1, 5, 4, 2]]
    assert Concatenate(axis=0)([A, B]).tolist() == [[1, 5], [4, 2]]
    assert Concatenate()([Input((None, 2)), Input((None, 5))]).shape == (None, None, 7)


@pytest.mark.parametrize("shapes", [[(3, 2), (4, 2)], [(3, 2), (2,)]])
def test_what_cannot_follow_each_other_is_an_error(shapes: list[tuple[int, ...]]) -> None:
    with pytest.raises(ShapeError, match=r"differ along axis -1 alone; got shapes \(None, 3, 2\)"):
        Concatenate()([Input(shape) for shape in shapes])


def test_an_axis_that_is_not_there_is_an_error() -> None:
    with pytest.raises(ShapeError, match="differ along axis 2 alone"):
        Concatenate(axis=2)([A, B])


def test_products_are_summed_along_the_axes() -> None:
    x, y = torch.rand(2, 3, 4), torch.rand(2, 4, 5)
    torch.testing.assert_close(Dot(axes=(2, 1))([x, y]), x @ y)
    torch.testing.assert_close(Dot(axes=(-1, -2))([x, y]), x @ y)
    assert Dot(axes=1)([A, B]).tolist() == [[14.0]]


def test_normalized_products_are_cosines() -> None:
    assert Dot(axes=1, normalize=True)([A, 3 * A]).item() == pytest.approx(1)


@pytest.mark.parametrize("axes", [0, 1, (2, 2), 3, (1, -3)])
def test_axes_that_cannot_be_multiplied_are_an_error(axes: int | tuple[int, int]) -> None:
    with pytest.raises(ShapeError, match=r"equally long and not the batch; got shapes"):
        Dot(axes)([torch.rand(2, 3, 4), torch.rand(2, 4, 5)])


def test_a_dot_takes_two() -> None:
    with pytest.raises(ArgumentError, match="two tensors and an axis of each; got 3"):
        Dot(1)([A, B, C])
    with pytest.raises(ArgumentError, match=r"axes=\(1, 1, 1\)"):
        Dot((1, 1, 1))([A, B])
