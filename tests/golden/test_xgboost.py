"""XGBoost does with the callbacks what the recorded sequence asks for."""

import copy
import pickle

import numpy as np
import pytest
import xgboost
from tests.golden.golden import BEST, EPOCHS, RATES, VAL_LOSS, Golden, same

from onfit.callbacks import (
    BackupAndRestore,
    Callback,
    CSVLogger,
    EarlyStopping,
    History,
    LearningRateFinder,
    LearningRateScheduler,
    ModelCheckpoint,
)
from onfit.errors import ArgumentError, CapabilityError
from onfit.integrations.xgboost import OnfitCallback

PARAMETERS = {"nthread": 1, "learning_rate": RATES[0], "disable_default_eval_metric": True}
DRAWN = np.random.default_rng(0)
X = DRAWN.normal(size=(60, 3))
Y = X.sum(1) + DRAWN.normal(size=60)


def trained(callbacks, rounds=EPOCHS, continued=None, **parameters):
    """A booster that was trained with these callbacks, and the recorded values of `val_loss`."""
    held_out = xgboost.DMatrix(X[40:], Y[40:])
    values = iter(VAL_LOSS)
    return xgboost.train(
        PARAMETERS | parameters,
        xgboost.DMatrix(X[:40], Y[:40]),
        rounds,
        evals=[(held_out, "eval")],
        custom_metric=lambda outputs, data: ("loss", next(values)),
        callbacks=[OnfitCallback(callbacks)],
        xgb_model=continued,
        verbose_eval=False,
    )


def bytes_of(booster):
    return bytes(booster.save_raw("ubj"))


def by_hand(rounds=BEST + 1, **parameters):
    """A booster with as many rounds, at the rates of the golden test."""
    rates = xgboost.callback.LearningRateScheduler(lambda turn: RATES[turn + 1])
    data = xgboost.DMatrix(X[:40], Y[:40])
    return xgboost.train(PARAMETERS | parameters, data, rounds, callbacks=[rates])


@pytest.mark.parametrize("suffix", [".ubj", ".json"])
def test_xgboost(tmp_path, suffix):
    golden = Golden(tmp_path, suffix, weights_only=False)
    booster = trained(golden.callbacks)
    golden.check([np.array(booster.num_boosted_rounds())])
    assert bytes_of(booster) == bytes_of(by_hand())
    saved = xgboost.Booster(model_file=tmp_path / f"models/5{suffix}")
    assert same([saved.predict(xgboost.DMatrix(X))], [booster.predict(xgboost.DMatrix(X))])


@pytest.mark.parametrize("kind", ["dart", "gblinear"])
def test_a_booster_whose_rounds_change_earlier_ones_is_restored_as_a_whole(tmp_path, kind):
    golden = Golden(tmp_path, ".ubj", weights_only=False)
    parameters = {"booster": kind} | ({"rate_drop": 0.5} if kind == "dart" else {})
    booster = trained(golden.callbacks, **parameters)
    golden.check([np.frombuffer(bytes_of(booster), np.uint8)])
    assert booster.num_boosted_rounds() == BEST + 1


def test_an_estimator_of_scikit_learn():
    history = History()
    stopping = EarlyStopping("val_rmse", patience=2, min_delta=0.5, restore_best_weights=True)
    model = xgboost.XGBRegressor(
        n_estimators=30, n_jobs=1, callbacks=[OnfitCallback([stopping, history])]
    )
    model.fit(X[:40], Y[:40], eval_set=[(X[:40], Y[:40]), (X[40:], Y[40:])], verbose=False)
    assert stopping.stopped_epoch > 0
    assert model.get_booster().num_boosted_rounds() == stopping.best_epoch + 1
    assert set(history.history) == {"validation_0_rmse", "val_rmse"}
    assert history.history["val_rmse"] == model.evals_result()["validation_1"]["rmse"]
    copies = [copy.deepcopy(model), pickle.loads(pickle.dumps(model))]
    assert all(same([each.predict(X)], [model.predict(X)]) for each in copies)


def test_training_data_keep_their_bare_names():
    history, sets = History(), xgboost.DMatrix(X, Y)
    xgboost.train(
        {"nthread": 1, "eval_metric": ["mae", "rmse"]},
        sets,
        2,
        evals=[(sets, "train"), (sets, "clean"), (sets, "noisy")],
        callbacks=[OnfitCallback([history])],
        verbose_eval=False,
    )
    prefixes = ("", "clean_", "val_")
    assert set(history.history) == {
        f"{each}{name}" for each in prefixes for name in ("mae", "rmse")
    }


def test_a_set_that_is_called_so_gives_the_validation_values():
    history, sets, results = History(), xgboost.DMatrix(X, Y), {}
    xgboost.train(
        {"nthread": 1},
        sets,
        2,
        evals=[(sets, "train"), (xgboost.DMatrix(X[:9], Y[:9]), "val"), (sets, "test")],
        evals_result=results,
        callbacks=[OnfitCallback([history])],
        verbose_eval=False,
    )
    assert history.history == {
        "rmse": results["train"]["rmse"],
        "val_rmse": results["val"]["rmse"],
        "test_rmse": results["test"]["rmse"],
    }


@pytest.mark.parametrize(
    ("metric", "direction"),
    [
        ("val_aucpr", "max"),
        ("val_ndcg@5", "max"),
        ("eval_mlogloss", "min"),
        ("eval-mlogloss", "min"),
        ("val_tweedie-nloglik@1.5", "min"),
        ("val_mine", None),
    ],
)
def test_a_metric_shows_its_direction(metric, direction):
    class Asks(Callback):
        def on_train_begin(self, logs=None):
            assert self.model.metric_direction(metric) == direction

    trained([Asks()], 1)


def test_a_training_that_goes_on_counts_its_epochs_on(tmp_path):
    first, second = History(), History()
    booster = trained([first, CSVLogger(tmp_path / "log.csv")], 2)
    booster = trained([second, CSVLogger(tmp_path / "log.csv", append=True)], 3, booster)
    assert (first.epoch, second.epoch) == ([0, 1], [2, 3, 4])
    assert (tmp_path / "log.csv").read_text().count("\n") == 6


def test_a_callback_may_go_back_in_mid_training():
    class Back(Callback):
        def on_epoch_end(self, epoch, logs=None):
            if epoch == 1:
                self.weights = self.model.get_weights()
            if epoch == 3:
                self.model.set_weights(self.weights)
            self.rounds = self.model.rounds

    back = Back()
    booster = trained([back, LearningRateScheduler(lambda epoch: RATES[epoch])], 6)
    assert back.rounds == booster.num_boosted_rounds() == 4
    with pytest.raises(ArgumentError, match="rounds can only be cut off"):
        back.model.set_weights([9])


def test_what_cannot_be_is_one_sentence_before_training(tmp_path):
    with pytest.raises(CapabilityError, match="xgb_model="):
        OnfitCallback(BackupAndRestore(tmp_path))
    with pytest.raises(CapabilityError, match="rounds of a booster cannot be put back"):
        trained([LearningRateFinder()])
    with pytest.raises(ArgumentError, match=r"ends in \.ubj or \.json"):
        trained([ModelCheckpoint(tmp_path / "best.h5")])
    with pytest.raises(CapabilityError, match=r"xgboost\.cv trains one for each fold"):
        xgboost.cv(PARAMETERS, xgboost.DMatrix(X, Y), 2, callbacks=[OnfitCallback(History())])


def test_an_exception_in_a_callback_ends_the_training_for_all_of_them():
    class Raises(Callback):
        def on_epoch_end(self, epoch, logs=None):
            raise RuntimeError("a fault")

    class Notes(Callback):
        def on_train_end(self, logs=None):
            self.outcome = self.run.outcome

    notes = Notes()
    with pytest.raises(RuntimeError, match="a fault"):
        trained([notes, Raises()])
    assert notes.outcome == "failed"


def test_a_round_at_which_another_callback_stops_the_training_is_told(tmp_path):
    class Stops(xgboost.callback.TrainingCallback):
        def after_iteration(self, model, epoch, evals_log):
            return epoch == 1

    history, data = History(), xgboost.DMatrix(X, Y)
    callbacks = [Stops(), OnfitCallback([history])]
    xgboost.train(
        {"nthread": 1}, data, 5, evals=[(data, "eval")], callbacks=callbacks, verbose_eval=False
    )
    assert history.epoch == [0, 1]
    assert len(history.history["val_rmse"]) == 2


@pytest.mark.parametrize("first", [True, False])
def test_early_stopping_of_xgboost_may_stand_beside(first):
    theirs = xgboost.callback.EarlyStopping(rounds=9, save_best=True)
    ours = OnfitCallback([EarlyStopping(patience=3, min_delta=1.5, restore_best_weights=True)])
    values, data = iter(VAL_LOSS), xgboost.DMatrix(X, Y)
    booster = xgboost.train(
        PARAMETERS,
        data,
        EPOCHS,
        evals=[(data, "eval")],
        custom_metric=lambda outputs, data: ("loss", next(values)),
        callbacks=[ours, theirs] if first else [theirs, ours],
        verbose_eval=False,
    )
    assert booster.num_boosted_rounds() == 1  # theirs would have kept two
    assert (booster.best_iteration, booster.best_score) == (0, VAL_LOSS[0])


def test_a_model_that_is_cut_or_loaded_in_mid_training_keeps_the_parameters(tmp_path):
    class Back(Callback):
        def on_epoch_end(self, epoch, logs=None):
            if epoch == 0:
                self.model.save(tmp_path / "first.ubj")
                self.weights = self.model.get_weights()
            if epoch == 2:
                self.model.set_weights(self.weights)
            if epoch == 4:
                self.model.load_weights(tmp_path / "first.ubj")

    small = {"max_depth": 1, "learning_rate": 0.2}
    trees = trained([Back()], 7, **small).get_dump()
    assert trees == xgboost.train(PARAMETERS | small, xgboost.DMatrix(X[:40], Y[:40]), 3).get_dump()


def test_a_callback_has_the_methods_of_the_booster():
    class Predicts(Callback):
        def on_epoch_end(self, epoch, logs=None):
            logs["mean"] = float(self.model.predict(xgboost.DMatrix(X)).mean())

    history = History()
    trained([Predicts(), history], 2)
    assert len(history.history["mean"]) == 2


def test_an_epoch_that_is_stopped_at_its_begin_has_no_values():
    class Stops(Callback):
        def on_epoch_begin(self, epoch, logs=None):
            self.model.stop_training = epoch == 2

    history = History()
    assert trained([Stops(), history]).num_boosted_rounds() == 2
    assert history.history["val_loss"] == VAL_LOSS[:2]
