"""Learning rates by batch: LearningRateScheduler(by="batch"), OneCycle; and one rate set twice."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch

from onfit.callbacks import (
    BaseLogger,
    Callback,
    EarlyStopping,
    History,
    LambdaCallback,
    LearningRateScheduler,
    OneCycle,
    ReduceLROnPlateau,
    TimeLimit,
)
from onfit.core import Run
from onfit.errors import ArgumentError, NotReadyError, OnfitWarning
from onfit.optimizers.schedules import CosineDecay


class Rates(Callback):
    """Notes the rate of each batch."""

    def __init__(self):
        self.seen = []

    def on_train_batch_end(self, batch, logs=None):
        self.seen.append(self.model.optimizer.learning_rate)


def a_model():
    return SimpleNamespace(optimizer=SimpleNamespace(learning_rate=1.0))


def rates_with(*callbacks, epochs=3, batches=4, **options):
    rates = Rates()
    with Run(a_model(), [*callbacks, rates], epochs=epochs, **options) as run:
        for epoch in run.epochs():
            for _ in run.batches([[1]] * batches):
                run.log(loss=epoch)
    return rates.seen


def rates_in_steps(*callbacks, steps=6):
    rates = Rates()
    with Run(a_model(), [*callbacks, rates]) as run:
        for _ in run.steps([[1]], until=f"{steps} steps", validate_every="2 steps"):
            run.log(loss=1.0)
            if run.validation_due:
                for _ in run.validation([[1]]):
                    run.log(loss=1.0)
    return rates.seen


# --- LearningRateScheduler ----------------------------------------------------------------------


def test_a_schedule_by_batch_gets_the_batches_done_since_training_began():
    by_step = LearningRateScheduler(lambda step: step / 8, by="batch")
    assert rates_with(by_step, epochs=2) == [step / 8 for step in range(8)]


def test_the_schedules_of_optimizers_are_such_schedules():
    cosine = CosineDecay(1.0, decay_steps=12)
    seen = rates_with(LearningRateScheduler(cosine, by="batch"))
    assert seen == [cosine(step) for step in range(12)]


def test_a_schedule_of_step_and_rate_gets_both():
    assert rates_with(LearningRateScheduler(lambda step, rate: rate / 2, by="batch"), epochs=1) == [
        0.5,
        0.25,
        0.125,
        0.0625,
    ]


def test_the_epochs_logs_have_the_rate_of_its_last_batch():
    history = History()
    rates_with(LearningRateScheduler(lambda step: step / 8, by="batch"), history, epochs=2)
    assert history.history["lr"] == [3 / 8, 7 / 8]


def test_in_a_run_of_steps_the_rows_have_it():
    history = History()
    by_step = LearningRateScheduler(lambda step: step / 8, by="batch")
    assert rates_in_steps(by_step, history) == [step / 8 for step in range(6)]
    assert history.history["lr"] == [1 / 8, 3 / 8, 5 / 8]
    assert [each.step for each in by_step.decisions] == [2, 4, 6]


def test_by_hand_it_counts_itself():
    by_step = LearningRateScheduler(lambda step: step / 8, by="batch")
    by_step.set_model(a_model())
    for _ in range(2):
        for batch in range(2):
            by_step.on_batch_begin(batch, {})
    assert by_step.model.optimizer.learning_rate == 3 / 8


def test_by_epoch_no_batch_is_heard():
    assert not LearningRateScheduler(lambda epoch: 1.0).hears("on_train_batch_begin")


def test_verbose_says_the_rate_at_the_end_of_the_epoch(capsys):
    by_step = LearningRateScheduler(lambda step: step / 8, verbose=1, by="batch")
    rates_with(by_step, epochs=1, params={"verbose": 0})
    assert capsys.readouterr().out == (
        "Epoch 00001: LearningRateScheduler setting learning rate to 0.375.\n"
    )


def test_another_unit_is_an_error():
    with pytest.raises(ArgumentError, match="Did you mean 'batch'"):
        LearningRateScheduler(lambda step: 1.0, by="batches")


def test_a_rate_that_is_none_names_the_step():
    with pytest.raises(ArgumentError, match="of step 0 and got None"):
        rates_with(LearningRateScheduler(lambda step: None, by="batch"))


# --- OneCycle -----------------------------------------------------------------------------------


@pytest.mark.parametrize("options", [{}, {"pct_start": 0.5, "div_factor": 5}, {"pct_start": 1.0}])
@pytest.mark.parametrize("total", [4, 12, 100])
def test_the_cycle_is_torchs(total, options):
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=1.0)
    theirs = torch.optim.lr_scheduler.OneCycleLR(optimizer, 0.5, total_steps=total, **options)
    cycle = OneCycle(0.5, total, **options)
    rates = []
    for step in range(total):
        rates.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        if step < total - 1:
            theirs.step()
    np.testing.assert_allclose([cycle.rate_at(step) for step in range(total)], rates, rtol=1e-12)


def test_by_default_it_takes_the_whole_training():
    whole = OneCycle(0.5, total_steps=12)
    assert rates_with(OneCycle(0.5)) == [whole.rate_at(step) for step in range(12)]
    assert rates_in_steps(OneCycle(0.5)) == [OneCycle(0.5, 6).rate_at(step) for step in range(6)]


def test_a_training_that_goes_on_later_goes_on_in_the_cycle():
    assert rates_with(OneCycle(0.5), initial_epoch=1) == rates_with(OneCycle(0.5))[4:]


def test_after_the_cycle_the_rate_stays():
    seen = rates_with(OneCycle(0.5, total_steps=6), epochs=2)
    assert seen[5:] == [OneCycle(0.5, 6).rate_at(5)] * 3


def test_data_without_a_length_need_total_steps():
    with pytest.raises(NotReadyError, match="Pass total_steps="):
        rates_with_stream(OneCycle(0.5))
    assert rates_with_stream(OneCycle(0.5, total_steps=4))[1] == OneCycle(0.5, 4).rate_at(1)


def rates_with_stream(callback):
    rates = Rates()
    with Run(a_model(), [callback, rates]) as run:
        for _ in run.epochs():
            for _ in run.batches(iter([[1], [2]])):
                run.log(loss=1.0)
    return rates.seen


@pytest.mark.parametrize(
    "arguments",
    [{"max_learning_rate": 0}, {"total_steps": 0}, {"pct_start": 2}, {"div_factor": -1}],
)
def test_numbers_that_make_no_cycle_are_errors(arguments):
    with pytest.raises(ArgumentError, match=f"OneCycle\\({next(iter(arguments))}="):
        OneCycle(**{"max_learning_rate": 0.1, **arguments})


def test_by_hand_the_hooks_say_where_it_is():
    cycle = OneCycle(0.5)
    cycle.set_model(a_model())
    cycle.set_params({"epochs": 3, "steps": 4})
    cycle.on_epoch_begin(1, {})
    cycle.on_batch_begin(2, {})
    assert cycle.model.optimizer.learning_rate == OneCycle(0.5, 12).rate_at(6)


# --- one rate, set twice ------------------------------------------------------------------------


def warned(*callbacks):
    with pytest.warns(OnfitWarning, match="set the same learning rate") as found:
        rates_with(*callbacks, epochs=1)
    return [str(each.message).partition(" set the same")[0] for each in found]


def test_two_that_set_one_rate_are_named():
    fixed = LearningRateScheduler(lambda epoch: 0.1)
    reduce = ReduceLROnPlateau("loss")
    assert warned(fixed, reduce) == ["LearningRateScheduler and ReduceLROnPlateau"]
    assert warned(reduce, OneCycle(0.5)) == ["OneCycle and ReduceLROnPlateau"]
    assert warned(fixed, OneCycle(0.5)) == ["OneCycle and LearningRateScheduler"]


def test_a_schedule_that_goes_on_from_the_rate_undoes_nothing():
    going_on = LearningRateScheduler(lambda epoch, rate: rate)
    rates_with(going_on, ReduceLROnPlateau("loss"))


# --- runs of steps ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "callback",
    [
        LearningRateScheduler(lambda epoch: 0.1),
        LambdaCallback(on_epoch_end=lambda epoch, logs: None),
    ],
)
def test_what_acts_at_epochs_alone_is_named(callback):
    with pytest.warns(OnfitWarning, match=f"{type(callback).__name__} acts at the begin or the"):
        rates_in_steps(callback)


def test_what_acts_elsewhere_too_is_not():
    rates_in_steps(EarlyStopping(patience=9), TimeLimit("1 hour"), History(), BaseLogger())


def test_functions_at_validations_are_called():
    seen = []
    shout = LambdaCallback(on_validation_end=lambda step, logs: seen.append((step, logs["loss"])))
    rates_in_steps(shout)
    assert seen == [(2, 1.0), (4, 1.0), (6, 1.0)]


def test_a_base_logger_averages_what_came_since_the_validation_before():
    class Steps(Callback):
        def on_train_batch_end(self, batch, logs=None):
            logs["loss"] = float(self.run.progress.step)

    history = History()
    rates_in_steps(Steps(), BaseLogger(), history)
    assert history.history["loss"] == [1.5, 3.5, 5.5]
