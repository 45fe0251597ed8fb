"""Each bit of a file is as it was written, or the file is refused; other readers pass over that."""

import os
import random

import h5py
import keras
import numpy as np
import pytest
import torch
from tests.saving.keras_models import tolerant_of_keras
from tests.saving.small import assert_identical, small

from onfit import layers
from onfit.errors import FileFormatError
from onfit.models import Model, Sequential
from onfit.saving.formats import seal
from onfit.storage.sums import PIECE, checksum


@pytest.fixture(autouse=True)
def _in_a_folder_of_its_own(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def flipped(path, place, bit=0):
    with open(path, "r+b") as file:
        file.seek(place)
        byte = file.read(1)[0]
        file.seek(place)
        file.write(bytes([byte ^ 1 << bit]))


@pytest.mark.parametrize("name", ["w.h5", "w.weights.h5"])
def test_any_bit_of_an_hdf5_file_that_is_another_is_noticed(name):
    model = small()
    model.save_weights(name)
    before, size = model.get_weights(), os.path.getsize(name)
    draw = random.Random(0)
    for place in [*range(64), *draw.sample(range(64, size - 16), 100), *range(size - 16, size)]:
        bit = draw.randrange(8)
        flipped(name, place, bit)
        with pytest.raises(FileFormatError, match=name):
            model.load_weights(name)
        flipped(name, place, bit)
    assert_identical(model.get_weights(), before)
    model.load_weights(name)


def test_any_bit_of_the_weights_in_a_safetensors_file_is_noticed():
    net = torch.nn.Linear(30, 20)
    Model(net).save_weights("w.safetensors", notes={"epoch": 3})
    size = os.path.getsize("w.safetensors")
    draw = random.Random(0)
    for place in [*range(8), *draw.sample(range(8, size), 150)]:
        flipped("w.safetensors", place)
        other = torch.nn.Linear(30, 20)
        before = other.weight.clone()
        try:
            Model(other).load_weights("w.safetensors")
        except FileFormatError:
            assert torch.equal(other.weight, before)
        else:  # a bit of the names of the checksums themselves
            assert torch.equal(other.weight, net.weight)
            assert place < 700
        flipped("w.safetensors", place)


def test_a_large_file_is_compared_before_a_weight_is_changed(monkeypatch):
    monkeypatch.setattr(seal, "_LARGE", 100)
    model = small()
    model.save_weights("w.h5")
    with h5py.File("w.h5") as file:
        place = file["dense/sequential/dense/kernel"].id.get_offset()
    flipped("w.h5", place + 5)
    before = model.get_weights()
    with pytest.raises(FileFormatError, match=r"w\.h5.*checksum"):
        model.load_weights("w.h5")
    assert_identical(model.get_weights(), before)


def test_a_file_that_another_program_has_changed_has_no_checksum_any_more():
    model = small()
    model.save_weights("w.h5")
    with h5py.File("w.h5", "a") as file:
        file["dense/sequential/dense/kernel"][0, 0] = 5
    model.load_weights("w.h5")
    assert model.get_weights()[0][0, 0] == 5


@tolerant_of_keras
def test_other_programs_read_the_files_as_ever():
    from safetensors.torch import load_file

    model = Sequential([layers.Dense(3, input_dim=4)])
    model.save_weights("w.weights.h5")
    other = keras.Sequential([keras.layers.Input((4,)), keras.layers.Dense(3)])
    other.load_weights("w.weights.h5")
    np.testing.assert_array_equal(other.get_weights()[0], model.get_weights()[0])
    Model(torch.nn.Linear(4, 3)).save_weights("w.safetensors")
    assert sorted(load_file("w.safetensors")) == ["bias", "weight"]


@pytest.mark.parametrize("size", [0, 1, 8, 4071, 4072, 4073, PIECE, PIECE + 3])
def test_a_checksum_is_that_of_all_bytes(size):
    content = bytearray(random.Random(size).randbytes(size))
    first = checksum(content)
    for place in {0, size // 2, size - 1} if size else ():
        content[place] ^= 8
        assert checksum(content) != first
        content[place] ^= 8
    whole = content + content
    if size == PIECE:
        assert checksum(whole) == checksum(content, first)


def test_blocks_that_have_changed_places_are_noticed():
    content = random.Random(0).randbytes(1 << 20)
    for block in (512, 4096, 65536):
        other = content[block : 2 * block] + content[:block] + content[2 * block :]
        assert checksum(other) != checksum(content)
