"""A copy of a model, written later, by another thread, or again and again."""

import threading

import numpy as np
import pytest
import torch
from tests.saving.small import FIT, X, Y, assert_identical, predictions, small, trained
from torch import nn

from onfit import layers
from onfit.errors import ArgumentError, NotReadyError
from onfit.models import Model, Sequential, load_model


def test_a_snapshot_is_the_model_of_its_moment(tmp_path):
    model = trained()
    model.save(tmp_path / "then.h5")
    copy = model.snapshot()
    model.fit(X, Y, **FIT)
    copy.write(tmp_path / "copy.keras")
    then, written = load_model(tmp_path / "then.h5"), load_model(tmp_path / "copy.keras")
    assert written.optimizer.iterations == 3
    histories = [each.fit(X, Y, epochs=2, **FIT).history for each in (then, written)]
    assert histories[0] == histories[1]
    assert_identical(written.get_weights(), then.get_weights())


@pytest.mark.parametrize("suffix", [".safetensors", ".weights.h5", ".h5"])
def test_a_snapshot_of_weights_alone_is_what_save_weights_writes(tmp_path, suffix):
    model, other = trained(), small(activation="softmax")
    copy = model.snapshot(weights_only=True)
    expected = predictions(model)
    model.fit(X, Y, **FIT)
    copy.write(tmp_path / f"w{suffix}", notes={"epoch": 1})
    other.load_weights(tmp_path / f"w{suffix}")
    assert_identical(predictions(other), expected)
    assert model.notes_in(tmp_path / f"w{suffix}") == {"epoch": 1}
    with pytest.raises(ArgumentError, match="whole models"):
        copy.write(tmp_path / "x.keras")


def places(copy):
    return {name: buffer.data_ptr() for name, buffer in copy._buffers.items()}


def test_a_snapshot_is_filled_anew_in_its_own_memory(tmp_path):
    model = trained()
    copy = model.snapshot()
    before = places(copy)
    assert len(before) == 4 + 2 * 4
    model.fit(X, Y, **FIT)
    assert model.snapshot(out=copy) is copy
    assert places(copy) == before
    copy.write(tmp_path / "copy.h5")
    assert_identical(load_model(tmp_path / "copy.h5").get_weights(), model.get_weights())
    own = {tensor.data_ptr() for _, tensor in model.named_weights()}
    assert not own & set(before.values())


def test_what_has_another_shape_gets_memory_of_its_own(tmp_path):
    copy = small().snapshot(weights_only=True)
    other = Sequential([layers.Dense(9, input_dim=4), layers.Dense(3)])
    other.snapshot(weights_only=True, out=copy)
    copy.write(tmp_path / "w.h5")
    again = Sequential([layers.Dense(9, input_dim=4), layers.Dense(3)])
    again.load_weights(tmp_path / "w.h5")
    assert_identical(again.get_weights(), other.get_weights())


def test_a_change_of_the_rate_is_in_the_next_filling(tmp_path):
    model = trained()
    copy = model.snapshot()
    model.optimizer.learning_rate = 0.5
    model.snapshot(out=copy).write(tmp_path / "copy.keras")
    assert load_model(tmp_path / "copy.keras").optimizer.learning_rate == 0.5


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float64], ids=str)
def test_a_copy_has_the_types_and_the_layout_of_the_model(dtype):
    model = Sequential([layers.Input((5, 2)), layers.LSTM(3)]).to(dtype)
    copy = model.snapshot(weights_only=True)
    for name, tensor in model.named_weights():
        buffer = copy._buffers[name]
        assert (buffer.dtype, buffer.stride()) == (dtype, tensor.stride())
        assert torch.equal(buffer, tensor)


def test_threads_write_while_the_training_goes_on(tmp_path):
    model = trained()
    expected = predictions(model)
    copy = model.snapshot()
    names = ["a.h5", "b.keras", "c.h5", "d.keras"]
    threads = [threading.Thread(target=copy.write, args=(tmp_path / name,)) for name in names]
    for thread in threads:
        thread.start()
    model.fit(X, Y, epochs=3, **FIT)
    for thread in threads:
        thread.join()
    for name in names:
        assert_identical(predictions(load_model(tmp_path / name)), expected)


def test_a_wrapped_module_is_copied_with_its_optimizer(tmp_path):
    model = Model(nn.Linear(4, 3))
    model.compile("adam", "mse")
    model.fit(X, np.eye(3, dtype="float32")[Y], **FIT)
    copy = model.snapshot()
    assert len(copy._buffers) == 2 + 2 * 2
    copy.write(tmp_path / "copy.h5")
    other = Model(nn.Linear(4, 3))
    other.load_weights(tmp_path / "copy.h5")
    assert_identical(other.get_weights(), model.get_weights())


def test_half_a_copy_is_never_written(tmp_path):
    model = trained()
    copy = model.snapshot()
    model.compile("sgd", lambda y_true, y_pred: abs(y_true - y_pred))
    with pytest.raises(ArgumentError, match="no name"):
        model.snapshot(out=copy)
    with pytest.raises(NotReadyError, match=r"x\.h5.*Take it again"):
        copy.write(tmp_path / "x.h5")
    model.snapshot(weights_only=True, out=copy).write(tmp_path / "x.h5")
    assert [path.name for path in tmp_path.iterdir()] == ["x.h5"]


def test_a_model_without_weights_yet_says_so():
    with pytest.raises(NotReadyError, match=r"snapshot\(\) needs weights"):
        Sequential([layers.Dense(3)]).snapshot()
