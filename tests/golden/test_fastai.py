"""fastai's Learner does with the callbacks what the recorded sequence asks for."""

import warnings

import pytest
import torch
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

from onfit.callbacks import BackupAndRestore, Callback, History, ReduceLROnPlateau, TimeLimit
from onfit.core.hooks import HOOKS
from onfit.errors import CapabilityError

with warnings.catch_warnings(action="ignore"):  # fastai's own, of the Python that is to come
    from fastai.callback import core as fastai_callback
    from fastai.callback.schedule import fit_one_cycle  # noqa: F401  a method of Learner
    from fastai.data.core import DataLoaders
    from fastai.data.load import DataLoader
    from fastai.learner import Learner
    from fastai.metrics import mse
    from fastai.optimizer import SGD, OptimWrapper

    from onfit.integrations.fastai import OnfitCallback

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")


class Recorded(Callback):
    """Puts the recorded value in the place of what fastai computes."""

    def on_epoch_end(self, epoch, logs=None):
        logs["val_loss"] = VAL_LOSS[epoch]


def learner(*callbacks, **arguments):
    samples = [(x, y) for xs, ys in batches() for x, y in zip(xs, ys, strict=True)]
    loaders = [DataLoader(samples, bs=4, num_workers=0, device="cpu") for _ in "ab"]
    defaults = {"opt_func": SGD, "lr": RATES[0], "loss_func": torch.nn.MSELoss(), "wd": 0.0}
    return Learner(
        DataLoaders(*loaders, device="cpu"),
        net(),
        cbs=[OnfitCallback(each) for each in callbacks],
        **(defaults | arguments),
    )


def fit(learn, *epochs):
    with learn.no_logging(), learn.no_mbar():
        learn.fit(*(epochs or (EPOCHS,)))


@pytest.mark.parametrize("of_torch", [False, True])
def test_fastai(tmp_path, of_torch):
    golden = Golden(tmp_path)
    optimizer = {"opt_func": lambda p, lr: OptimWrapper(p, torch.optim.SGD, lr=lr)}
    learn = learner([Recorded(), *golden.callbacks], **(optimizer if of_torch else {}))
    fit(learn)
    golden.check(weights_of(learn.model))
    assert same(weights_of(learn.model), weights_by_hand())


def test_logs_have_what_fastai_records():
    history = History()
    learn = learner([history], metrics=[mse])
    fit(learn, 3)
    assert set(history.history) == {"loss", "val_loss", "val_mse"}
    assert history.history["val_loss"] == [row[1] for row in learn.recorder.values]


def test_a_stop_within_an_epoch_ends_it():
    history = History()
    fit(learner([TimeLimit(1e-6), history]))
    assert history.epoch == [0]
    assert history.run.progress.step == 1


def test_each_hook_is_called_in_its_order():
    called = []

    class Notes(Callback):
        def __getattribute__(self, name):
            if name in HOOKS:
                return lambda *args: called.append((name, *args[:-1]))
            return super().__getattribute__(name)

    fit(learner([Notes()]), 1)
    steps = ("on_train_batch_begin", "on_before_optimizer_step", "on_train_batch_end")
    tests = ("on_test_batch_begin", "on_test_batch_end")
    assert called == [
        ("on_train_begin",),
        ("on_epoch_begin", 0),
        *[(hook, index) for index in (0, 1) for hook in steps],
        ("on_test_begin",),
        *[(hook, index) for index in (0, 1) for hook in tests],
        ("on_test_end",),
        ("on_validation_end", 2),
        ("on_epoch_end", 0),
        ("on_train_end",),
    ]


def test_predictions_and_evaluations_are_no_training():
    history = History()
    learn = learner([history])
    learn.validate()
    assert history.epoch == []
    fit(learn, 2)
    learn.validate()
    learn.get_preds()
    with learn.no_logging(), learn.no_mbar():
        learn.lr_find(num_it=20, show_plot=False)
    assert history.epoch == [0, 1]


def test_an_evaluation_within_a_training_is_none_of_its_validations():
    class Evaluates(Callback):
        def on_epoch_end(self, epoch, logs=None):
            with learn.no_logging(), learn.no_mbar():
                logs["again"] = learn.validate()[0]

    history = History()
    fit(learn := learner([Evaluates(), history]), 2)
    assert history.epoch == [0, 1]
    assert history.history["again"] == history.history["val_loss"]


@pytest.mark.parametrize("training", [True, False])
def test_an_epoch_or_a_validation_that_is_broken_off_is_followed_by_the_next(training):
    class Breaks(fastai_callback.Callback):
        def after_batch(self):
            if self.epoch == self.iter == 1 and self.training == training:
                raise fastai_callback.CancelEpochException

    history = History()
    (learn := learner([history])).add_cb(Breaks())
    fit(learn, 3)
    assert history.epoch == [0, 1, 2]
    assert [len(history.history[name]) for name in ("loss", "val_loss")] == [3, 2]


def test_a_stop_by_another_callback_is_no_whole_training():
    class Stops(fastai_callback.Callback):
        def after_epoch(self):
            raise fastai_callback.CancelFitException

    history = History()
    (learn := learner([history])).add_cb(Stops())
    fit(learn, 3)
    assert (history.run.outcome, history.run.stopped_by) == ("stopped", "fastai's Learner")


def test_a_training_that_begins_later_has_the_later_epochs():
    history = History()
    with (learn := learner([history])).no_logging(), learn.no_mbar():
        learn.fit(4, start_epoch=2)
    assert history.epoch == [2, 3]


def test_several_groups_of_parameters_keep_their_ratio():
    class Halves(Callback):
        def on_epoch_end(self, epoch, logs=None):
            self.model.optimizer.learning_rate /= 2

    learn = learner([Halves()], splitter=lambda model: [[model.weight], [model.bias]])
    fit(learn, 1, slice(0.1, 0.4))
    assert [group["lr"] for group in learn.opt.hypers] == pytest.approx([0.05, 0.2])


def test_a_rate_that_fastai_sets_itself_is_one_sentence_before_training():
    learn = learner([ReduceLROnPlateau()])
    with pytest.raises(CapabilityError, match=r"train with learn\.fit"), learn.no_mbar():
        learn.fit_one_cycle(2)
    history = History()
    learn = learner([history])
    with learn.no_logging(), learn.no_mbar():
        learn.fit_one_cycle(2)
    assert history.epoch == [0, 1]


def test_backup_and_restore_says_what_to_write_instead(tmp_path):
    with pytest.raises(CapabilityError, match="SaveModelCallback"):
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
        fit(learner([notes, Raises()]))
    assert notes.outcome == "failed"
