"""`.safetensors`: weights by torch's own names, for torch and for any other reader."""

import importlib.util
import os

import pytest
import safetensors.torch
import torch
from tests.saving.small import X, assert_identical, predictions, small
from torch import nn

from onfit import layers
from onfit.errors import FileFormatError, MissingPackageError
from onfit.models import Model, Sequential


def net():
    return nn.Sequential(nn.Linear(4, 8), nn.BatchNorm1d(8), nn.Sequential(nn.Linear(8, 3)))


def test_torch_reads_the_file_of_a_wrapped_module_by_its_own_names(tmp_path):
    model, other = Model(net()), net()
    model.train()
    model(torch.rand(8, 4))
    model.save_weights(tmp_path / "w.safetensors")
    other.load_state_dict(safetensors.torch.load_file(tmp_path / "w.safetensors"))
    for name, tensor in model.net.state_dict().items():
        assert torch.equal(tensor, other.state_dict()[name])


def test_a_file_that_torch_users_wrote_is_read(tmp_path):
    given, model = net(), Model(net())
    safetensors.torch.save_file(given.state_dict(), tmp_path / "w.safetensors")
    model.load_weights(tmp_path / "w.safetensors")
    assert_identical(model.get_weights(), Model(given).get_weights())


def test_layers_are_found_by_their_names_alone(tmp_path):
    model, other = small(), small()
    model.save_weights(tmp_path / "w.safetensors")
    names = {name for name, _ in model.named_weights()}
    assert safetensors.torch.load_file(tmp_path / "w.safetensors").keys() == names
    other.load_weights(tmp_path / "w.safetensors")
    assert_identical(predictions(other), predictions(model))
    renamed = Sequential([layers.Dense(8, input_dim=4, name="first"), layers.Dense(3)])
    before = renamed.get_weights()
    with pytest.raises(FileFormatError, match=r"w\.safetensors.*\n.*first: .*\n.*dense: "):
        renamed.load_weights(tmp_path / "w.safetensors")
    assert_identical(renamed.get_weights(), before)


class Tied(nn.Module):
    def __init__(self, tie=True):
        super().__init__()
        self.embed = nn.Embedding(5, 3)
        self.out = nn.Linear(3, 5, bias=False)
        if tie:
            self.out.weight = self.embed.weight

    def forward(self, x):
        return self.out(self.embed(x))


def test_tied_weights_are_kept_once_and_come_back_at_all_their_places(tmp_path):
    path = tmp_path / "w.safetensors"
    model, tied, apart = Model(Tied()), Model(Tied()), Model(Tied(tie=False))
    model.save_weights(path)
    assert list(safetensors.torch.load_file(path)) == ["embed.weight"]
    for other in (tied, apart):
        other.load_weights(path)
        assert torch.equal(other.net.out.weight, model.net.out.weight)
        assert torch.equal(other.net.embed.weight, model.net.embed.weight)
    again = Tied()
    safetensors.torch.load_model(again, path)
    assert torch.equal(again.out.weight, model.net.out.weight)
    # The library keeps the one whose name comes first; the other name is known too.
    safetensors.torch.save_file({"out.weight": model.net.out.weight.detach() + 1}, path)
    tied.load_weights(path)
    assert torch.equal(tied.net.embed.weight, model.net.embed.weight + 1)


@pytest.mark.parametrize("suffix", [".safetensors", ".weights.h5", ".h5"])
def test_tied_weights_come_back_tied_from_every_format(tmp_path, suffix):
    model, other = Model(Tied()), Model(Tied())
    model.save_weights(tmp_path / f"w{suffix}")
    other.load_weights(tmp_path / f"w{suffix}")
    assert torch.equal(other.net.out.weight, model.net.embed.weight)
    assert other.net.out.weight is other.net.embed.weight


@pytest.mark.parametrize(
    "dtype", [torch.bfloat16, torch.float16, torch.float64, torch.float32], ids=str
)
def test_types_are_kept(tmp_path, dtype):
    model, other = small().to(dtype), small().to(dtype)
    model.save_weights(tmp_path / "w.safetensors")
    read = safetensors.torch.load_file(tmp_path / "w.safetensors")
    assert {tensor.dtype for tensor in read.values()} == {dtype}
    other.load_weights(tmp_path / "w.safetensors")
    for mine, its in zip(model.parameters(), other.parameters(), strict=True):
        assert torch.equal(mine, its)


def test_tensors_that_lie_in_each_others_memory_are_written_apart(tmp_path):
    inner = nn.Linear(3, 3)
    inner.register_buffer("view", inner.weight.data)
    inner.register_buffer("turned", inner.weight.data.T)
    model, other = Model(inner), nn.Linear(3, 3)
    model.save_weights(tmp_path / "w.safetensors")
    read = safetensors.torch.load_file(tmp_path / "w.safetensors")
    assert torch.equal(read["turned"], read["view"].T)
    other.load_state_dict({name: read[name] for name in ("weight", "bias")})
    assert torch.equal(other.weight, inner.weight)


def test_a_recurrent_net_whose_weights_lie_otherwise_is_written(tmp_path):
    model = Sequential([layers.Input((5, 2)), layers.LSTM(3)])
    other = Sequential([layers.Input((5, 2)), layers.LSTM(3)])
    model.save_weights(tmp_path / "w.safetensors")
    other.load_weights(tmp_path / "w.safetensors")
    assert_identical(other.get_weights(), model.get_weights())


def test_the_missing_library_is_told_before_anything_is_done(tmp_path, monkeypatch):
    model, path = small(), tmp_path / "w.safetensors"
    model.save_weights(path)
    find = importlib.util.find_spec
    monkeypatch.setattr(
        "onfit.saving.formats.safetensors_file.find_spec",
        lambda name: None if name == "safetensors" else find(name),
    )
    for ask in (
        lambda: model.check_filepath(path, weights_only=True),
        lambda: model.save_weights(path),
        lambda: model.load_weights(path),
        lambda: model.notes_in(path),
    ):
        with pytest.raises(MissingPackageError, match=r'w\.safetensors.*onfit\[safetensors\]"'):
            ask()
    assert os.listdir(tmp_path) == ["w.safetensors"]


def test_a_file_is_as_open_to_others_as_any_new_one(tmp_path):
    model = small()
    (tmp_path / "plain").write_bytes(b"")
    model.save_weights(tmp_path / "w.safetensors")
    modes = {(tmp_path / name).stat().st_mode for name in ("plain", "w.safetensors")}
    assert len(modes) == 1


def test_more_weights_than_the_model_has_are_refused(tmp_path):
    tensors = {**net().state_dict(), "more": torch.zeros(1)}
    safetensors.torch.save_file(tensors, tmp_path / "w.safetensors")
    model = Model(net())
    before = predictions(model)
    with pytest.raises(FileFormatError, match=r"do not fit Model\(Sequential\)"):
        model.load_weights(tmp_path / "w.safetensors")
    assert_identical(predictions(model), before)
    assert X.shape == (40, 4)
