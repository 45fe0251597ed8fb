"""skorch does with the callbacks what the recorded sequence asks for."""

import pickle

import numpy as np
import pytest
import skorch
import torch
from sklearn.base import clone
from tests.golden.golden import (
    EPOCHS,
    RATES,
    VAL_LOSS,
    Golden,
    batches,
    net,
    same,
    weights_by_hand,
    weights_of,
)

from onfit.callbacks import BackupAndRestore, Callback, CSVLogger, EarlyStopping, History, TimeLimit
from onfit.core.hooks import HOOKS
from onfit.errors import CapabilityError, NotReadyError
from onfit.integrations.skorch import OnfitCallback

X, Y = (torch.cat(parts) for parts in zip(*batches(), strict=True))


class Recorded(skorch.callbacks.Callback):
    """Records the recorded values as those of a validation."""

    def on_epoch_end(self, net, **more):
        net.history.record("valid_loss", VAL_LOSS[len(net.history) - 1])


def net_for(*callbacks, **arguments):
    defaults = {"max_epochs": EPOCHS, "lr": RATES[0], "batch_size": 4, "train_split": None}
    return skorch.NeuralNetRegressor(
        net(),
        optimizer=torch.optim.SGD,
        callbacks=[OnfitCallback(each) for each in callbacks],
        verbose=0,
        **(defaults | arguments),
    )


def test_skorch(tmp_path):
    golden = Golden(tmp_path)
    model = net_for(golden.callbacks)
    model.callbacks.insert(0, Recorded())
    model.fit(X, Y)
    golden.check(weights_of(model.module_))
    assert same(weights_of(model.module_), weights_by_hand())


def test_logs_have_what_skorch_records():
    history = History()
    model = net_for([history], max_epochs=3, train_split=skorch.dataset.ValidSplit(2))
    scoring = skorch.callbacks.EpochScoring("r2", name="valid_r2")
    model.callbacks.insert(0, scoring)
    model.fit(X.numpy(), Y.numpy())
    assert set(history.history) == {"loss", "val_loss", "val_r2", "dur"}
    assert history.history["loss"] == model.history[:, "train_loss"]
    assert history.history["val_loss"] == model.history[:, "valid_loss"]


def test_partial_fit_counts_the_epochs_on(tmp_path):
    history, log = History(), CSVLogger(tmp_path / "log.csv")
    model = net_for([history, log], max_epochs=2).fit(X, Y)
    model.partial_fit(X, Y)
    assert history.epoch == [2, 3]
    assert (tmp_path / "log.csv").read_text().count("\n") == 5


def test_a_stop_within_an_epoch_ends_it():
    history = History()
    net_for([TimeLimit(1e-6), history]).fit(X, Y)
    assert history.epoch == [0]
    assert history.run.progress.step == 1


def test_each_hook_is_called_in_its_order():
    called = []

    class Notes(Callback):
        def __getattribute__(self, name):
            if name in HOOKS:
                return lambda *args: called.append((name, *args[:-1]))
            return super().__getattribute__(name)

    net_for([Notes()], max_epochs=1, train_split=skorch.dataset.ValidSplit(2)).fit(X, Y)
    assert called == [
        ("on_train_begin",),
        ("on_epoch_begin", 0),
        ("on_train_batch_begin", 0),
        ("on_before_optimizer_step", 0),
        ("on_train_batch_end", 0),
        ("on_test_begin",),
        ("on_test_batch_begin", 0),
        ("on_test_batch_end", 0),
        ("on_test_end",),
        ("on_validation_end", 1),
        ("on_epoch_end", 0),
        ("on_train_end",),
    ]


def test_a_net_with_callbacks_is_cloned_and_pickled():
    model = net_for([EarlyStopping("loss", patience=2)], max_epochs=2)
    other = clone(model).fit(X, Y)
    assert model.callbacks[0].session is None
    assert len(clone(other).fit(X, Y).history) == 2
    again = pickle.loads(pickle.dumps(other))
    np.testing.assert_array_equal(again.predict(X), other.predict(X))
    assert again.callbacks[0].callbacks[0].patience == 2


def test_what_an_interrupt_ends_is_no_whole_training():
    class Interrupts(skorch.callbacks.Callback):
        def on_batch_end(self, net, **more):
            raise KeyboardInterrupt

    history = History()
    model = net_for([history])
    model.callbacks.append(Interrupts())
    model.fit(X, Y)
    assert history.run.stopped_by == "skorch"


@pytest.mark.parametrize("loads_first", [True, False])
def test_a_training_that_skorch_goes_on_with_counts_its_epochs_on(tmp_path, loads_first):
    def fitted(append, *more):
        history = History()
        model = net_for([history, CSVLogger("log.csv", append=append)], max_epochs=2)
        model.callbacks = [*more, *model.callbacks] if loads_first else [*model.callbacks, *more]
        model.fit(X, Y)
        return history.epoch

    saves = skorch.callbacks.Checkpoint(monitor=None, dirname=str(tmp_path))
    assert fitted(False, saves) == [0, 1]
    assert fitted(True, skorch.callbacks.LoadInitState(saves)) == [2, 3]
    rows = (tmp_path / "log.csv").read_text().splitlines()[1:]
    assert [row.partition(",")[0] for row in rows] == ["0", "1", "2", "3"]


def test_a_training_of_no_epochs_begins_and_ends():
    called = []

    class Notes(Callback):
        def on_train_begin(self, logs=None):
            called.append("begin")

        def on_train_end(self, logs=None):
            called.append(self.run.outcome)

    net_for([Notes()], max_epochs=0).fit(X, Y)
    assert called == ["begin", "completed"]


def test_the_same_callback_twice_is_one_sentence():
    model = net_for([History()])
    model.callbacks *= 2
    with pytest.raises(NotReadyError, match="List it once"):
        model.fit(X, Y)


def test_backup_and_restore_says_what_to_write_instead(tmp_path):
    with pytest.raises(CapabilityError, match=r"net\.load_params"):
        OnfitCallback([BackupAndRestore(tmp_path)])


def test_an_exception_in_a_callback_ends_the_training_for_all_of_them():
    class Raises(Callback):
        def on_epoch_end(self, epoch, logs=None):
            raise RuntimeError("a fault")

    class Notes(Callback):
        def on_train_end(self, logs=None):
            self.outcome = self.run.outcome

    notes = Notes()
    with pytest.raises(RuntimeError, match="a fault"):
        net_for([notes, Raises()]).fit(X, Y)
    assert notes.outcome == "failed"
