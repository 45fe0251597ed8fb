"""The Trainer of transformers does with the callbacks what the recorded sequence asks for."""

import pytest
import torch
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
from transformers import Trainer, TrainingArguments
from transformers.optimization import get_linear_schedule_with_warmup

from onfit.callbacks import (
    BackupAndRestore,
    Callback,
    EarlyStopping,
    History,
    LearningRateFinder,
    OneCycle,
    TerminateOnNaN,
)
from onfit.core.hooks import HOOKS
from onfit.errors import ArgumentError, CapabilityError, MissingMetricError, OnfitWarning
from onfit.integrations.transformers import OnfitCallback

# Its loader asks for pinned memory, which this machine may not have.
pytestmark = [pytest.mark.filterwarnings("ignore:.*pin_memory")]


class Net(torch.nn.Module):
    """The net of the golden test with the loss that a Trainer asks for."""

    def __init__(self):
        super().__init__()
        self.net = net()

    def forward(self, x, y):
        out = self.net(x)
        return {"loss": torch.nn.functional.mse_loss(out, y), "out": out}


class Recorded(Trainer):
    """Its evaluations have the recorded losses."""

    validated = 0

    def evaluation_loop(self, *args, metric_key_prefix="eval", **named):
        output = super().evaluation_loop(*args, metric_key_prefix=metric_key_prefix, **named)
        output.metrics[f"{metric_key_prefix}_loss"] = VAL_LOSS[self.validated]
        self.validated += 1
        return output


def samples():
    xs, ys = (torch.cat(parts) for parts in zip(*batches(), strict=True))
    return [{"x": x, "y": y} for x, y in zip(xs, ys, strict=True)]


def trainer_for(folder, callbacks, model=None, schedule=None, optimizer=None, **arguments):
    model = model or Net()
    optimizer = optimizer or sgd(model)
    evaluations = arguments.pop("evaluations", 1)
    data = arguments.pop("eval_dataset", samples())
    args = TrainingArguments(
        output_dir=str(folder / "trainer"),
        **{
            "num_train_epochs": EPOCHS,
            "per_device_train_batch_size": 4,
            "per_device_eval_batch_size": 4,
            "eval_strategy": "epoch",
            "save_strategy": "no",
            "logging_strategy": "epoch",
            "lr_scheduler_type": "constant",
            "max_grad_norm": 0.0,
            "use_cpu": True,
            "report_to": "none",
            "disable_tqdm": True,
            "dataloader_pin_memory": False,
            "remove_unused_columns": False,
            "label_names": ["y"],
            "train_sampling_strategy": "sequential",
            **arguments,
        },
    )
    return Recorded(
        model,
        args,
        train_dataset=samples(),
        eval_dataset=data,
        optimizers=(optimizer, schedule and schedule(optimizer)),
        callbacks=[OnfitCallback(callbacks, evaluations=evaluations)],
    )


def check(golden, model):
    golden.check(weights_of(model.net))
    assert same(weights_of(model.net), weights_by_hand())


def test_transformers(tmp_path):
    golden, model = Golden(tmp_path), Net()
    trainer_for(tmp_path, golden.callbacks, model).train()
    check(golden, model)


def test_transformers_counting_steps(tmp_path):
    golden, model = Golden(tmp_path, at="validations"), Net()
    steps = {"max_steps": 2 * EPOCHS, "eval_strategy": "steps", "eval_steps": 2}
    trainer_for(tmp_path, golden.callbacks, model, **steps).train()
    check(golden, model)


def test_where_it_evaluates_by_steps_callbacks_decide_there(tmp_path):
    stop, history = EarlyStopping(patience=3), History()
    steps = {"eval_strategy": "steps", "eval_steps": 1}
    trainer = trainer_for(tmp_path, [stop, history], **steps)
    trainer.train()
    assert (stop.stopped_epoch, stop.best_epoch) == (8, 5)
    assert trainer.state.global_step == 8
    assert history.history["val_loss"] == [2.0, 2.5, 1.5, 1.0]  # the latest of each epoch


class Asking(Callback):
    """Stops the training after an epoch, as a job that ran out of time."""

    def __init__(self, epoch):
        self.epoch = epoch

    def on_epoch_end(self, epoch, logs=None):
        if epoch == self.epoch:
            self.request_stop("time is up")


def test_a_training_goes_on_from_a_checkpoint_with_all_that_callbacks_remember(tmp_path):
    first = Golden(tmp_path)
    trainer_for(tmp_path, [*first.callbacks, Asking(5)], save_strategy="epoch").train()
    second, model = Golden(tmp_path), Net()
    second.callbacks[0] = first.seen
    trainer = trainer_for(tmp_path, second.callbacks, model, save_strategy="epoch")
    trainer.validated = 6
    trainer.train(resume_from_checkpoint=True)
    second.check_files()
    assert second.stopping.stopped_epoch == STOPS_AT
    assert second.history.history["val_loss"] == VAL_LOSS[: STOPS_AT + 1]
    assert same(weights_of(model.net), weights_by_hand())


class Counts(Callback):
    def __init__(self):
        self.batches, self.epochs, self.ended = [], [], []

    def on_train_batch_end(self, batch, logs=None):
        self.batches.append(batch)

    def on_epoch_begin(self, epoch, logs=None):
        self.epochs.append(epoch)

    def on_epoch_end(self, epoch, logs=None):
        self.ended.append(epoch)


@pytest.mark.parametrize("step", [1, 2])
def test_a_training_goes_on_within_an_epoch_and_at_its_last_step(tmp_path, step):
    saves = {"save_strategy": "steps", "save_steps": 1, "num_train_epochs": 2}
    first, second = Counts(), Counts()
    trainer_for(tmp_path, [first], **saves).train()
    trainer = trainer_for(tmp_path, [second], **saves)
    trainer.train(resume_from_checkpoint=str(tmp_path / f"trainer/checkpoint-{step}"))
    assert vars(second)["batches"] == first.batches == [0, 1, 0, 1]
    assert second.epochs == first.epochs == [0, 1]
    assert second.ended == first.ended == [0, 1]


def test_a_checkpoint_that_was_made_without_the_callbacks_is_gone_on_from(tmp_path):
    trainer = trainer_for(tmp_path, [], num_train_epochs=2, save_strategy="epoch")
    trainer.remove_callback(OnfitCallback)
    trainer.train()
    history = History()
    trainer = trainer_for(tmp_path, [history], num_train_epochs=4)
    trainer.train(resume_from_checkpoint=True)
    assert history.epoch == [2, 3]


def test_a_trainer_that_would_make_the_callback_anew_is_an_error(tmp_path):
    saves = {"num_train_epochs": 1, "save_strategy": "epoch"}
    trainer_for(tmp_path, [History()], **saves).train()
    anew = {"restore_callback_states_from_checkpoint": True}
    with pytest.raises(ArgumentError, match="restore_callback_states_from_checkpoint=True"):
        trainer_for(tmp_path, [History()], **saves, **anew).train(resume_from_checkpoint=True)


def test_backup_and_restore_says_what_to_write_instead(tmp_path):
    with pytest.raises(CapabilityError, match="resume_from_checkpoint=True"):
        OnfitCallback([BackupAndRestore(tmp_path)])


def test_each_hook_is_called_in_its_order(tmp_path):
    called = []

    class Notes(Callback):
        def __getattribute__(self, name):
            if name in HOOKS:
                return lambda *args: called.append((name, *args[:-1]))
            return super().__getattribute__(name)

    trainer_for(tmp_path, [Notes()], num_train_epochs=1, eval_on_start=True).train()
    batch = [
        (hook, index)
        for index in (0, 1)
        for hook in ("on_train_batch_begin", "on_before_optimizer_step", "on_train_batch_end")
    ]
    test = [(f"on_test_batch_{edge}", index) for index in (0, 1) for edge in ("begin", "end")]
    evaluation = [("on_test_begin",), *test, ("on_test_end",)]
    assert called == [
        ("on_train_begin",),
        *evaluation,  # eval_on_start
        ("on_epoch_begin", 0),
        *batch,
        *evaluation,
        ("on_validation_end", 2),
        ("on_epoch_end", 0),
        ("on_train_end",),
    ]


def test_an_exception_in_a_callback_ends_it_for_all(tmp_path):
    class Fails(Callback):
        def on_epoch_end(self, epoch, logs=None):
            raise ConnectionError("a fault")

    class Notes(Callback):
        def on_exception(self, exception):
            self.noted = exception

    notes = Notes()
    with pytest.raises(ConnectionError) as caught:
        trainer_for(tmp_path, [Fails(), notes]).train()
    assert notes.noted is caught.value
    assert notes.run.outcome == "failed"


def test_an_exception_before_a_step_ends_it_for_all(tmp_path):
    class Fails(Callback):
        def on_before_optimizer_step(self, batch, logs=None):
            raise ConnectionError("a fault")

    history = History()
    with pytest.raises(ConnectionError):
        trainer_for(tmp_path, [Fails(), history]).train()
    assert history.run.outcome == "failed"


def test_what_needs_the_loss_of_each_batch_says_that_there_is_none(tmp_path):
    with pytest.raises(MissingMetricError, match="as that of transformers does, search"):
        trainer_for(tmp_path, [LearningRateFinder()]).train()
    with pytest.warns(OnfitWarning, match="logging_nan_inf_filter=False"):
        trainer_for(tmp_path, [TerminateOnNaN()], num_train_epochs=1).train()


def test_a_nan_that_the_trainer_logs_ends_the_training(tmp_path):
    model, history = Net(), History()
    model.net.weight.data.fill_(float("nan"))
    shown = {"logging_nan_inf_filter": False}
    trainer_for(tmp_path, [TerminateOnNaN(), history], model, **shown).train()
    assert history.epoch == [0]
    assert history.run.stopped_by == "TerminateOnNaN"


def test_the_rate_that_a_callback_sets_is_what_the_schedule_goes_on_from(tmp_path):
    class Halves(Callback):
        def on_epoch_end(self, epoch, logs=None):
            if epoch == 0:
                self.model.optimizer.learning_rate = float(self.model.optimizer.learning_rate) / 2

    def linear(optimizer):
        return get_linear_schedule_with_warmup(optimizer, 0, 20)

    rates, seen = [], []
    for callbacks, kept in (([], rates), ([Halves()], seen)):
        history = History()
        trainer = trainer_for(tmp_path, [*callbacks, history], num_train_epochs=5, schedule=linear)
        trainer.train()
        kept += history.history["learning_rate"]
    assert seen[0] == rates[0]
    assert seen[1:] == pytest.approx([rate / 2 for rate in rates[1:]])


def test_a_cycle_knows_how_many_steps_there_will_be(tmp_path):
    history = History()
    steps = {"max_steps": 6, "eval_strategy": "steps", "eval_steps": 2}

    def linear(optimizer):
        return get_linear_schedule_with_warmup(optimizer, 0, 6)

    trainer_for(tmp_path, [OneCycle(0.1), History()], schedule=linear, **steps).train()
    trainer_for(tmp_path, [OneCycle(0.1), history], **steps).train()
    assert history.history["lr"][-1] == pytest.approx(0.1 / 25 / 1e4)


@pytest.mark.parametrize("logging", [{"logging_strategy": "steps", "logging_steps": 1}, {}])
def test_the_loss_of_an_epoch_is_the_mean_over_it(tmp_path, logging):
    history, batch_by_batch, model = History(), [], Net()
    losses = torch.nn.functional.mse_loss

    class Notes(Callback):
        def on_before_optimizer_step(self, batch, logs=None):
            x, y = batches()[batch]
            batch_by_batch.append(losses(model.net(x), y).item())

    trainer_for(tmp_path, [history, Notes()], model, num_train_epochs=1, **logging).train()
    assert history.history["loss"] == pytest.approx([sum(batch_by_batch) / 2], rel=1e-5)
    assert {*history.history} == {"loss", "learning_rate", "grad_norm", "val_loss"}


def test_several_sets_are_evaluated_before_callbacks_decide(tmp_path):
    history, several = History(), {"a": samples(), "b": samples()}
    data = {"eval_dataset": several, "num_train_epochs": 2}
    trainer_for(tmp_path, [history], evaluations=2, **data).train()
    assert history.history["val_a_loss"] == [VAL_LOSS[0], VAL_LOSS[2]]
    assert history.history["val_b_loss"] == [VAL_LOSS[1], VAL_LOSS[3]]
    with pytest.raises(ArgumentError, match="pass its length as evaluations="):
        trainer_for(tmp_path, [History()], **data).train()


def test_an_evaluation_outside_of_training_is_left_alone(tmp_path):
    history = History()
    trainer = trainer_for(tmp_path, [history], num_train_epochs=1)
    trainer.evaluate()
    trainer.train()
    trainer.evaluate()
    assert history.epoch == [0]


def test_of_what_an_evaluation_measured_only_the_trainers_speeds_are_left_out(tmp_path):
    history = History()
    trainer = trainer_for(tmp_path, [history], num_train_epochs=1)
    trainer.compute_metrics = lambda _: {"best_epoch": 4.0, "inference_runtime": 2.0}
    trainer.train()
    names = {name for name in history.history if name.startswith("val_")}
    assert names == {"val_loss", "val_best_epoch", "val_inference_runtime"}
