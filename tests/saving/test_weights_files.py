"""Weights find the layers they belong to, or none at all."""

from contextlib import nullcontext

import h5py
import numpy as np
import pytest
import torch
from torch import nn

from onfit import layers
from onfit.errors import FileFormatError
from onfit.models import Model, Sequential
from onfit.saving import layout
from onfit.saving.hdf5 import Found


def stack(*units, names=None, inputs=4):
    model = Sequential([layers.Input((inputs,))])
    for index, count in enumerate(units):
        model.add(layers.Dense(count, name=names and names[index]))
    return model


def assert_identical(model, other):
    for this, that in zip(model.get_weights(), other.get_weights(), strict=True):
        np.testing.assert_array_equal(this, that)


@pytest.mark.parametrize("method", ["save", "save_weights"])
def test_weights_are_read_from_whole_models_and_from_files_of_weights(tmp_path, method):
    model, other = stack(5, 3), stack(5, 3)
    getattr(model, method)(tmp_path / "file.h5")
    other.load_weights(tmp_path / "file.h5")
    assert_identical(model, other)


def test_a_file_of_weights_has_its_layers_at_the_root(tmp_path):
    stack(5, 3).save_weights(tmp_path / "w.h5")
    with h5py.File(tmp_path / "w.h5") as file:
        assert [name.decode() for name in file.attrs["layer_names"]] == ["dense", "dense_1"]
        assert file["dense/sequential/dense/kernel"].shape == (4, 5)
        assert "model_config" not in file.attrs


def test_other_names_are_matched_by_order(tmp_path):
    model, other = stack(5, 3), stack(5, 3, names=["first", "second"])
    model.save_weights(tmp_path / "w.h5")
    other.load_weights(tmp_path / "w.h5")
    assert_identical(model, other)


def test_the_same_names_are_matched_by_name(tmp_path):
    model, other = stack(4, 4, names=["a", "b"]), stack(4, 4, names=["b", "a"])
    model.save_weights(tmp_path / "w.h5")
    other.load_weights(tmp_path / "w.h5")
    for name in "ab":
        for this, that in zip(
            model.get_layer(name).get_weights(), other.get_layer(name).get_weights(), strict=True
        ):
            np.testing.assert_array_equal(this, that)


class Pair(nn.Module):
    def __init__(self, first, second):
        super().__init__()
        self.block = nn.Module()
        for name in (first, second):
            self.block.register_parameter(name, nn.Parameter(torch.rand(3)))


def test_the_weights_of_a_layer_are_matched_by_name_too(tmp_path):
    model, other = Model(Pair("query", "key")), Model(Pair("key", "query"))
    model.save_weights(tmp_path / "w.h5")
    other.load_weights(tmp_path / "w.h5")
    assert torch.equal(model.net.block.query, other.net.block.query)
    assert torch.equal(model.net.block.key, other.net.block.key)


def test_layers_without_weights_do_not_count(tmp_path):
    model = stack(5, 3)
    other = Sequential([layers.Dense(5, input_dim=4), layers.Dropout(0.5), layers.Dense(3)])
    model.save_weights(tmp_path / "w.h5")
    other.load_weights(tmp_path / "w.h5")
    assert_identical(model, other)


@pytest.mark.parametrize(
    "other",
    [
        lambda: stack(5, 3, 3),  # another number of layers
        lambda: stack(5),
        lambda: stack(5, 4),  # a shape in the last layer
        lambda: stack(6, 3),  # a shape in the first
        lambda: Sequential([layers.Dense(5, input_dim=4), layers.Dense(3, use_bias=False)]),
    ],
)
def test_weights_that_do_not_fit_change_nothing_and_both_sides_are_listed(tmp_path, other):
    model = other()
    before = model.get_weights()
    stack(5, 3).save_weights(tmp_path / "w.h5")
    with pytest.raises(FileFormatError) as caught:
        model.load_weights(tmp_path / "w.h5")
    text = str(caught.value)
    assert "w.h5" in text
    assert (
        "The file has: dense: kernel (4, 5), bias (5,); dense_1: kernel (5, 3), bias (3,)" in text
    )
    assert f"It has:       dense: kernel {before[0].shape}" in text
    for this, that in zip(model.get_weights(), before, strict=True):
        np.testing.assert_array_equal(this, that)


def test_a_long_list_of_layers_is_cut_short(tmp_path):
    stack(*[2] * 30, inputs=2).save_weights(tmp_path / "w.h5")
    with pytest.raises(FileFormatError, match=r"dense_19: .*; and 10 layers more\n"):
        stack(2, inputs=2).load_weights(tmp_path / "w.h5")


def test_buffers_are_weights_too(tmp_path):
    model = Sequential([layers.Input((4,)), nn.BatchNorm1d(4)])
    other = Sequential([layers.Input((4,)), nn.BatchNorm1d(4)])
    model.train()
    model(torch.randn(8, 4))
    model.save_weights(tmp_path / "w.h5")
    other.load_weights(tmp_path / "w.h5")
    assert_identical(model, other)
    assert other.layers[0].num_batches_tracked == 1


def found_in(file):
    return Found(file, 10_000_000, nullcontext)


def values_of(layers):
    return {
        layer: [(name, value.read().tolist()) for name, value in weights]
        for layer, weights in layers.items()
    }


def test_names_that_one_attribute_cannot_hold_are_spread_over_several(tmp_path):
    names = [f"{index:03d}{'n' * 700}" for index in range(200)]  # more than 64 kB
    contents = layout.Contents({name: [("kernel", np.full(1, i))] for i, name in enumerate(names)})
    with h5py.File(tmp_path / "w.h5", "w") as file:
        layout.write_layers(file, contents)
    with h5py.File(tmp_path / "w.h5") as file:
        assert "layer_names" not in file.attrs
        assert "layer_names2" in file.attrs
        found = values_of(layout.read(found_in(file)).layers)
    assert found == {name: [("kernel", [i])] for i, name in enumerate(names)}


def test_names_of_weights_as_keras_2_wrote_them_are_understood(tmp_path):
    kernel, bias = np.ones((4, 3), "float32"), np.ones(3, "float32")
    with h5py.File(tmp_path / "old.h5", "w") as file:
        group = file.create_group("model_weights")
        group.attrs["layer_names"] = [b"dense_1"]
        layer = group.create_group("dense_1")
        layer.attrs["weight_names"] = [b"dense_1/kernel:0", b"dense_1/bias:0"]
        layer["dense_1/kernel:0"], layer["dense_1/bias:0"] = kernel, bias
    with h5py.File(tmp_path / "old.h5") as file:
        found = layout.read(found_in(file)).layers["dense_1"]
        assert [name for name, _ in found] == ["kernel", "bias"]
    model = stack(3)
    model.load_weights(tmp_path / "old.h5")
    np.testing.assert_array_equal(model.get_weights()[0], kernel)


class Wide(layers.Layer):
    def build(self, input_shape):
        for index in range(12):
            self.add_weight(f"weight_{index}", (1,), "zeros")

    def forward(self, x):
        return x


def test_numbered_weights_of_a_layer_are_counted_beyond_ten(tmp_path):
    with h5py.File(tmp_path / "w.weights.h5", "w") as file:
        for index in range(12):
            file[f"layers/wide/vars/{index}"] = [float(index)]
    model = Sequential([layers.Input((4,)), Wide()])
    model.load_weights(tmp_path / "w.weights.h5")
    assert [float(weight[0]) for weight in model.get_weights()] == list(range(12))


def test_the_byte_order_of_another_machine_is_understood(tmp_path):
    model, other = stack(3), stack(3)
    model.save_weights(tmp_path / "w.h5")
    with h5py.File(tmp_path / "w.h5", "a") as file:
        kernel = file["dense/sequential/dense/kernel"][:]
        del file["dense/sequential/dense/kernel"]
        file["dense/sequential/dense/kernel"] = kernel.astype(">f4")
    other.load_weights(tmp_path / "w.h5")
    assert_identical(model, other)


def test_values_that_are_no_numbers_are_refused(tmp_path):
    stack(3).save_weights(tmp_path / "w.h5")
    with h5py.File(tmp_path / "w.h5", "a") as file:
        del file["dense/sequential/dense/bias"]
        file["dense/sequential/dense/bias"] = [b"one", b"two", b"three"]
    with pytest.raises(FileFormatError, match="'/dense/sequential/dense/bias' holds values"):
        stack(3).load_weights(tmp_path / "w.h5")
