"""A save that fails, wherever it fails, leaves the file that was there whole, and no litter."""

import os

import h5py
import numpy as np
import pytest
from tests.faults.disk import no_room_for

from onfit import layers
from onfit.errors import StorageError
from onfit.models import Sequential, load_model
from onfit.saving import layout
from onfit.storage import durable


def compiled(seed):
    model = Sequential([layers.Dense(8, input_dim=4), layers.Dense(3)], name="sequential")
    model.set_weights([np.full(w.shape, seed, w.dtype) for w in model.get_weights()])
    model.compile("adam", "mse")
    return model


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "best.h5"
    compiled(1).save(path)
    return path


def assert_untouched(path, before):
    assert path.read_bytes() == before
    assert os.listdir(path.parent) == ["best.h5"]
    assert (load_model(path).get_weights()[0] == 1).all()


def fail(error):
    def failing(*args, **kwargs):
        raise error

    return failing


@pytest.mark.parametrize("method", ["save", "save_weights"])
@pytest.mark.parametrize("place", ["fsync_file", "rename"])
def test_an_error_of_the_disk_leaves_the_old_file(path, monkeypatch, method, place):
    before = path.read_bytes()
    monkeypatch.setattr(durable, place, fail(OSError(5, "Input/output error")))
    with pytest.raises(StorageError, match=r"best\.h5.*Input/output error.*as it was"):
        getattr(compiled(2), method)(path)
    assert_untouched(path, before)


@pytest.mark.parametrize("place", ["fsync_file", "rename"])
def test_ctrl_c_leaves_the_old_file(path, monkeypatch, place):
    before = path.read_bytes()
    monkeypatch.setattr(durable, place, fail(KeyboardInterrupt()))
    with pytest.raises(KeyboardInterrupt):
        compiled(2).save(path)
    assert_untouched(path, before)


@pytest.mark.parametrize("error", [OSError("no"), RuntimeError("no"), KeyboardInterrupt()])
@pytest.mark.parametrize("after", range(0, 14, 3))
def test_an_error_after_any_of_the_datasets_leaves_the_old_file(path, monkeypatch, error, after):
    before = path.read_bytes()
    create, count = h5py.Group.create_dataset, iter(range(100))

    def failing(*args, **kwargs):
        if next(count) >= after:
            raise error
        return create(*args, **kwargs)

    monkeypatch.setattr(h5py.Group, "create_dataset", failing)
    with pytest.raises(KeyboardInterrupt if isinstance(error, KeyboardInterrupt) else StorageError):
        compiled(2).save(path)
    monkeypatch.undo()
    assert_untouched(path, before)


def test_an_error_of_another_kind_is_not_hidden(path, monkeypatch):
    before = path.read_bytes()
    monkeypatch.setattr(layout, "write_layers", fail(ZeroDivisionError()))
    with pytest.raises(ZeroDivisionError):
        compiled(2).save(path)
    assert_untouched(path, before)


def test_a_full_disk_leaves_the_old_file(path):
    before = path.read_bytes()
    large = Sequential([layers.Dense(300, input_dim=300)])
    with no_room_for(100_000), pytest.raises(StorageError, match=r"best\.h5.*too large"):
        large.save(path)
    assert_untouched(path, before)


def test_the_file_is_on_the_disk_before_it_gets_its_name(path, monkeypatch):
    steps = []
    for name in ("fsync_file", "rename", "fsync_folder"):
        real = getattr(durable, name)
        monkeypatch.setattr(
            durable, name, lambda *args, name=name, real=real: (steps.append(name), real(*args))
        )
    compiled(2).save(path)
    assert steps == ["fsync_file", "rename", "fsync_folder"]
    assert (load_model(path).get_weights()[0] == 2).all()
