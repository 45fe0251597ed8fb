"""Lightning's Trainer does with the callbacks what the recorded sequence asks for."""

import lightning
import pytest
import torch
from lightning.pytorch.callbacks import ModelCheckpoint
from tests.golden.golden import (
    EPOCHS,
    STOPS_AT,
    VAL_LOSS,
    Golden,
    batches,
    net,
    same,
    sgd,
    weights_by_hand,
    weights_of,
)

from onfit.callbacks import (
    BackupAndRestore,
    Callback,
    CSVLogger,
    EarlyStopping,
    History,
    OneCycle,
)
from onfit.callbacks import ModelCheckpoint as OnfitCheckpoint
from onfit.core.hooks import HOOKS
from onfit.errors import CapabilityError
from onfit.integrations.lightning import OnfitCallback

# Lightning warns of torch's own changes, of few workers, and of few batches.
pytestmark = [
    pytest.mark.filterwarnings("ignore:.*LeafSpec:FutureWarning"),
    pytest.mark.filterwarnings("ignore:.*does not have many workers"),
    pytest.mark.filterwarnings("ignore:.*multiprocessing_context"),
    pytest.mark.filterwarnings("ignore:.*dirpath has changed"),
]


QUIET = {
    "accelerator": "cpu",
    "logger": False,
    "enable_progress_bar": False,
    "enable_model_summary": False,
}


class Recorded(lightning.LightningModule):
    """Trains the net of the golden test, and logs the recorded values when it validates."""

    def __init__(self, every=1):
        super().__init__()
        self.net, self.every, self.validated = net(), every, 0

    def training_step(self, batch, index):
        x, y = batch
        return torch.nn.functional.mse_loss(self.net(x), y)

    def validation_step(self, batch, index):
        value = VAL_LOSS[0 if self.trainer.sanity_checking else self.validated]
        self.log("val_loss", value)

    def on_validation_epoch_end(self):
        self.validated += not self.trainer.sanity_checking

    def configure_optimizers(self):
        return sgd(self.net)

    def train_dataloader(self):
        return loader()

    def val_dataloader(self):
        return loader()


def loader():
    return torch.utils.data.DataLoader(batches(), batch_size=None)


def trainer_for(callbacks, saver=None, **arguments):
    return lightning.Trainer(
        callbacks=[OnfitCallback(callbacks), *([saver] if saver else [])],
        enable_checkpointing=saver is not None,
        **{"max_epochs": EPOCHS, **QUIET, **arguments},
    )


def test_lightning(tmp_path):
    golden, module = Golden(tmp_path), Recorded()
    trainer_for(golden.callbacks).fit(module)
    golden.check(weights_of(module.net))
    assert same(weights_of(module.net), weights_by_hand())


def test_lightning_counting_steps(tmp_path):
    golden, module = Golden(tmp_path, at="validations"), Recorded()
    trainer_for(golden.callbacks, max_epochs=-1, max_steps=2 * EPOCHS).fit(module)
    golden.check(weights_of(module.net))
    assert same(weights_of(module.net), weights_by_hand())


def test_where_validations_come_within_epochs_callbacks_decide_there():
    stop, history = EarlyStopping(patience=3), History()
    module = Recorded()
    trainer = trainer_for([stop, history], val_check_interval=0.5)
    trainer.fit(module)
    assert (stop.stopped_epoch, stop.best_epoch) == (8, 5)  # steps
    assert trainer.global_step == 8
    assert history.history["val_loss"] == [2.0, 2.5, 1.5, 1.0]  # the latest of each epoch


class Asking(Callback):
    """Stops the training after an epoch, as a job that ran out of time."""

    def __init__(self, epoch):
        self.epoch = epoch

    def on_epoch_end(self, epoch, logs=None):
        if epoch == self.epoch:
            self.request_stop("time is up")


@pytest.mark.parametrize("saved_at", ["validation", "epoch"])
def test_a_training_goes_on_from_a_checkpoint_with_all_that_callbacks_remember(tmp_path, saved_at):
    def saver(folder):
        by_epoch = saved_at == "epoch"
        return ModelCheckpoint(tmp_path / folder, save_on_train_epoch_end=by_epoch)

    first, saved = Golden(tmp_path), saver("first")
    trainer_for([*first.callbacks, Asking(5)], saver=saved).fit(Recorded())

    second, module = Golden(tmp_path), Recorded()
    second.callbacks[0] = first.seen
    module.validated = 6
    trainer = trainer_for(second.callbacks, saver=saver("second"), num_sanity_val_steps=0)
    trainer.fit(module, ckpt_path=saved.best_model_path)
    second.check_files()
    assert second.stopping.stopped_epoch == STOPS_AT
    assert second.history.history["val_loss"] == VAL_LOSS[: STOPS_AT + 1]
    assert same(weights_of(module.net), weights_by_hand())


def test_a_training_goes_on_from_a_checkpoint_of_an_epochs_last_batch(tmp_path):
    def saver(folder):
        by_steps = {"every_n_train_steps": 2, "save_top_k": -1, "filename": "{step}"}
        return ModelCheckpoint(tmp_path / folder, **by_steps)

    first, second = History(), History()
    trainer_for([first], saver=saver("first"), max_epochs=3).fit(Recorded())
    more = {"max_epochs": 3, "num_sanity_val_steps": 0}
    trainer = trainer_for([second], saver=saver("second"), **more)
    trainer.fit(Recorded(), ckpt_path=tmp_path / "first/step=2.ckpt")  # before its validation
    assert first.epoch == second.epoch == [0, 1, 2]
    assert second.history["loss"] == pytest.approx(first.history["loss"])
    assert len(second.history["val_loss"]) == 2


def test_a_cycle_knows_how_many_steps_there_will_be():
    history = History()
    trainer_for([OneCycle(0.1), history], max_epochs=-1, max_steps=6).fit(Recorded())
    assert len(history.history["learning_rate"]) == 3
    assert history.history["learning_rate"][-1] == pytest.approx(0.1 / 25 / 1e4)


def test_a_checkpoint_that_was_made_without_the_callbacks_is_gone_on_from(tmp_path):
    module = Recorded()
    trainer = lightning.Trainer(max_epochs=2, enable_checkpointing=False, **QUIET)
    trainer.fit(module)
    trainer.save_checkpoint(tmp_path / "end.ckpt")
    history = History()
    trainer_for([history], max_epochs=4).fit(module, ckpt_path=tmp_path / "end.ckpt")
    assert history.epoch == [2, 3]


def test_backup_and_restore_says_what_to_write_instead(tmp_path):
    with pytest.raises(CapabilityError, match=r"fit\(model, ckpt_path="):
        OnfitCallback([BackupAndRestore(tmp_path)])


def test_a_callback_sees_gradients_and_can_change_them():
    class Frozen(Callback):
        norms, ends = [], []

        def on_before_optimizer_step(self, batch, logs=None):
            for weight in self.model.parameters():
                self.norms.append(weight.grad.norm().item())
                weight.grad.zero_()

        def on_train_batch_end(self, batch, logs=None):
            self.ends.append(self.model.net.net.weight.grad.norm().item())

    module = Recorded()
    trainer_for([Frozen()], max_epochs=1).fit(module)
    assert same(weights_of(module.net), weights_of(net()))
    assert all(Frozen.norms)
    assert Frozen.ends == [0, 0]


def test_each_hook_is_called_in_its_order():
    called = []

    class Notes(Callback):
        def __getattribute__(self, name):
            if name in HOOKS:
                return lambda *args: called.append((name, *args[:-1]))
            return super().__getattribute__(name)

    trainer_for([Notes()], max_epochs=1).fit(Recorded())
    batch = [
        (hook, index)
        for index in (0, 1)
        for hook in (
            "on_train_batch_begin",
            "on_before_optimizer_step",
            "on_train_batch_end",
        )
    ]
    test = [(f"on_test_batch_{edge}", index) for index in (0, 1) for edge in ("begin", "end")]
    assert called == [
        ("on_train_begin",),
        ("on_epoch_begin", 0),
        *batch,
        ("on_test_begin",),
        *test,
        ("on_test_end",),
        ("on_validation_end", 2),
        ("on_epoch_end", 0),
        ("on_train_end",),
    ]


def test_an_exception_reaches_the_callbacks():
    class Raises(Recorded):
        def validation_step(self, batch, index):
            if not self.trainer.sanity_checking:
                raise RuntimeError("a fault")

    class Notes(Callback):
        def on_exception(self, exception):
            self.noted = str(exception)

    notes = Notes()
    with pytest.raises(RuntimeError, match="a fault"):
        trainer_for([notes]).fit(Raises())
    assert notes.noted == "a fault"
    assert notes.run.outcome == "failed"


def test_logs_have_what_this_epoch_logged_alone():
    class Sparse(Recorded):
        def training_step(self, batch, index):
            self.log("seen", float(self.current_epoch), on_step=False, on_epoch=True)
            return super().training_step(batch, index)

    history = History()
    trainer_for([history], max_epochs=3, check_val_every_n_epoch=2).fit(Sparse())
    assert history.history["seen"] == [0.0, 1.0, 2.0]
    assert history.history["val_loss"] == [VAL_LOSS[0]]
    assert len(history.history["loss"]) == 3


def test_a_fast_dev_run_leaves_the_files_of_earlier_trainings_alone(tmp_path, capsys):
    (tmp_path / "log.csv").write_text("epoch,loss\n0,1.0\n")
    (tmp_path / "best.pt").write_bytes(b"precious")
    log, history = CSVLogger(tmp_path / "log.csv"), History()
    best = OnfitCheckpoint(tmp_path / "best.pt", save_best_only=True, save_weights_only=True)
    callback = OnfitCallback([log, best, history])
    lightning.Trainer(**QUIET, fast_dev_run=True, callbacks=[callback]).fit(Recorded())
    assert history.history["val_loss"] == [VAL_LOSS[0]]
    assert (tmp_path / "best.pt").read_bytes() == b"precious"
    assert {path.name for path in tmp_path.iterdir()} == {"log.csv", "best.pt"}
    said = "Left out of this trial, since they leave files: CSVLogger, ModelCheckpoint."
    assert said in capsys.readouterr().out
