"""Weights that would lose a part of themselves on their way from a file."""

import numpy as np
import pytest
import torch
from torch import nn

from onfit import Model
from onfit.errors import FileFormatError


def tied():
    net = nn.ModuleDict({"a": nn.Linear(2, 2, bias=False), "b": nn.Linear(2, 2, bias=False)})
    net["b"].weight = net["a"].weight
    return Model(net)


def test_complex_numbers_do_not_become_real_weights(tmp_path):
    model = Model(nn.Linear(2, 1))
    before = model.get_weights()
    state = {"weight": torch.full((1, 2), 1 + 2j), "bias": torch.zeros(1)}
    torch.save(state, tmp_path / "x.pt")
    with pytest.raises(FileFormatError, match=r"shape \(1, 2\) is complex in the file and real"):
        model.load_weights(tmp_path / "x.pt")
    for one, other in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)


def test_real_numbers_may_become_complex_weights(tmp_path):
    model = Model(nn.Linear(2, 1, dtype=torch.complex64))
    torch.save({"weight": torch.ones(1, 2), "bias": torch.zeros(1)}, tmp_path / "x.pt")
    model.load_weights(tmp_path / "x.pt")
    assert model.get_weights()[0].tolist() == [[1 + 0j, 1 + 0j]]


def test_two_names_of_one_weight_have_the_same_numbers(tmp_path):
    model = tied()
    ones = torch.ones(2, 2)
    torch.save({"a.weight": ones, "b.weight": ones.clone()}, tmp_path / "same.pt")
    model.load_weights(tmp_path / "same.pt")
    assert model.get_weights()[0].sum() == 4
    torch.save({"a.weight": ones, "b.weight": ones * 2}, tmp_path / "other.pt")
    with pytest.raises(FileFormatError, match=r"'b.weight'.*shares that weight as 'a.weight'"):
        model.load_weights(tmp_path / "other.pt")
    assert model.get_weights()[0].sum() == 4


def test_names_that_both_hold_nan_agree(tmp_path):
    model = tied()
    nan = torch.full((2, 2), torch.nan)
    torch.save({"a.weight": nan, "b.weight": nan.clone()}, tmp_path / "x.pt")
    model.load_weights(tmp_path / "x.pt")
    assert np.isnan(model.get_weights()[0]).all()
