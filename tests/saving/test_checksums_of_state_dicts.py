"""A state dict in a file whose bytes are not those that were written."""

import pytest
import torch
from torch import nn

from onfit import Model
from onfit.errors import FileFormatError


def test_a_byte_of_a_weight_that_is_another_is_found(tmp_path):
    model, path = Model(nn.Linear(64, 64)), tmp_path / "w.pt"
    model.save_weights(path)
    whole = path.read_bytes()
    at = whole.index(model.net.weight.detach().numpy().tobytes()) + 100
    path.write_bytes(whole[:at] + bytes([whole[at] ^ 64]) + whole[at + 1 :])
    before = model.net.weight.detach().clone()
    with pytest.raises(FileFormatError, match="is not what was written"):
        model.load_weights(path)
    assert torch.equal(before, model.net.weight)
