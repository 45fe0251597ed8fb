"""`.pt`, `.pth`, `.ckpt`: state dicts, as torch users write and read them."""

import pickle
import zipfile
from collections import OrderedDict

import pytest
import torch
from tests.faults.disk import no_room_for
from tests.saving.small import FIT, X, Y, assert_identical, predictions, small
from tests.saving.test_safetensors import Tied, net
from torch import nn

from onfit import Run
from onfit.callbacks import ModelCheckpoint
from onfit.errors import ArgumentError, FileFormatError, StorageError
from onfit.models import Model, load_model

SUFFIXES = [".pt", ".pth", ".ckpt"]
each_suffix = pytest.mark.parametrize("suffix", SUFFIXES)


def loaded(path):
    return torch.load(path, weights_only=True)


@each_suffix
def test_torch_reads_the_file_of_a_wrapped_module_by_its_own_names(tmp_path, suffix):
    model, other = Model(net()), net()
    model.train()
    model(torch.rand(8, 4))
    model.save_weights(tmp_path / f"w{suffix}")
    assert loaded(tmp_path / f"w{suffix}").keys() == model.net.state_dict().keys()
    other.load_state_dict(loaded(tmp_path / f"w{suffix}"))
    for name, tensor in model.net.state_dict().items():
        assert torch.equal(tensor, other.state_dict()[name])


@each_suffix
def test_a_file_that_torch_users_wrote_is_read(tmp_path, suffix):
    given, model = net(), Model(net())
    torch.save(given.state_dict(), tmp_path / f"w{suffix}")
    model.load_weights(tmp_path / f"w{suffix}")
    assert_identical(model.get_weights(), Model(given).get_weights())


def test_a_file_in_the_form_of_torch_before_1_6_is_read(tmp_path):
    given, model = net(), Model(net())
    torch.save(given.state_dict(), tmp_path / "w.pth", _use_new_zipfile_serialization=False)
    model.load_weights(tmp_path / "w.pth")
    assert_identical(model.get_weights(), Model(given).get_weights())
    assert model.notes_in(tmp_path / "w.pth") == {}


def test_a_model_of_onfit_layers_comes_back(tmp_path):
    model, other = small(), small()
    model.save_weights(tmp_path / "w.pt")
    assert set(loaded(tmp_path / "w.pt")) == {name for name, _ in model.named_weights()}
    other.load_weights(tmp_path / "w.pt")
    assert_identical(predictions(other), predictions(model))


@pytest.mark.parametrize("prefix", ["module.", "_orig_mod.", "module._orig_mod."])
def test_the_file_of_a_wrapped_net_has_one_name_more_before_each_weight(tmp_path, prefix):
    given, model = net(), Model(net())
    torch.save({prefix + k: v for k, v in given.state_dict().items()}, tmp_path / "w.pt")
    model.load_weights(tmp_path / "w.pt")
    assert_identical(model.get_weights(), Model(given).get_weights())


def test_a_net_whose_own_names_begin_with_module_keeps_them(tmp_path):
    def around():
        outer = nn.Module()
        outer.module = nn.Linear(4, 3)
        return outer

    model, other = Model(around()), Model(around())
    model.save_weights(tmp_path / "w.pt")
    assert set(loaded(tmp_path / "w.pt")) == {"module.weight", "module.bias"}
    other.load_weights(tmp_path / "w.pt")
    assert_identical(model.get_weights(), other.get_weights())


def test_a_tied_weight_is_written_once_under_both_names(tmp_path):
    model, again, apart = Model(Tied()), Tied(), Model(Tied(tie=False))
    model.save_weights(tmp_path / "w.pt")
    found = loaded(tmp_path / "w.pt")
    assert set(found) == {"embed.weight", "out.weight"}
    assert found["embed.weight"].data_ptr() == found["out.weight"].data_ptr()
    again.load_state_dict(found)
    assert torch.equal(again.out.weight, model.net.out.weight)
    apart.load_weights(tmp_path / "w.pt")
    assert torch.equal(apart.net.out.weight, model.net.out.weight)


def test_of_a_part_of_a_larger_tensor_that_part_is_written(tmp_path):
    inner = nn.Linear(3, 3)
    inner.register_buffer("part", torch.zeros(1000, 1000)[0, :3])
    Model(inner).save_weights(tmp_path / "w.pt")
    assert (tmp_path / "w.pt").stat().st_size < 10_000


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16, torch.float64], ids=str)
def test_types_are_kept(tmp_path, dtype):
    model = small().to(dtype)
    model.save_weights(tmp_path / "w.pt")
    assert {tensor.dtype for tensor in loaded(tmp_path / "w.pt").values()} == {dtype}


def test_the_same_weights_are_the_same_bytes_under_every_name(tmp_path):
    model = Model(net())
    model.save_weights(tmp_path / "a.pt", notes={"epoch": 1})
    model.save_weights(tmp_path / "b.pt", notes={"epoch": 1})
    assert (tmp_path / "a.pt").read_bytes() == (tmp_path / "b.pt").read_bytes()


def test_notes_are_no_key_of_the_state_dict(tmp_path):
    model = Model(net())
    model.save_weights(tmp_path / "w.pt", notes={"text": "ä" * 70_000})
    assert model.notes_in(tmp_path / "w.pt") == {"text": "ä" * 70_000}
    net().load_state_dict(loaded(tmp_path / "w.pt"))
    net().load_state_dict(torch.load(tmp_path / "w.pt", weights_only=True, mmap=True))
    assert zipfile.ZipFile(tmp_path / "w.pt").testzip() is None


class Evil:
    def __reduce__(self):
        return (print, ("this must never be printed",))


@pytest.mark.parametrize(
    "thing",
    [Evil(), {"weight": Evil()}, nn.Linear(4, 3), {"net": nn.Linear(4, 3)}],
    ids=["code", "code in a dict", "a net", "a net in a dict"],
)
@pytest.mark.parametrize("archive", [True, False])
def test_nothing_but_tensors_is_unpickled(tmp_path, capsys, thing, archive):
    model = Model(nn.Linear(4, 3))
    before = model.get_weights()
    torch.save(thing, tmp_path / "w.pt", _use_new_zipfile_serialization=archive)
    with pytest.raises(FileFormatError, match=r"w\.pt.*any code.*state_dict\(\)") as caught:
        model.load_weights(tmp_path / "w.pt")
    assert "weights_only=False" not in str(caught.value).replace("`", "")
    assert_identical(model.get_weights(), before)
    assert "never" not in capsys.readouterr().out


@pytest.mark.parametrize(
    ("thing", "words"),
    [
        (torch.ones(3), "holds a Tensor"),
        ([torch.ones(3)], "holds a list"),
        ({1: torch.ones(3)}, "holds a dict"),
        ({"weight": torch.ones(3, 4), "epoch": 3}, "under 'epoch' a int"),
        (
            {"epoch": 3, "model": OrderedDict(weight=torch.ones(3, 4), bias=torch.ones(3))},
            r"under 'epoch'.*\['model'\]",
        ),
    ],
    ids=["tensor", "list", "numbers as names", "a number", "a checkpoint"],
)
def test_what_is_no_state_dict_is_refused_with_what_to_do(tmp_path, thing, words):
    torch.save(thing, tmp_path / "w.ckpt")
    with pytest.raises(FileFormatError, match=words):
        Model(nn.Linear(4, 3)).load_weights(tmp_path / "w.ckpt")


@pytest.mark.parametrize("content", [b"", b"no such file", b"PK\x03\x04 and no more"])
def test_a_damaged_file_is_refused(tmp_path, content):
    (tmp_path / "w.pt").write_bytes(content)
    with pytest.raises(FileFormatError, match=r"w\.pt"):
        Model(nn.Linear(4, 3)).load_weights(tmp_path / "w.pt")


def test_a_file_that_breaks_off_is_refused(tmp_path):
    model = Model(nn.Linear(4, 3))
    model.save_weights(tmp_path / "w.pt")
    whole = (tmp_path / "w.pt").read_bytes()
    for size in range(0, len(whole), 101):
        (tmp_path / "w.pt").write_bytes(whole[:size])
        with pytest.raises(FileFormatError):
            model.load_weights(tmp_path / "w.pt")


def test_weights_of_another_net_are_refused_and_listed(tmp_path):
    Model(nn.Linear(4, 3)).save_weights(tmp_path / "w.pt")
    with pytest.raises(FileFormatError, match=r"(?s)do not fit.*\(8, 4\).*\(3, 4\)"):
        Model(nn.Linear(4, 8)).load_weights(tmp_path / "w.pt")


@each_suffix
def test_a_whole_model_needs_another_suffix(tmp_path, suffix):
    with pytest.raises(ArgumentError, match=r"weights alone.*save_weights_only=True.*\.h5"):
        Model(net()).save(tmp_path / f"w{suffix}")
    with pytest.raises(ArgumentError, match=r"weights alone.*load_weights"):
        load_model(tmp_path / f"w{suffix}")


def test_a_full_disk_leaves_the_old_file(tmp_path):
    model = Model(nn.Linear(100, 100))
    model.save_weights(tmp_path / "w.pt")
    before = (tmp_path / "w.pt").read_bytes()
    for room in (0, 100, 20_000, len(before) - 1):
        with no_room_for(room), pytest.raises(StorageError, match=r"w\.pt"):
            model.save_weights(tmp_path / "w.pt")
        assert (tmp_path / "w.pt").read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == ["w.pt"]


@pytest.mark.parametrize("background", [False, True])
def test_model_checkpoint_writes_state_dicts_and_goes_on_from_them(tmp_path, background):
    def checkpoint(**more):
        return ModelCheckpoint(
            tmp_path / "w.pt",
            "loss",
            save_best_only=True,
            save_weights_only=True,
            mode="min",
            background=background,
            **more,
        )

    model, first = Model(nn.Linear(4, 3)), checkpoint()
    model.compile("sgd", nn.CrossEntropyLoss())
    model.fit(X, Y, callbacks=[first], **FIT)
    assert set(loaded(tmp_path / "w.pt")) == {"weight", "bias"}
    later, again = Model(nn.Linear(4, 3)), checkpoint(load_weights_on_restart=True)
    later.compile("sgd", nn.CrossEntropyLoss())
    later.fit(X, Y, callbacks=[again], initial_epoch=5, epochs=5, **FIT)
    assert again.best == pytest.approx(first.best)
    assert_identical(later.get_weights(), model.get_weights())


def test_model_checkpoint_of_a_net_in_ones_own_loop(tmp_path):
    inner = nn.Linear(4, 3)
    path = tmp_path / "{epoch}.ckpt"
    with Run(inner, [ModelCheckpoint(path, save_weights_only=True)]) as run:
        for _ in run.epochs():
            run.log(loss=1.0)
    nn.Linear(4, 3).load_state_dict(loaded(tmp_path / "1.ckpt"))


def test_model_checkpoint_of_whole_models_says_before_training_what_to_write(tmp_path):
    checkpoint = ModelCheckpoint(tmp_path / "w.pt")
    with (
        pytest.raises(ArgumentError, match="save_weights_only=True"),
        Run(nn.Linear(4, 3), [checkpoint]),
    ):
        raise AssertionError("not reached")


def test_the_pickle_in_a_file_names_nothing_of_onfit(tmp_path):
    model = small()
    model.save_weights(tmp_path / "w.pt")
    with zipfile.ZipFile(tmp_path / "w.pt") as archive:
        assert b"onfit" not in archive.read("archive/data.pkl")
        assert pickle.PROTO in archive.read("archive/data.pkl")
