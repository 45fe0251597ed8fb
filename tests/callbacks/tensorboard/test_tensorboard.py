import copy
import os
import subprocess
import sys
import threading
from types import SimpleNamespace

import numpy as np
import pytest
from tests.callbacks.tensorboard.event_reader import read, train

from onfit.callbacks.tensorboard import TensorBoard
from onfit.core import Callback, Run
from onfit.errors import MissingPackageError, StorageError


@pytest.fixture
def logs(tmp_path):
    return str(tmp_path / "logs")


@pytest.fixture(autouse=True)
def _files_are_read_in_the_order_they_were_opened(monkeypatch):
    from tensorboard.summary.writer import event_file_writer

    # Of files opened in one second, this number decides, and as text "10" comes before "9".
    counter = event_file_writer.AtomicCounter(0)
    monkeypatch.setattr(event_file_writer, "_global_uid", counter)


def curves(folder):
    """Tag -> list of (step, value)."""
    if not os.path.isdir(folder):
        return {}
    events = read(folder)
    return {
        tag: [
            (point.step, pytest.approx(point.value, nan_ok=True)) for point in events.Scalars(tag)
        ]
        for tag in events.Tags()["scalars"]
    }


def train_batches(callback, epochs, losses, size=2):
    with Run(SimpleNamespace(), callback, epochs=epochs) as run:
        for _ in run.epochs():
            for index, _ in enumerate(run.batches([[0] * size] * len(losses))):
                run.log(loss=losses[index])


# --- curves --------------------------------------------------------------------------------


def test_epochs_are_written_to_train_and_validation(logs):
    train(
        TensorBoard(logs),
        [{"loss": 1.0, "val_loss": 2.0, "acc": 0.1}, {"loss": 0.5, "val_loss": 1.5, "acc": 0.2}],
    )
    assert curves(f"{logs}/train") == {
        "epoch_loss": [(0, 1.0), (1, 0.5)],
        "epoch_acc": [(0, 0.1), (1, 0.2)],
    }
    assert curves(f"{logs}/validation") == {"epoch_loss": [(0, 2.0), (1, 1.5)]}


def test_only_folders_with_something_in_them_are_made(logs):
    train(TensorBoard(logs), [{"loss": 1.0}])
    assert os.listdir(logs) == ["train"]


def test_steps_are_the_indices_of_epochs_whatever_the_first(logs):
    train(TensorBoard(logs), [{"loss": 1.0}], initial_epoch=7)
    assert curves(f"{logs}/train") == {"epoch_loss": [(7, 1.0)]}


def test_batches_are_counted_over_the_whole_run(logs):
    train_batches(TensorBoard(logs, update_freq="batch"), 2, [1.0, 3.0])
    assert curves(f"{logs}/train") == {
        "batch_loss": [(0, 1.0), (1, 3.0), (2, 1.0), (3, 3.0)],
        "epoch_loss": [(0, 2.0), (1, 2.0)],
    }


def test_an_integer_writes_every_so_many_samples(logs):
    # 21 samples of batches of 2: after the 11th and the 22nd batch.
    train_batches(TensorBoard(logs, update_freq=21), 2, [float(n) for n in range(12)])
    assert curves(f"{logs}/train")["batch_loss"] == [(10, 10.0), (21, 9.0)]


def test_text_says_how_often_too(logs):
    train_batches(TensorBoard(logs, update_freq="3 batches"), 1, [float(n) for n in range(7)])
    assert curves(f"{logs}/train")["batch_loss"] == [(2, 2.0), (5, 5.0)]


def test_every_fifth_epoch_may_be_enough(logs):
    train(TensorBoard(logs, update_freq="5 epochs"), [{"loss": float(n)} for n in range(11)])
    assert curves(f"{logs}/train") == {"epoch_loss": [(4, 4.0), (9, 9.0)]}


def test_batches_go_on_counting_where_a_resumed_run_left_off(logs):
    callback = TensorBoard(logs, update_freq="batch")
    with Run(SimpleNamespace(), callback, epochs=1) as run:
        run.progress.step = 100
        for _ in run.epochs():
            for _ in run.batches([[0], [0]]):
                run.log(loss=1.0)
    assert curves(f"{logs}/train")["batch_loss"] == [(100, 1.0), (101, 1.0)]


def test_batches_are_counted_without_a_run_too(logs):
    callback = TensorBoard(logs, update_freq="2 batches")
    for _ in range(2):
        callback.on_train_begin()
        for batch in range(5):
            callback.on_train_batch_end(batch, {"batch": batch, "size": 1, "loss": batch})
        callback.on_train_end()
    # Without epochs nothing says that the second training begins anew.
    assert curves(f"{logs}/train") == {"batch_loss": [(1, 1.0), (3, 3.0), (6, 1.0), (8, 3.0)]}


def test_writing_epochs_costs_nothing_per_batch(logs):
    assert not TensorBoard(logs).hears("on_train_batch_end")
    assert not copy.deepcopy(TensorBoard(logs)).hears("on_train_batch_end")
    assert TensorBoard(logs, update_freq="batch").hears("on_train_batch_end")


def test_a_subclass_keeps_its_own_batch_hook(logs):
    class Mine(TensorBoard):
        seen = 0

        def on_train_batch_end(self, batch, logs=None):
            super().on_train_batch_end(batch, logs)
            self.seen += 1

    mine = Mine(logs)
    train_batches(mine, 1, [1.0, 2.0])
    assert mine.seen == 2


def test_what_is_not_one_number_is_passed_over_and_nan_is_written(logs):
    several = {"text": "0.5", "list": [1.0], "array": np.ones(2), "none": None}
    single = {"nan": float("nan"), "numpy": np.float32(0.5), "zero_d": np.array(2.0)}
    single["of_one"] = np.full(1, 3.0)
    train(TensorBoard(logs), [{**several, **single}])
    assert curves(f"{logs}/train") == {
        "epoch_nan": [(0, float("nan"))],
        "epoch_numpy": [(0, 0.5)],
        "epoch_zero_d": [(0, 2.0)],
        "epoch_of_one": [(0, 3.0)],
    }


def test_the_learning_rate_is_written_by_its_long_name(logs):
    train(TensorBoard(logs), [{"lr": 0.1}])
    assert curves(f"{logs}/train")["epoch_learning_rate"] == [(0, 0.1)]


def test_the_learning_rate_is_asked_of_the_optimizer_where_it_is_not_logged(logs):
    model = SimpleNamespace(optimizer=SimpleNamespace(learning_rate=0.25))
    train(TensorBoard(logs), [{"loss": 1.0}, {"learning_rate": 0.5}], model)
    assert curves(f"{logs}/train")["epoch_learning_rate"] == [(0, 0.25), (1, 0.5)]


def test_logs_are_left_as_they_are(logs):
    callback, values = TensorBoard(logs), {"loss": 1.0}
    callback.set_model(SimpleNamespace(optimizer=SimpleNamespace(learning_rate=0.25)))
    callback.on_train_begin()
    callback.on_epoch_end(0, values)
    callback.on_train_end()
    assert values == {"loss": 1.0}


# --- files ---------------------------------------------------------------------------------


def test_no_file_is_opened_before_there_is_something_to_write(logs):
    callback = TensorBoard(logs)
    callback.on_train_begin()
    assert os.listdir(logs) == []
    callback.on_train_end()
    assert os.listdir(logs) == []


def test_an_epoch_can_be_read_as_soon_as_it_is_over(logs):
    callback = TensorBoard(logs)
    callback.on_train_begin()
    callback.on_epoch_end(0, {"loss": 1.0, "val_loss": 2.0})
    assert curves(f"{logs}/train") == {"epoch_loss": [(0, 1.0)]}
    assert curves(f"{logs}/validation") == {"epoch_loss": [(0, 2.0)]}
    callback.on_train_end()


def test_a_second_fit_writes_new_files_and_leaves_the_old(logs):
    callback = TensorBoard(logs)
    train(callback, [{"loss": 1.0}])
    (first,) = os.listdir(f"{logs}/train")
    with open(f"{logs}/train/{first}", "rb") as file:
        before = file.read()
    train(callback, [{"loss": 0.5}], initial_epoch=1)
    assert len(os.listdir(f"{logs}/train")) == 2
    assert curves(f"{logs}/train") == {"epoch_loss": [(0, 1.0), (1, 0.5)]}
    with open(f"{logs}/train/{first}", "rb") as file:
        assert file.read() == before


def test_a_run_that_goes_on_hides_what_an_earlier_one_wrote_beyond_its_start(logs):
    train(TensorBoard(logs), [{"loss": 1.0, "val_loss": 1.0}] * 4)
    train(TensorBoard(logs), [{"loss": 0.5, "val_loss": 0.5}], initial_epoch=2)
    expected = {"epoch_loss": [(0, 1.0), (1, 1.0), (2, 0.5)]}
    assert curves(f"{logs}/train") == expected
    assert curves(f"{logs}/validation") == expected


def test_a_run_from_the_start_shows_alone_and_the_files_before_it_stay(logs):
    train(TensorBoard(logs), [{"loss": 1.0}] * 2)
    train(TensorBoard(logs), [{"loss": 0.5}])
    assert curves(f"{logs}/train") == {"epoch_loss": [(0, 0.5)]}
    assert len(os.listdir(f"{logs}/train")) == 2


def test_a_run_that_begins_at_a_later_epoch_counts_the_batches_of_those_before_it(logs):
    train_batches(TensorBoard(logs, update_freq="batch"), 2, [1.0, 2.0])
    board = TensorBoard(logs, update_freq="batch")
    with Run(SimpleNamespace(), board, epochs=3, initial_epoch=2, params={"steps": 2}) as run:
        for _ in run.epochs():
            for loss in run.batches([5.0, 6.0], size=lambda batch: 1):
                run.log(loss=loss)
    points = [(0, 1.0), (1, 2.0), (2, 1.0), (3, 2.0), (4, 5.0), (5, 6.0)]
    assert curves(f"{logs}/train")["batch_loss"] == points


def test_it_hides_no_batches(logs):
    train_batches(TensorBoard(logs, update_freq="batch"), 1, [1.0] * 4)
    train(TensorBoard(logs, update_freq="batch"), [{"loss": 0.5}], initial_epoch=1)
    assert curves(f"{logs}/train")["batch_loss"] == [(step, 1.0) for step in range(4)]


def test_files_are_closed_when_training_fails(logs):
    class Failing(Callback):
        def on_epoch_begin(self, epoch, logs=None):
            if epoch == 1:
                raise RuntimeError

    before = threading.active_count()
    with pytest.raises(RuntimeError):
        train([TensorBoard(logs), Failing()], [{"loss": 1.0}, {}])
    assert threading.active_count() <= before  # an open file has a thread that writes it
    assert curves(f"{logs}/train") == {"epoch_loss": [(0, 1.0)]}


def test_a_folder_that_cannot_be_is_an_error_before_training(tmp_path):
    (tmp_path / "logs").write_text("a file")
    with pytest.raises(StorageError, match=r"TensorBoard\(log_dir="):
        train(TensorBoard(tmp_path / "logs"), [])


def test_a_missing_tensorboard_library_is_named(monkeypatch):
    monkeypatch.setattr("onfit.callbacks.tensorboard.event_files.find_spec", lambda name: None)
    with pytest.raises(MissingPackageError, match=r'pip install "onfit\[tensorboard\]"'):
        TensorBoard()


def test_neither_torch_nor_tensorflow_is_loaded(logs):
    script = (
        "import sys\n"
        "from onfit.callbacks.tensorboard import TensorBoard\n"
        "assert 'tensorboard' not in sys.modules\n"
        "board = TensorBoard(sys.argv[1])\n"
        "assert 'tensorboard' not in sys.modules\n"
        "board.on_train_begin(); board.on_epoch_end(0, {'loss': 1.0}); board.on_train_end()\n"
        "print(sorted({'torch', 'tensorflow', 'jax', 'keras'} & sys.modules.keys()))\n"
    )
    result = subprocess.run(
        [sys.executable, "-W", "error", "-c", script, logs],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (result.stderr, result.stdout) == ("", "[]\n")
