"""Trials of Optuna that are pruned: a training that stops, and is no failure."""

import optuna
import pytest
from optuna.trial import TrialState
from tests.golden.golden import VAL_LOSS, net, sgd

from onfit import Model, Run, Session
from onfit.callbacks import BackupAndRestore, Callback, CallbackList, EarlyStopping, History
from onfit.errors import ArgumentError, ArgumentTypeError, OnfitWarning
from onfit.integrations.optuna import PruningCallback


class TooHigh(optuna.pruners.BasePruner):
    """Prunes at the third report."""

    def prune(self, study, trial):
        return len(trial.intermediate_values) == 3


class Ends(Callback):
    def __init__(self):
        self.ends, self.outcome = 0, None

    def on_train_end(self, logs=None):
        self.ends += 1
        self.outcome = self.run.outcome


def by_fit(callbacks):
    model = Model(net())
    model.compile(optimizer=sgd(model.net), loss="mse")
    recorded = Callback()
    recorded.on_epoch_end = lambda epoch, logs: logs.update(val_loss=VAL_LOSS[epoch])
    model.fit([[0.0] * 3], [[0.0]], epochs=9, verbose=0, callbacks=[recorded, *callbacks])


def by_run(callbacks):
    module = net()
    with Run(module, callbacks, optimizer=sgd(module), epochs=9) as run:
        for epoch in run.epochs():
            run.log(val_loss=VAL_LOSS[epoch])


def by_session(callbacks):
    session = Session(net(), callbacks, epochs=9)
    session.train_begin()
    for value in VAL_LOSS:
        session.epoch_begin()
        if session.epoch_end(val_loss=value):
            break
    session.train_end()


def by_list(callbacks):
    module = net()
    hooks = CallbackList(callbacks, model=module)
    hooks.on_train_begin()
    for epoch, value in enumerate(VAL_LOSS):
        hooks.on_epoch_end(epoch, {"val_loss": value})
        if module.stop_training:
            break
    hooks.on_train_end()


def by_hand(callbacks):
    module = net()
    for callback in callbacks:
        callback.set_model(module)
        callback.on_train_begin()
    for epoch, value in enumerate(VAL_LOSS):
        for callback in callbacks:
            callback.on_epoch_end(epoch, {"val_loss": value})
        if module.stop_training:
            break
    for callback in callbacks:
        callback.on_train_end()


@pytest.fixture(autouse=True)
def _quiet():
    optuna.logging.set_verbosity(optuna.logging.WARNING)


def tried(train):
    """The one trial of a study whose objective calls `train(trial)`."""
    study = optuna.create_study(pruner=TooHigh())
    study.optimize(train, n_trials=1)
    return study.trials[0]


@pytest.mark.parametrize("loop", [by_fit, by_run, by_session, by_list, by_hand])
def test_a_pruned_trial_is_pruned_in_every_loop(loop):
    history = History()
    trial = tried(lambda trial: loop([PruningCallback(trial, "val_loss"), history]))
    assert trial.state is TrialState.PRUNED
    assert trial.intermediate_values == dict(enumerate(VAL_LOSS[:3]))
    assert history.history["val_loss"] == VAL_LOSS[:3]


@pytest.mark.parametrize("loop", [by_fit, by_run, by_session, by_list])
def test_every_end_hook_is_called_before_and_says_that_it_stopped(loop):
    ends = Ends()
    tried(lambda trial: loop([PruningCallback(trial, "val_loss"), ends]))
    assert (ends.ends, ends.outcome) == (1, "stopped")


def test_a_trial_that_is_not_pruned_completes():
    def train(trial):
        by_run([PruningCallback(trial, "val_loss"), EarlyStopping("val_loss", patience=1)])
        return 1.0

    study = optuna.create_study(pruner=optuna.pruners.NopPruner())
    study.optimize(train, n_trials=1)
    assert study.trials[0].state is TrialState.COMPLETE
    assert study.trials[0].intermediate_values == dict(enumerate(VAL_LOSS[:3]))


def test_validations_of_a_run_of_steps_are_reported_at_their_steps():
    def train(trial):
        with Run(net(), PruningCallback(trial, "val_loss")) as run:
            for _ in run.steps([[1]], until=20, validate_every="2 steps"):
                if run.validation_due:
                    run.validated(loss=1.0)

    trial = tried(train)
    assert trial.state is TrialState.PRUNED
    assert list(trial.intermediate_values) == [2, 4, 6]


def test_a_pruned_training_is_finished_so_its_backup_goes(tmp_path):
    backup = BackupAndRestore(tmp_path / "backup")
    trial = tried(lambda trial: by_run([PruningCallback(trial, "val_loss"), backup]))
    assert trial.state is TrialState.PRUNED
    assert not (tmp_path / "backup").exists()


def test_an_error_of_another_end_hook_is_told_and_not_covered():
    class Fails(Callback):
        def on_train_end(self, logs=None):
            raise KeyError("disk")

    with pytest.raises(KeyError, match="disk"):
        tried(lambda trial: by_run([PruningCallback(trial, "val_loss"), Fails()]))


def test_a_study_of_several_objectives_is_refused_before_training():
    study = optuna.create_study(directions=["minimize", "minimize"])
    with pytest.raises(ArgumentError, match="has 2 objectives"):
        study.optimize(lambda trial: by_run([PruningCallback(trial, "val_loss")]), n_trials=1)


def test_a_study_of_the_other_direction_is_warned_of():
    study = optuna.create_study(direction="maximize")

    def train(trial):
        by_run([PruningCallback(trial, "val_loss")])
        return 1.0

    with pytest.warns(OnfitWarning, match="prunes the trials whose val_loss is best"):
        study.optimize(train, n_trials=1)


@pytest.mark.parametrize("trial", [None, 1, "trial"])
def test_what_is_no_trial_is_refused(trial):
    with pytest.raises(ArgumentTypeError, match="hands to the objective"):
        PruningCallback(trial, "val_loss")
