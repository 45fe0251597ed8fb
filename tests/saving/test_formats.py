"""What the suffix of a name decides: which format, for what, and what is refused."""

import io
import os
import threading
import zipfile

import h5py
import numpy as np
import pytest
import torch
from tests.faults.disk import no_room_for
from tests.saving.small import (
    EVERY,
    FIT,
    WEIGHTS,
    WHOLE,
    X,
    Y,
    assert_identical,
    each_format,
    predictions,
    small,
    trained,
)
from torch import nn

from onfit import layers
from onfit.errors import (
    ArgumentError,
    ArgumentTypeError,
    FileFormatError,
    StorageError,
)
from onfit.models import Model, Sequential, load_model
from onfit.saving import read_notes
from onfit.saving.formats import stretch
from onfit.saving.formats.stretch import Stretch
from onfit.storage import durable


@pytest.fixture(autouse=True)
def _in_a_folder_of_its_own(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


# --- there and back --------------------------------------------------------------------------


@pytest.mark.parametrize("suffix", [*WHOLE, ".KERAS"])
def test_a_whole_model_goes_on_bit_for_bit_as_if_it_had_not_been_saved(suffix):
    model = trained()
    model.save(f"model{suffix}")
    loaded = load_model(f"model{suffix}")
    histories = [each.fit(X, Y, epochs=2, **FIT).history for each in (model, loaded)]
    assert histories[0] == histories[1]
    assert_identical(loaded.get_weights(), model.get_weights())


@each_format
def test_weights_are_read_from_every_format(method, suffix):
    model, other = trained(), small(activation="softmax")
    getattr(model, method)(f"file{suffix}")
    other.load_weights(f"file{suffix}")
    assert_identical(predictions(other), predictions(model))


@pytest.mark.parametrize("suffix", WEIGHTS)
@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float64], ids=str)
def test_weights_of_every_type_come_back_exactly(suffix, dtype):
    model, other = small().to(dtype), small().to(dtype)
    model.save_weights(f"w{suffix}")
    other.load_weights(f"w{suffix}")
    for mine, its in zip(model.parameters(), other.parameters(), strict=True):
        assert torch.equal(mine, its)


class Own(Model):
    """Weights of its own, in a list, and in layers within layers."""

    def __init__(self):
        super().__init__()
        self.scale = nn.Parameter(torch.rand(3))
        self.blocks = nn.ModuleList([nn.Linear(4, 4), nn.BatchNorm1d(4)])
        self.head = Sequential([layers.Dense(5, input_dim=4), layers.Dense(3)])

    def forward(self, x):
        for block in self.blocks:
            x = block(x)
        return self.scale * self.head(x)


@pytest.mark.parametrize("make", [Own, lambda: Model(nn.Sequential(nn.Linear(4, 3), nn.ReLU()))])
@pytest.mark.parametrize(("method", "suffix"), [one for one in EVERY if one[1] != ".keras"])
def test_models_made_by_code_keep_their_weights_in_every_format(make, method, suffix):
    model, other = make(), make()
    getattr(model, method)(f"w{suffix}")
    other.load_weights(f"w{suffix}")
    assert_identical(other.get_weights(), model.get_weights())


def test_a_model_without_weights_is_written_in_every_format():
    model = Sequential([layers.Input((4,)), layers.Flatten()])
    for method, suffix in EVERY:
        getattr(model, method)(f"{method}{suffix}")
        model.load_weights(f"{method}{suffix}")
    assert_identical(predictions(load_model("save.keras")), predictions(model))


# --- what a suffix is not for ----------------------------------------------------------------


@pytest.mark.parametrize("name", ["x.safetensors", "x.weights.h5"])
def test_what_holds_weights_alone_is_not_for_whole_models(name):
    model = small()
    for ask in (model.save, model.check_filepath):
        with pytest.raises(ArgumentError, match=r"weights alone.*save_weights.*\.keras"):
            ask(name)
    model.save_weights(name)
    with pytest.raises(ArgumentError, match=r"weights alone.*load_weights"):
        load_model(name)


def test_what_holds_whole_models_is_not_for_weights_alone():
    model = small()
    for ask in (
        lambda: model.save_weights("x.keras"),
        lambda: model.check_filepath("x.keras", weights_only=True),
    ):
        with pytest.raises(ArgumentError, match=r"whole models.*\.weights\.h5, \.h5.*\.safeten"):
            ask()
    assert os.listdir() == []


@pytest.mark.parametrize("suffix", WHOLE)
def test_names_that_can_be_saved_to_pass_the_check(suffix):
    assert small().check_filepath(f"x{suffix}") is None


@pytest.mark.parametrize("make", [Own, lambda: Model(nn.Linear(4, 3))])
def test_a_model_that_its_code_makes_is_told_which_formats_hold_it(make):
    model = make()
    for ask in (model.save, model.check_filepath, model.snapshot().write):
        with pytest.raises(
            ArgumentError, match=r"only its own code.*\.h5 .*optimizer.*\.safetensors.*BackupAnd"
        ):
            ask("model.keras")
    assert os.listdir() == []


# --- writing, all or nothing -----------------------------------------------------------------


@pytest.mark.parametrize("place", ["fsync_file", "rename"])
@each_format
def test_a_crash_inside_a_save_leaves_the_old_file(monkeypatch, method, suffix, place):
    getattr(small(activation="softmax"), method)(f"x{suffix}")
    with open(f"x{suffix}", "rb") as file:
        before = file.read()

    def failing(*args):
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(durable, place, failing)
    with pytest.raises(StorageError, match="Input/output error"):
        getattr(trained(), method)(f"x{suffix}")
    with open(f"x{suffix}", "rb") as file:
        assert file.read() == before
    assert os.listdir() == [f"x{suffix}"]


@each_format
def test_a_full_disk_leaves_the_old_file(method, suffix):
    getattr(small(activation="softmax"), method)(f"x{suffix}")
    with open(f"x{suffix}", "rb") as file:
        before = file.read()
    large = Sequential([layers.Dense(300, input_dim=300)])
    with no_room_for(100_000), pytest.raises(StorageError, match=rf"x\{suffix}.*as it was"):
        getattr(large, method)(f"x{suffix}")
    with open(f"x{suffix}", "rb") as file:
        assert file.read() == before
    assert os.listdir() == [f"x{suffix}"]


@pytest.mark.parametrize("error", [OSError(28, "No space left"), KeyboardInterrupt()], ids=repr)
@pytest.mark.parametrize("after", [0, 1, 3, 8, 20])
@pytest.mark.parametrize("name", ["x.keras", "x.h5"])
def test_a_write_that_fails_inside_hdf5_leaves_the_old_file(monkeypatch, name, error, after):
    model = trained()
    model.save(name)
    with open(name, "rb") as file:
        before = file.read()
    write, count = Stretch._write, iter(range(1000))

    def failing(*args):
        if next(count) >= after:
            raise error
        return write(*args)

    kind = KeyboardInterrupt if isinstance(error, KeyboardInterrupt) else StorageError
    with monkeypatch.context() as patch:
        patch.setattr(Stretch, "_write", failing)
        with pytest.raises(kind):
            model.save(name)
    with open(name, "rb") as file:
        assert file.read() == before
    assert os.listdir() == [name]


def test_a_disk_that_fails_at_fsync_is_told(monkeypatch):
    def failing(descriptor):
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(os, "fsync", failing)
    with pytest.raises(StorageError, match="Input/output error"):
        small().save("x.keras")
    assert os.listdir() == []


@pytest.mark.parametrize("name", ["x.keras", "x.h5"])
def test_large_weights_go_to_the_disk_while_they_are_written(monkeypatch, name):
    monkeypatch.setattr(stretch, "_PIECE", 100)
    monkeypatch.setattr(stretch, "_LARGE", 100)
    fsync, steps = os.fsync, []

    def advised(descriptor, begin, count, advice):
        assert begin + count <= os.fstat(descriptor).st_size
        steps.append("written")

    def synced(descriptor):
        steps.append("synced")
        fsync(descriptor)

    monkeypatch.setattr(os, "POSIX_FADV_DONTNEED", 4, raising=False)  # not every system has it
    monkeypatch.setattr(os, "posix_fadvise", advised, raising=False)
    monkeypatch.setattr(os, "fsync", synced)
    model = small()
    model.save(name)
    assert steps.index("synced") == steps.count("written") > 0
    assert_identical(predictions(load_model(name)), predictions(model))


@pytest.mark.parametrize("name", ["x.keras", "x.h5"])
def test_a_system_that_takes_no_advice_about_files_gets_none(monkeypatch, name):
    monkeypatch.setattr(stretch, "_LARGE", 1)
    model = small()
    monkeypatch.delattr(os, "posix_fadvise", raising=False)
    model.save(name)
    assert_identical(predictions(load_model(name)), predictions(model))

    def refused(*args):
        raise OSError(22, "Invalid argument")

    monkeypatch.setattr(os, "POSIX_FADV_DONTNEED", 4, raising=False)
    monkeypatch.setattr(os, "posix_fadvise", refused, raising=False)
    model.save(name)
    assert_identical(predictions(load_model(name)), predictions(model))


def test_a_disk_that_fails_while_large_weights_are_written_is_told(monkeypatch):
    """The system reports such an error once, to the first fsync after it."""
    monkeypatch.setattr(stretch, "_LARGE", 300)
    fsync, failures = os.fsync, [OSError(5, "Input/output error")]

    def failing(descriptor):
        if failures:
            raise failures.pop()
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", failing)
    with pytest.raises(StorageError, match="Input/output error"):
        small().save("x.h5")
    assert os.listdir() == []


def test_a_save_as_python_ends_does_without_a_thread(monkeypatch):
    def refused(thread):
        raise RuntimeError("can't create new thread at interpreter shutdown")

    monkeypatch.setattr(threading.Thread, "start", refused)
    model = small()
    model.save("x.keras")
    assert_identical(predictions(load_model("x.keras")), predictions(model))


@each_format
def test_a_save_names_the_weights_once(monkeypatch, method, suffix):
    model, named = trained(), []
    names = type(model).named_weights

    def counted(self):
        named.append(names(self))
        return named[-1]

    monkeypatch.setattr(type(model), "named_weights", counted)
    getattr(model, method)(f"x{suffix}")
    assert len(named) == 1


@each_format
def test_an_existing_file_can_be_spared(method, suffix):
    save = getattr(small(), method)
    save(f"x{suffix}")
    with open(f"x{suffix}", "rb") as file:
        before = file.read()
    with pytest.raises(StorageError, match="overwrite=False"):
        save(f"x{suffix}", overwrite=False)
    with open(f"x{suffix}", "rb") as file:
        assert file.read() == before


@each_format
def test_a_folder_that_may_not_be_written_is_told(monkeypatch, method, suffix):
    def refused(*args, **kwargs):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("tempfile.mkstemp", refused)
    with pytest.raises(StorageError, match="may write to"):
        getattr(small(), method)(f"x{suffix}")
    assert os.listdir() == []


# --- notes -----------------------------------------------------------------------------------

NOTES = {"epoch": 3, "monitor": "val_loss", "best": 0.125, "more": [1, None, {"a": True}]}


@each_format
def test_notes_come_back_from_every_format(method, suffix):
    model = trained()
    getattr(model, method)(f"x{suffix}", notes=NOTES)
    assert read_notes(f"x{suffix}") == model.notes_in(f"x{suffix}") == NOTES
    model.load_weights(f"x{suffix}")
    getattr(model, method)(f"x{suffix}")
    assert read_notes(f"x{suffix}") == {}
    assert read_notes(f"missing{suffix}") == {}


@each_format
def test_notes_of_a_damaged_file_are_not_guessed(method, suffix):
    getattr(trained(), method)(f"x{suffix}", notes=NOTES)
    os.truncate(f"x{suffix}", os.path.getsize(f"x{suffix}") // 3)
    with pytest.raises(FileFormatError, match=rf"read_notes\('x\{suffix}'\)"):
        read_notes(f"x{suffix}")


@pytest.mark.parametrize("notes", [{"a": object()}, {"a": np.zeros(2)}, 3])
def test_notes_that_are_no_plain_data_are_refused_before_a_file_is_made(notes):
    with pytest.raises(ArgumentTypeError, match=r"notes= takes plain data"):
        small().save("x.h5", notes=notes)
    assert os.listdir() == []


def test_long_notes_are_kept_whole():
    notes = {"history": list(range(50_000))}
    for name in ("x.h5", "x.keras"):
        small().save(name, notes=notes)
        assert read_notes(name) == notes


def test_nothing_in_a_keras_file_is_packed():
    trained().save("x.keras")
    with zipfile.ZipFile("x.keras") as archive:
        assert {info.compress_type for info in archive.infolist()} == {zipfile.ZIP_STORED}
        content = io.BytesIO(archive.read("model.weights.h5"))
    with h5py.File(content) as file:
        assert file["layers/dense/vars/0"].shape == (4, 8)
        assert len(file["optimizer/vars"]) == 2 + 2 * 4
