"""Convolutions: where the channels are, how the kernel lies in memory, and what does not fit."""

from typing import Any

import pytest
import torch

from onfit.errors import ShapeError
from onfit.layers import Conv1D, Conv2D, Input, shapes


@pytest.mark.parametrize("padding", ["valid", "same"])
def test_channels_first_is_channels_last_with_the_axes_moved(padding: str) -> None:
    last = Conv2D(4, 3, strides=2, padding=padding)
    first = Conv2D(4, 3, strides=2, padding=padding, data_format="channels_first")
    x = torch.rand(2, 7, 6, 3)
    y = last(x)
    first(x.movedim(-1, 1))
    first.set_weights(last.get_weights())
    torch.testing.assert_close(first(x.movedim(-1, 1)), y.movedim(-1, 1))


@pytest.mark.parametrize("data_format", ["channels_last", "channels_first"])
def test_a_kernel_has_keras_shape_and_torchs_memory(data_format: str) -> None:
    layer = Conv2D(4, (2, 3), data_format=data_format)
    layer(torch.rand(1, 5, 5, 5))
    assert layer.kernel.shape == (2, 3, 5, 4)
    memory = torch.channels_last if layer.layout.last else torch.contiguous_format
    assert layer.kernel.permute(3, 2, 0, 1).is_contiguous(memory_format=memory)


def test_the_initializer_sees_keras_shape() -> None:
    seen = []

    def ones(shape: tuple[int, ...]) -> torch.Tensor:
        seen.append(shape)
        return torch.ones(shape)

    Conv2D(4, 2, groups=2, kernel_initializer=ones)(torch.rand(1, 5, 5, 6))
    assert seen == [(2, 2, 3, 4)]


def test_a_causal_output_sees_no_later_step() -> None:
    layer = Conv1D(2, 3, padding="causal", dilation_rate=2)
    x = torch.rand(1, 8, 3)
    before = layer(x)
    x[:, 5:] += 1
    after = layer(x)
    assert torch.equal(after[:, :5], before[:, :5])
    assert not torch.isclose(after[:, 5:], before[:, 5:]).any()


def test_bytes_are_taken_as_numbers() -> None:
    layer = Conv2D(2, 3)
    x = torch.randint(0, 255, (1, 5, 5, 1), dtype=torch.uint8)
    assert torch.equal(layer(x), layer(x.float()))


def test_the_last_activation_can_be_left_out() -> None:
    layer = Conv2D(2, 3, activation="relu")
    x = torch.randn(1, 5, 5, 1)
    y = layer(x)
    assert torch.equal(layer.output_activation(layer.preactivation(x)), y)
    assert (layer.preactivation(x) < 0).any()


def test_a_picture_of_any_size_can_be_declared() -> None:
    y = Conv2D(2, 5, strides=2, padding="same")(Input((None, None, 3)))
    assert y.shape == (None, None, None, 2)
    assert Conv2D(2, 5)(Input((None, 9, 3))).shape == (None, None, 5, 2)


def test_wrong_inputs_are_errors_that_name_the_layer() -> None:
    layer = Conv2D(4, 3, name="seen")
    with pytest.raises(
        ShapeError,
        match=r"'seen' \(Conv2D\) expected .*\(batch, height, width, channels\); got .*\(2, 5, 5\)",
    ):
        layer.build((2, 5, 5))
    layer(torch.rand(2, 5, 5, 3))
    with pytest.raises(ShapeError, match=r"for 3 channels \(axis -1\); got .* \(2, 5, 5, 4\)"):
        layer(torch.rand(2, 5, 5, 4))
    with pytest.raises(ShapeError, match=r"\(batch, height, width, channels\); got .*\(5, 5, 3\)"):
        layer(torch.rand(5, 5, 3))


def test_channels_must_be_known() -> None:
    with pytest.raises(ShapeError, match=r"Conv1D makes weights for a known number of channels"):
        Conv1D(4, 3)(Input((10, None)))


def test_channels_first_are_counted_where_they_are() -> None:
    layer = Conv1D(4, 3, data_format="channels_first")
    layer(torch.rand(2, 3, 9))
    assert layer.kernel.shape == (3, 3, 4)
    with pytest.raises(ShapeError, match=r"for 3 channels \(axis 1\)"):
        layer(torch.rand(2, 4, 9))


def test_groups_must_divide_the_channels() -> None:
    with pytest.raises(ShapeError, match=r"groups=2, which must divide .*\(None, 9, 3\)"):
        Conv1D(4, 3, groups=2)(torch.rand(2, 9, 3))


def test_a_kernel_larger_than_its_input_is_an_error_that_names_the_layer() -> None:
    with pytest.raises(ShapeError, match=r"'seen' \(Conv2D\) cannot take .*\(None, 2, 2, 1\)"):
        Conv2D(4, 3, name="seen")(Input((2, 2, 1)))


def test_so_is_one_where_torch_lets_it_through(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shapes, "_is_cheap", lambda *module_and_args: False)  # so it is meta
    monkeypatch.setattr(Conv2D, "forward", lambda self, x: x.new_zeros(len(x), 4, 0, 0))
    with pytest.raises(ShapeError, match=r"'seen' \(Conv2D\) cannot take .*nothing comes out"):
        Conv2D(4, 3, name="seen")(Input((2, 2, 1)))


@pytest.mark.parametrize("data_format", ["channels_last", "channels_first"])
@pytest.mark.parametrize("use_bias", [True, False])
def test_a_subclass_writes_its_own_convolution(data_format: str, use_bias: bool) -> None:
    class Doubled(Conv2D):
        def convolution_op(self, inputs: Any, kernel: Any) -> Any:
            return super().convolution_op(inputs, 2 * kernel)

    options: dict[str, Any] = {"data_format": data_format, "use_bias": use_bias}
    options["bias_initializer"] = "ones"
    x = torch.rand(2, 5, 5, 5)
    plain, doubled = Conv2D(3, 2, **options), Doubled(3, 2, **options)
    plain(x), doubled(x)
    doubled.set_weights(plain.get_weights())
    assert torch.allclose(doubled(x), 2 * plain(x) - (1 if use_bias else 0), atol=1e-5)
