"""Pooling: what lies in a window, and what is put around it."""

import pytest
import torch

from onfit import layers
from onfit.errors import ShapeError
from onfit.layers import AveragePooling1D, AveragePooling2D, MaxPooling1D, MaxPooling2D

LINE = torch.tensor([1.0, 2.0, 3.0, 4.0, 5.0])[None, :, None]


def test_windows_do_not_overlap_unless_asked_to() -> None:
    assert MaxPooling1D()(LINE).flatten().tolist() == [2, 4]
    assert MaxPooling1D(strides=1)(LINE).flatten().tolist() == [2, 3, 4, 5]
    assert MaxPooling1D(3, strides=2)(LINE).flatten().tolist() == [3, 5]


def test_what_is_put_around_is_never_the_largest() -> None:
    assert MaxPooling1D(padding="same")(-LINE).flatten().tolist() == [-1, -3, -5]
    assert MaxPooling1D(3, strides=1, padding="same")(-LINE).flatten().tolist() == [
        -1, -1, -2, -3, -4,
    ]  # fmt: skip


def test_what_is_put_around_counts_for_nothing_in_a_mean() -> None:
    even = AveragePooling1D(3, strides=1, padding="same")(LINE)
    assert even.flatten().tolist() == pytest.approx([1.5, 2, 3, 4, 4.5])
    uneven = AveragePooling1D(2, padding="same")(LINE)
    assert uneven.flatten().tolist() == pytest.approx([1.5, 3.5, 5])
    corner = AveragePooling2D(2, padding="same")(torch.arange(9.0).reshape(1, 3, 3, 1))
    assert corner.flatten().tolist() == pytest.approx([2, 3.5, 6.5, 8])


def test_strides_longer_than_the_window_pass_values_over() -> None:
    assert MaxPooling1D(1, strides=3, padding="same")(LINE).flatten().tolist() == [1, 4]


@pytest.mark.parametrize("kind", ["MaxPooling", "AveragePooling"])
@pytest.mark.parametrize("padding", ["valid", "same"])
def test_channels_first_is_channels_last_with_the_axes_moved(kind: str, padding: str) -> None:
    pooling = getattr(layers, f"{kind}2D")
    x = torch.rand(2, 7, 6, 3)
    options = {"pool_size": (3, 2), "strides": 2, "padding": padding}
    first = pooling(data_format="channels_first", **options)(x.movedim(-1, 1))
    torch.testing.assert_close(first.movedim(1, -1), pooling(**options)(x))


@pytest.mark.parametrize(("kind", "expected"), [("Average", 3.5), ("Max", 6.0)])
def test_all_of_space_becomes_one_value(kind: str, expected: float) -> None:
    x = torch.arange(1.0, 7.0).reshape(1, 2, 3, 1)
    image, sequence = (getattr(layers, f"Global{kind}Pooling{rank}D") for rank in (2, 1))
    assert image()(x).tolist() == [[expected]]
    assert image(keepdims=True)(x).shape == (1, 1, 1, 1)
    assert image(data_format="channels_first")(x.movedim(-1, 1)).tolist() == [[expected]]
    assert image(data_format="channels_first", keepdims=True)(x).shape == (1, 2, 1, 1)
    assert sequence()(x.reshape(1, 6, 1)).tolist() == [[expected]]


@pytest.mark.parametrize(
    ("kind", "axes"),
    [
        ("MaxPooling1D", r"\(batch, steps, channels\)"),
        ("AveragePooling2D", r"\(batch, height, width, channels\)"),
        ("GlobalMaxPooling2D", r"\(batch, height, width, channels\)"),
        ("GlobalAveragePooling1D", r"\(batch, steps, channels\)"),
    ],
)
def test_other_axes_are_an_error_that_names_the_layer(kind: str, axes: str) -> None:
    layer = getattr(layers, kind)(name="seen")
    with pytest.raises(ShapeError, match=rf"'seen' \({kind}\) expected .*{axes}; got .*\(2, 5\)"):
        layer(torch.rand(2, 5))


def test_sizes_that_vary_stay_so() -> None:
    assert MaxPooling2D(2)(layers.Input((None, 8, 3))).shape == (None, None, 4, 3)
    assert layers.GlobalMaxPooling1D()(layers.Input((None, 3))).shape == (None, 3)


def test_a_mean_of_a_volume_counts_no_padding() -> None:
    x = torch.randn(2, 4, 5, 6, 3)
    found = layers.AveragePooling3D(3, strides=2, padding="same")(x)
    assert found.shape == (2, 2, 3, 3, 3)
    # Of 4 voxels the windows begin at 0; of 5 at -1; of 6 at 0.
    torch.testing.assert_close(found[:, 0, 0, 0], x[:, :3, :2, :3].mean((1, 2, 3)))
    torch.testing.assert_close(found[:, 1, 2, 2], x[:, 2:, 3:, 4:].mean((1, 2, 3)))
