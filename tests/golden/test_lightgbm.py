"""LightGBM does with the callbacks what the recorded sequence asks for."""

import lightgbm
import numpy as np
import pytest
from tests.golden.golden import BEST, EPOCHS, RATES, VAL_LOSS, Golden, same

from onfit.callbacks import (
    BackupAndRestore,
    Callback,
    EarlyStopping,
    History,
    LearningRateFinder,
    LearningRateScheduler,
    ModelCheckpoint,
    ReduceLROnPlateau,
)
from onfit.errors import ArgumentError, CapabilityError
from onfit.integrations.lightgbm import OnfitCallback

PARAMETERS = {
    "num_threads": 1,
    "verbosity": -1,
    "deterministic": True,
    "learning_rate": RATES[0],
    "metric": "None",
    "min_data_in_leaf": 5,
}
DRAWN = np.random.default_rng(0)
X = DRAWN.normal(size=(80, 3))
Y = X.sum(1) + DRAWN.normal(size=80)


def data():
    train = lightgbm.Dataset(X[:60], Y[:60], free_raw_data=False)
    return train, lightgbm.Dataset(X[60:], Y[60:], reference=train, free_raw_data=False)


def trained(callbacks, rounds=EPOCHS, more=(), keep=False, continued=None, **parameters):
    """A booster that was trained with these callbacks, and the recorded values of `val_loss`."""
    values = iter(VAL_LOSS)
    train, held_out = data()
    return lightgbm.train(
        PARAMETERS | parameters,
        train,
        rounds,
        valid_sets=[held_out],
        feval=lambda outputs, data: ("loss", next(values), False),
        callbacks=[OnfitCallback(callbacks), *more],
        keep_training_booster=keep,
        init_model=continued,
    )


def text_of(booster):
    return booster.model_to_string().partition("\nparameters:")[0]


def by_hand(rounds=BEST + 1, **parameters):
    """A booster with as many rounds, at the rates of the golden test."""
    rates = lightgbm.reset_parameter(learning_rate=RATES[:rounds])
    return lightgbm.train(PARAMETERS | parameters, data()[0], rounds, callbacks=[rates])


@pytest.mark.parametrize("keep", [False, True])
def test_lightgbm(tmp_path, keep):
    golden = Golden(tmp_path, ".txt", weights_only=False)
    booster = trained(golden.callbacks, keep=keep)
    golden.check([np.array(booster.current_iteration())])
    assert text_of(booster) == text_of(by_hand())
    assert booster.best_iteration == BEST + 1
    assert booster.best_score["valid_0"]["loss"] == VAL_LOSS[BEST]
    saved = lightgbm.Booster(model_file=tmp_path / "models/5.txt")
    assert same([saved.predict(X)], [booster.predict(X)])


def test_a_booster_whose_rounds_change_earlier_ones_is_restored_as_a_whole(tmp_path):
    golden = Golden(tmp_path, ".txt", weights_only=False)
    booster = trained(golden.callbacks, boosting="dart", drop_rate=0.9, skip_drop=0.0)
    golden.check()
    at_the_best = bytes(golden.seen.weights[BEST][0]).decode().partition("\nparameters:")[0]
    assert text_of(booster) == at_the_best
    assert booster.current_iteration() == BEST + 1


def test_a_training_that_is_not_stopped_has_its_best_rounds_too():
    class Grows(Callback):
        def on_epoch_end(self, epoch, logs=None):
            logs["mine"] = float(epoch < 2)

    stopping = EarlyStopping("mine", patience=9, mode="max", restore_best_weights=True)
    booster = trained([Grows(), stopping], 4)
    assert booster.current_iteration() == 1
    assert trained([History()], 4).current_iteration() == 4


def test_an_estimator_of_scikit_learn():
    history = History()
    stopping = EarlyStopping("val_auc", patience=2, restore_best_weights=True)
    model = lightgbm.LGBMClassifier(n_estimators=30, n_jobs=1, verbosity=-1, min_data_in_leaf=5)
    model.fit(
        X[:60],
        Y[:60] > 0,
        eval_X=(X[:60], X[60:]),
        eval_y=(Y[:60] > 0, Y[60:] > 0),
        eval_metric="auc",
        callbacks=[OnfitCallback([stopping, history])],
    )
    assert stopping.stopped_epoch > 0
    assert model.best_iteration_ == model.booster_.current_iteration() == stopping.best_epoch + 1
    assert history.history["val_auc"] == model.evals_result_["valid_1"]["auc"]


def test_training_data_keep_their_bare_names():
    history, (train, held_out) = History(), data()
    lightgbm.train(
        PARAMETERS | {"metric": "l1"},
        train,
        2,
        valid_sets=[train, held_out, held_out],
        valid_names=["mine", "clean", "noisy"],
        callbacks=[OnfitCallback([history])],
    )
    assert set(history.history) == {"l1", "clean_l1", "val_l1"}


def test_a_training_that_goes_on_counts_its_epochs_on():
    history = History()
    trained([history], 3, continued=trained([History()], 2))
    assert history.epoch == [2, 3, 4]


def test_callbacks_see_and_set_the_rate_of_the_next_round():
    class Rates(Callback):
        def __init__(self):
            self.seen = []

        def on_epoch_begin(self, epoch, logs=None):
            self.seen.append(self.model.optimizer.learning_rate)

    rates = Rates()
    booster = trained([LearningRateScheduler(lambda epoch: RATES[epoch]), rates], BEST + 1)
    assert rates.seen == RATES[: BEST + 1]
    assert text_of(booster) == text_of(by_hand())


def test_another_rate_of_the_first_round_is_an_error_that_says_what_to_write():
    with pytest.raises(CapabilityError, match=r"Write learning_rate=0\.3 into the parameters"):
        trained([LearningRateScheduler(lambda epoch: 0.3)])


def test_a_rate_that_would_end_the_process_is_one_sentence():
    def rates(*values):
        return [LearningRateScheduler(lambda epoch: values[epoch])]

    goss = {"data_sample_strategy": "goss", "learning_rate": 0.5}
    with pytest.raises(CapabilityError, match="cannot go back to all rows"):
        trained(rates(0.5, 0.5, 0.5, 0.5, 0.1), 5, **goss)
    assert trained(rates(0.5, 0.5, 0.1, 0.1, 0.1), 5, **goss).current_iteration() == 5
    assert trained(rates(0.5, 0.5, 0.5, 0.5, 0.25), 5, **goss).current_iteration() == 5


def test_a_random_forest_has_no_rate():
    forest = {"boosting": "rf", "bagging_freq": 1, "bagging_fraction": 0.5}
    with pytest.raises(CapabilityError, match="A random forest has no learning rate"):
        trained([ReduceLROnPlateau()], **forest)
    assert trained([EarlyStopping(patience=3)], **forest).current_iteration() == 8


def test_a_callback_may_go_back_in_mid_training():
    class Back(Callback):
        def on_epoch_end(self, epoch, logs=None):
            if epoch == 1:
                self.weights = self.model.get_weights()
            if epoch == 3:
                self.model.set_weights(self.weights)

    assert trained([Back()], 6).current_iteration() == 4


def test_what_cannot_be_is_one_sentence(tmp_path):
    with pytest.raises(CapabilityError, match="init_model="):
        OnfitCallback(BackupAndRestore(tmp_path))
    with pytest.raises(CapabilityError, match="rounds of a booster cannot be put back"):
        trained([LearningRateFinder()])
    with pytest.raises(ArgumentError, match=r"ends in \.txt or \.model"):
        trained([ModelCheckpoint(tmp_path / "best.json")])
    with pytest.raises(CapabilityError, match="use onfit's EarlyStopping"):
        trained([History()], early_stopping_round=3)
    with pytest.raises(CapabilityError, match="use onfit's EarlyStopping"):
        trained([History()], more=[lightgbm.early_stopping(3)])
    with pytest.raises(CapabilityError, match="all callbacks to one OnfitCallback"):
        trained([History()], more=[OnfitCallback([History()])])
    with pytest.raises(CapabilityError, match=r"lightgbm\.cv trains one for each fold"):
        lightgbm.cv(
            PARAMETERS, data()[0], 2, stratified=False, callbacks=[OnfitCallback(History())]
        )


def test_a_callback_may_load_the_file_of_an_earlier_model(tmp_path):
    checkpoint = ModelCheckpoint(tmp_path / "{epoch}.txt")
    trained([checkpoint], 2)
    checkpoint.model.load_weights(tmp_path / "1.txt")
    assert checkpoint.model.rounds == 1


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


def test_a_set_that_is_called_so_gives_the_validation_values():
    history, results, (train, held_out) = History(), {}, data()
    lightgbm.train(
        PARAMETERS | {"metric": "l1"},
        train,
        2,
        valid_sets=[held_out, train, lightgbm.Dataset(X[:9], Y[:9], reference=train)],
        valid_names=["valid", "train", "test"],
        callbacks=[OnfitCallback([history]), lightgbm.record_evaluation(results)],
    )
    assert history.history["val_l1"] == results["valid"]["l1"]
    assert history.history["test_l1"] == results["test"]["l1"]


def test_a_metric_of_any_set_shows_its_direction():
    seen, (train, held_out) = [], data()

    class Asks(Callback):
        def on_train_begin(self, logs=None):
            names = ("val_mine", "valid_0_mine", "mine", "val_not_mine_too", "valid_0_mine2")
            seen.extend(map(self.model.metric_direction, names))

    lightgbm.train(
        PARAMETERS,
        train,
        1,
        valid_sets=[held_out, held_out],
        feval=lambda outputs, data: ("mine", 0.0, True),
        callbacks=[OnfitCallback([Asks()])],
    )
    assert seen == ["max", "max", "max", None, None]


@pytest.mark.parametrize(("hook", "rounds"), [("on_train_begin", 1), ("on_epoch_begin", 1)])
def test_a_stop_before_a_round_ends_the_training(hook, rounds):
    class Stops(Callback):
        def on_train_end(self, logs=None):
            self.outcome = self.run.outcome

    stops = Stops()
    setattr(stops, hook, lambda *_: stops.request_stop("enough"))
    assert trained([stops], 5).current_iteration() == rounds
    assert stops.outcome == "stopped"


def test_no_callback_loads_a_model_in_mid_training(tmp_path):
    trained([ModelCheckpoint(tmp_path / "last.txt")], 2)
    again = ModelCheckpoint(tmp_path / "last.txt", load_weights_on_restart=True)
    with pytest.raises(CapabilityError, match="init_model="):
        trained([again], 2)

    class Back(Callback):
        def on_epoch_end(self, epoch, logs=None):
            self.model.set_weights(self.model.get_weights())

    with pytest.raises(CapabilityError, match="init_model="):
        trained([Back()], 2, boosting="dart")


def test_a_callback_has_the_methods_of_the_booster():
    class Predicts(Callback):
        def on_epoch_end(self, epoch, logs=None):
            logs["mean"] = float(self.model.predict(X).mean())

    history = History()
    trained([Predicts(), history], 2)
    assert len(history.history["mean"]) == 2
