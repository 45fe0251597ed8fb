"""Ignite does with the callbacks what the recorded sequence asks for."""

import warnings

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
    train_on,
    weights_by_hand,
    weights_of,
)

from onfit.callbacks import (
    BackupAndRestore,
    Callback,
    EarlyStopping,
    History,
    ReduceLROnPlateau,
    TimeLimit,
)
from onfit.core.hooks import HOOKS
from onfit.errors import (
    ArgumentError,
    ArgumentTypeError,
    CapabilityError,
    NotReadyError,
    OnfitWarning,
)

with warnings.catch_warnings(action="ignore"):  # torch warns of parts of itself that Ignite imports
    from ignite.engine import Engine, Events
    from ignite.metrics import Average, ConfusionMatrix

    from onfit.integrations.ignite import OnfitCallback


class Training:
    """A trainer of the golden test's net, whose evaluator gives the recorded values."""

    def __init__(self, callbacks, validate_at=Events.EPOCH_COMPLETED, output=lambda loss: loss):
        self.net, self.validations = net(), 0
        self.optimizer = sgd(self.net)
        self.trainer = Engine(
            lambda engine, batch: output(train_on(self.net, self.optimizer, *batch))
        )
        self.evaluator = Engine(lambda engine, batch: VAL_LOSS[self.validations])
        Average().attach(self.evaluator, "loss")
        self.callback = OnfitCallback(callbacks, model=self.net, optimizer=self.optimizer)
        self.callback.attach(self.trainer, self.evaluator)
        self.trainer.add_event_handler(validate_at, self.validate)

    def validate(self, engine):
        self.evaluator.run(["a batch"])
        self.validations += 1

    def run(self, **until):
        return self.trainer.run(batches(), **(until or {"max_epochs": EPOCHS}))


def test_ignite(tmp_path):
    golden = Golden(tmp_path)
    training = Training(golden.callbacks)
    state = training.run()
    golden.check(weights_of(training.net))
    assert same(weights_of(training.net), weights_by_hand())
    assert state.epoch == STOPS_AT + 1


def test_ignite_counting_steps(tmp_path):
    golden = Golden(tmp_path, at="validations")
    training = Training(golden.callbacks, Events.ITERATION_COMPLETED(every=2))
    training.run(max_iters=2 * EPOCHS)
    golden.check(weights_of(training.net))
    assert same(weights_of(training.net), weights_by_hand())


def test_numbers_of_a_dict_and_of_the_metrics_are_logged():
    history = History()
    training = Training([history], output=lambda loss: {"loss": loss, "note": "text", "two": 2})
    Average(lambda output: output["two"] * 2).attach(training.trainer, "four")
    pair = torch.ones(1, 2), torch.ones(1, dtype=torch.long)
    classes = ConfusionMatrix(2, output_transform=lambda value: pair)
    classes.attach(training.evaluator, "classes")
    training.run(max_epochs=2)
    assert set(history.history) == {"loss", "two", "four", "val_loss"}
    assert history.history["four"] == [4.0, 4.0]


def test_a_second_run_counts_the_epochs_on_as_the_trainer_does():
    history = History()
    training = Training([history])
    training.run(max_epochs=2)
    training.run(max_epochs=4)
    assert history.epoch == [2, 3]


def test_a_stop_within_an_epoch_ends_it():
    history = History()
    Training([TimeLimit(1e-6), history]).run()
    assert history.epoch == [0]
    assert history.run.progress.step == 1


def test_each_hook_is_called_in_its_order():
    called = []

    class Notes(Callback):
        def __getattribute__(self, name):
            if name in HOOKS:
                return lambda *args: called.append((name, *args[:-1]))
            return super().__getattribute__(name)

    Training([Notes()]).run(max_epochs=1)
    steps = ("on_train_batch_begin", "on_before_optimizer_step", "on_train_batch_end")
    assert called == [
        ("on_train_begin",),
        ("on_epoch_begin", 0),
        *[(hook, index) for index in (0, 1) for hook in steps],
        ("on_test_begin",),
        ("on_test_batch_begin", 0),
        ("on_test_batch_end", 0),
        ("on_test_end",),
        ("on_validation_end", 2),
        ("on_epoch_end", 0),
        ("on_train_end",),
    ]


@pytest.mark.parametrize("own_handler", [None, "before a run", "after a run"])
def test_an_exception_reaches_the_callbacks_and_the_caller(own_handler):
    class Notes(Callback):
        def on_exception(self, exception):
            self.noted = str(exception)

    notes, wrong, taken = [Notes(), Notes()], [], []
    training = Training([notes[0]], output=lambda loss: 1 / 0 if wrong else loss)
    OnfitCallback([notes[1]], model=training.net).attach(training.trainer)
    training.trainer.logger.disabled = True
    take = Events.EXCEPTION_RAISED, lambda engine, error: taken.append(str(error))
    if own_handler == "before a run":
        training.trainer.add_event_handler(*take)
    training.run(max_epochs=1)
    if own_handler == "after a run":
        training.trainer.add_event_handler(*take)
    wrong.append("all")
    if own_handler is None:
        with pytest.raises(ZeroDivisionError):
            training.run(max_epochs=3)
    else:
        training.run(max_epochs=3)
    assert taken == ([] if own_handler is None else ["division by zero"])
    assert [each.noted for each in notes] == ["division by zero"] * 2
    assert [each.run.outcome for each in notes] == ["failed"] * 2


def test_validations_in_handlers_that_are_attached_late_count():
    history, evaluated = History(), []
    training = Training([history])
    training.trainer.add_event_handler(Events.STARTED, lambda engine: attach())

    def attach():
        if not evaluated:
            training.trainer.add_event_handler(Events.EPOCH_COMPLETED, validate)

    def validate(engine):
        training.evaluator.run(["a batch"])
        evaluated.append(training.evaluator.state.metrics["loss"])

    training.run(max_epochs=2)
    assert history.history["val_loss"] == evaluated == VAL_LOSS[1:3]


def test_validations_of_some_epochs_alone_are_waited_for():
    stopping = EarlyStopping(patience=1)
    training = Training([stopping], Events.EPOCH_COMPLETED(every=2))
    training.run()
    assert stopping.stopped_epoch == 5  # where the third value comes, which is a tie
    training = Training([EarlyStopping("val_los", mode="min")], Events.EPOCH_COMPLETED(every=2))
    with pytest.warns(OnfitWarning, match="Did you mean 'val_loss'"):
        training.run(max_epochs=2)


def test_waiting_in_vain_for_a_validation_is_warned_of():
    training = Training([EarlyStopping(), History()], Events.COMPLETED)
    with pytest.warns(OnfitWarning, match="no validation came within this training") as warned:
        training.run(max_epochs=2)
    assert len(warned) == 1


def test_a_stop_by_another_handler_is_no_whole_training():
    history = History()
    training = Training([history])
    training.trainer.add_event_handler(
        Events.EPOCH_COMPLETED(once=2), lambda engine: engine.terminate()
    )
    training.run()
    assert history.epoch == [0, 1]
    assert (history.run.outcome, history.run.stopped_by) == ("stopped", "Ignite's Engine")


def test_an_evaluation_outside_of_training_is_none_of_it():
    history = History()
    training = Training([history])
    training.evaluator.run(["a batch"])
    training.run(max_epochs=1)
    training.evaluator.run(["a batch"])
    assert history.history["val_loss"] == [VAL_LOSS[0]]


def test_what_cannot_be_is_one_sentence(tmp_path):
    with pytest.raises(CapabilityError, match=r"ignite\.handlers\.Checkpoint"):
        OnfitCallback([BackupAndRestore(tmp_path)], model=net())
    training = Training([EarlyStopping()])
    with pytest.raises(NotReadyError, match="one for each trainer"):
        training.callback.attach(training.trainer)
    with pytest.raises(ArgumentTypeError, match="one Engine of Ignite, and got list"):
        OnfitCallback([History()], model=net()).attach(training.trainer, [training.evaluator])
    with pytest.raises(ArgumentError, match="another engine than the trainer"):
        OnfitCallback([History()], model=net()).attach(training.trainer, training.trainer)
    without_a_rate = OnfitCallback([ReduceLROnPlateau()], model=net())
    without_a_rate.attach(trainer := Engine(lambda engine, batch: 0.0))
    trainer.logger.disabled = True
    with pytest.raises(CapabilityError, match=r"needs optimizer\.learning_rate"):
        trainer.run(["a batch"])
