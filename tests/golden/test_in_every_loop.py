"""What the recorded sequence leaves out, in every loop: the same rules, schedules and searches."""

from pathlib import Path

import numpy as np
import pytest
from tests.golden import (
    test_fastai,
    test_ignite,
    test_jax,
    test_lightgbm,
    test_lightning,
    test_sklearn,
    test_skorch,
    test_stable_baselines3,
    test_transformers,
    test_xgboost,
)
from tests.golden.golden import EPOCHS, STOPS_AT, VAL_LOSS, batches, net, same, sgd, train_on

import onfit
from onfit import Run
from onfit.callbacks import (
    Callback,
    CSVLogger,
    EarlyStopping,
    History,
    LearningRateFinder,
    LearningRateScheduler,
    ReduceLROnPlateau,
)
from onfit.errors import CapabilityError, MissingMetricError, OnfitWarning

# What other libraries warn of is theirs.
pytestmark = [
    pytest.mark.filterwarnings("ignore"),
    pytest.mark.filterwarnings("error::onfit.errors.OnfitWarning"),
]


def by_run(callbacks):
    module = net()
    optimizer = sgd(module)
    with Run(module, callbacks, optimizer=optimizer, epochs=EPOCHS) as run:
        for epoch in run.epochs():
            for x, y in run.batches(batches()):
                run.log(loss=train_on(module, optimizer, x, y))
            run.validated(loss=VAL_LOSS[epoch])


def by_lightning(callbacks):
    test_lightning.trainer_for(callbacks).fit(test_lightning.Recorded())


def by_transformers(callbacks):
    test_transformers.trainer_for(Path.cwd(), callbacks).train()


def by_xgboost(callbacks):
    test_xgboost.trained(callbacks)


def by_lightgbm(callbacks):
    test_lightgbm.trained(callbacks)


def by_skorch(callbacks):
    model = test_skorch.net_for(callbacks)
    model.callbacks.insert(0, test_skorch.Recorded())
    model.fit(test_skorch.X, test_skorch.Y)


def by_ignite(callbacks):
    test_ignite.Training(callbacks).run()


def by_fastai(callbacks):
    test_fastai.fit(test_fastai.learner([test_fastai.Recorded(), *callbacks]))


def by_stable_baselines3(callbacks):
    module = test_stable_baselines3
    hosted = module.OnfitCallback([module.Recorded(), *callbacks], steps_per_epoch=8)
    module.agent().learn(8 * EPOCHS, hosted)


def by_jax(callbacks):
    test_jax.Loop().train(callbacks)


def by_sklearn(callbacks):
    test_sklearn.train(test_sklearn.KINDS["sgd"](), callbacks)


LOOPS = [
    by_run,
    by_lightning,
    by_transformers,
    by_xgboost,
    by_lightgbm,
    by_skorch,
    by_ignite,
    by_fastai,
    by_stable_baselines3,
    by_jax,
    by_sklearn,
]
in_every_loop = pytest.mark.parametrize("train", LOOPS)


class Growing(Callback):
    """Logs a quantity that grows with each epoch."""

    def on_epoch_end(self, epoch, logs=None):
        logs["growing"] = float(epoch)


@in_every_loop
@pytest.mark.parametrize(("rule", "stopped"), [("any", STOPS_AT), ("all", 0)])
def test_one_rule_of_several_quantities(train, rule, stopped):
    several = {"monitor": ["val_loss", "growing"], "mode": ["min", "max"], "rule": rule}
    stop = EarlyStopping(**several, patience=3)
    train([Growing(), stop])
    assert stop.stopped_epoch == stopped


class Rates(Callback):
    """Notes the rate of each batch."""

    def __init__(self):
        self.rates = []

    def on_train_batch_end(self, batch, logs=None):
        self.rates.append(float(self.model.optimizer.learning_rate))


@in_every_loop
def test_a_schedule_of_batches_sets_the_rate_of_each(train):
    asked, notes = [], Rates()

    def schedule(step):
        asked.append(step)
        return 0.1 / (step + 1)

    train([LearningRateScheduler(schedule, by="batch"), notes])
    assert asked == list(range(len(notes.rates)))
    np.testing.assert_allclose(notes.rates, [0.1 / (step + 1) for step in asked], rtol=1e-6)


@in_every_loop
def test_two_callbacks_that_set_one_rate_are_named(train):
    with pytest.warns(OnfitWarning, match="LearningRateScheduler and ReduceLROnPlateau set the"):
        train([ReduceLROnPlateau(), LearningRateScheduler(lambda epoch: 0.1)])


@in_every_loop
def test_a_replay_of_the_file_decides_as_the_training_did(train):
    stop, history = EarlyStopping(patience=3), History()
    train([stop, CSVLogger("log.csv"), history])
    again = onfit.replay([EarlyStopping(patience=3)], "log.csv")
    assert again.stopped_epoch == stop.stopped_epoch == STOPS_AT
    assert again.best_epoch == stop.best_epoch
    assert [each.what for each in stop.decisions].count("waited") == 4
    assert "EarlyStopping" in history.to_frame().columns


class Weights(Callback):
    """Notes the weights when training begins, and when it is over."""

    def on_train_begin(self, logs=None):
        self.before = self._now()

    def on_train_end(self, logs=None):
        self.after = self._now()

    def _now(self):
        return [np.array(weight) for weight in self.model.get_weights()]


@pytest.mark.parametrize("train", [by_run, by_lightning, by_skorch, by_ignite, by_fastai, by_jax])
def test_a_search_for_a_rate_leaves_the_weights_as_they_were(train):
    finder = LearningRateFinder(1e-4, 0.1, steps=6, diverges_at=99)  # the batches differ much
    first, last = Weights(), Weights()
    train([first, finder, last])
    assert len(finder.losses) == 6
    assert same(last.after, first.before)
    assert not same(first.after, first.before)


@pytest.mark.parametrize(
    ("train", "error"),
    [
        (by_transformers, MissingMetricError),
        (by_stable_baselines3, MissingMetricError),
        (by_sklearn, MissingMetricError),
        (by_xgboost, CapabilityError),
        (by_lightgbm, CapabilityError),
    ],
)
def test_a_search_where_batches_have_no_loss_is_one_sentence(train, error):
    with pytest.raises(error, match="LearningRateFinder"):
        train([LearningRateFinder(steps=6)])
