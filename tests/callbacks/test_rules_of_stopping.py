"""Rules of EarlyStopping and ReduceLROnPlateau that Keras does not have."""

import math
from types import SimpleNamespace

import pytest

from onfit.callbacks import EarlyStopping, ReduceLROnPlateau
from onfit.core import Run
from onfit.errors import ArgumentError, NotReadyError

NAN = math.nan


class Model(SimpleNamespace):
    """Has weights, which are the number of the epoch last trained."""

    weights = -1

    def get_weights(self):
        return [self.weights]

    def set_weights(self, weights):
        (self.weights,) = weights


def train(callback, *, steps=1, at_epoch=lambda epoch: None, **values):
    """Run through epochs that log these lists of values."""
    (epochs,) = {len(each) for each in values.values()}
    model = Model(optimizer=SimpleNamespace(learning_rate=1.0))
    with Run(model, [callback], epochs=epochs, params={"verbose": 0}) as run:
        for epoch in run.epochs():
            model.weights = epoch
            for _ in run.batches([[1]] * steps):
                pass
            at_epoch(epoch)
            run.log({name: each[epoch] for name, each in values.items()})
    return run


def epochs_of(*arguments, steps=1, at_epoch=lambda epoch: None, monitor="loss", **more):
    """How many epochs of `loss` are trained before it stops."""
    (values,) = arguments
    stop = EarlyStopping(monitor, **more)
    return train(stop, steps=steps, at_epoch=at_epoch, loss=values).progress.epoch


# --- a share of the best value -----------------------------------------------------------------


def test_a_share_is_of_the_value_to_beat():
    assert epochs_of([200, 199, 9], min_delta="1%") == 2
    assert epochs_of([200, 197, 195.5, 9], min_delta="1%") == 3
    assert epochs_of([200, 201, 9], min_delta=" 1 %", mode="max") == 2


def test_a_share_of_a_negative_value_is_as_wide():
    assert epochs_of([-200, -201, -9], min_delta="1%") == 2
    assert epochs_of([-200, -203, -206], min_delta="1%") == 3


def test_its_sign_is_ignored_as_that_of_a_number_is():
    assert epochs_of([200, 199, 9], min_delta="-1%") == 2


def test_any_value_beats_a_best_value_that_is_infinite():
    stop = EarlyStopping("loss", min_delta="1%", patience=9)
    train(stop, loss=[math.inf, 5.0])
    assert stop.best == 5.0


@pytest.mark.parametrize("kind", [EarlyStopping, ReduceLROnPlateau])
@pytest.mark.parametrize("min_delta", ["1", "one %", "%", "1%%", None, [1, 2]])
def test_what_is_neither_number_nor_share_is_an_error(kind, min_delta):
    with pytest.raises(ArgumentError, match="min_delta"):
        kind("loss", min_delta=min_delta)


def test_the_rate_falls_where_an_improvement_is_too_small_a_share():
    reduce = ReduceLROnPlateau("loss", factor=0.5, patience=1, min_delta="1%")
    run = train(reduce, loss=[200, 199, 197])
    assert run.model.optimizer.learning_rate == 0.5


# --- patience in words -------------------------------------------------------------------------


def test_patience_in_steps_counts_from_the_last_improvement():
    assert epochs_of([5, 4, 4, 4, 4], steps=10, patience="20 steps") == 4
    assert epochs_of([5, 4, 4, 4, 4], steps=10, patience="21 steps") == 5


def test_patience_in_epochs_is_as_a_number():
    for values in ([5, 5, 5, 5], [5, 4, 4, 4], [NAN] * 4):
        assert epochs_of(values, patience="2 epochs") == epochs_of(values, patience=2)


def test_patience_in_minutes_counts_from_the_last_improvement(monkeypatch):
    now = [0.0]
    monkeypatch.setattr("onfit.core.judging.patience.time.monotonic", lambda: now[0])

    def a_minute_passes(epoch):
        now[0] += 60

    values = [5, 5, 4, 4, 4, 4]
    assert epochs_of(values, at_epoch=a_minute_passes, patience="2 minutes") == 5


def test_the_reason_says_what_was_asked():
    stop = EarlyStopping("loss", patience="20 steps")
    run = train(stop, steps=10, loss=[5, 5, 5, 5])
    assert run.stop_reason == "loss has not improved on 5.0 for 20 steps"
    assert stop.decisions[1].why == "loss 5.0 did not beat 5.0; 50% of 20 steps"


def test_the_wait_begins_with_the_first_epoch_that_counts():
    assert epochs_of([5, 5, 5, 5, 5], steps=10, patience="20 steps", start_from_epoch=2) == 5


def test_the_rate_falls_after_steps_without_improvement():
    reduce = ReduceLROnPlateau("loss", factor=0.5, patience="20 steps")
    rates = []
    train(
        reduce, steps=10, loss=[5] * 6, at_epoch=lambda _: rates.append(
            reduce.model.optimizer.learning_rate
        )
    )  # fmt: skip
    assert rates == [1, 1, 1, 0.5, 0.5, 0.25]


def test_a_cooldown_puts_the_wait_off_as_it_does_in_epochs():
    for cooldown in range(5):
        rates = [
            train(
                ReduceLROnPlateau("loss", factor=0.5, patience=patience, cooldown=cooldown),
                steps=10,
                loss=[5] * 9,
            ).model.optimizer.learning_rate
            for patience in ("20 steps", 2)
        ]
        assert rates[0] == rates[1]


def test_steps_in_a_loop_by_hand_are_an_error():
    stop = EarlyStopping("loss", patience="20 steps")
    stop.set_model(Model())
    stop.on_epoch_end(0, {"loss": 5})
    with pytest.raises(NotReadyError, match=r"EarlyStopping\(patience='20 steps'\) counts batches"):
        stop.on_epoch_end(1, {"loss": 5})


def test_time_in_a_loop_by_hand_counts():
    stop = EarlyStopping("loss", patience="1 hour")
    stop.set_model(Model())
    for epoch in range(3):
        stop.on_epoch_end(epoch, {"loss": 5})
    assert stop.wait == 2


@pytest.mark.parametrize("kind", [EarlyStopping, ReduceLROnPlateau])
def test_text_that_is_no_patience_is_an_error(kind):
    with pytest.raises(ArgumentError, match=r"patience='soon'.*'30 minutes'"):
        kind("loss", patience="soon")


def walk_in_steps(stop, **logged):
    """Batches of 4 samples, whose loss never improves; it decides after 2, 4, 6 ... of them."""
    with Run(Model(), [stop]) as run:
        for _ in run.steps([[0] * 4], until="40 steps", validate_every="2 steps"):
            run.log(loss=1.0, **logged)
            if run.validation_due:
                for _ in run.validation([[0]]):
                    run.log(loss=1.0)
    return run.progress.step


@pytest.mark.parametrize(
    ("patience", "stopped_at"), [("3 steps", 6), ("12 samples", 6), ("100 tokens", 8)]
)
def test_a_run_of_steps_waits_for_samples_and_tokens(patience, stopped_at):
    assert walk_in_steps(EarlyStopping("val_loss", patience=patience), tokens=20) == stopped_at


def test_a_wait_for_tokens_that_are_never_logged_is_an_error():
    stop = EarlyStopping("val_loss", patience="9 tokens")
    with pytest.raises(NotReadyError, match=r"run.log\(tokens=...\) says them"):
        walk_in_steps(stop)


# --- bounds ------------------------------------------------------------------------------------


def test_it_stops_at_a_value_that_is_good_enough():
    stop = EarlyStopping("acc", patience=9, stop_at=0.9, restore_best_weights=True)
    run = train(stop, acc=[0.5, 0.9, 1.0])
    assert run.progress.epoch == 2
    assert run.stop_reason == "acc has reached 0.9: it is 0.9"
    assert run.stopped.means == "end"
    assert run.model.weights == 1


@pytest.mark.parametrize("bad", [10.0, 11.0, NAN, math.inf])
def test_it_stops_at_a_value_that_is_too_bad_and_says_that_it_went_wrong(bad):
    stop = EarlyStopping("loss", patience=9, diverges_at=10, restore_best_weights=True)
    run = train(stop, loss=[5.0, bad, 1.0])
    assert run.progress.epoch == 2
    assert run.stopped.means == "failure"
    assert run.model.weights == 0


def test_a_next_training_that_stops_is_no_failure():
    stop = EarlyStopping("loss", patience=1, diverges_at=10)
    assert train(stop, loss=[20.0]).stopped.means == "failure"
    assert train(stop, loss=[5.0, 5.0]).stopped.means == "end"


def test_bounds_that_stop_every_training_are_an_error_before_it():
    with pytest.raises(ArgumentError, match="every value would stop"):
        train(EarlyStopping("loss", stop_at=10, diverges_at=1), loss=[5])


# --- several quantities -------------------------------------------------------------------------

IMPROVING_LOSS = {"val_loss": [5, 4, 3, 2, 1], "val_acc": [0.5] * 5}


def test_all_have_to_stop_improving():
    stop = EarlyStopping(["val_loss", "val_acc"], patience=2)
    assert train(stop, **IMPROVING_LOSS).progress.epoch == 5
    run = train(stop, val_loss=[5, 4, 4, 4, 4], val_acc=[0.5, 0.6, 0.7, 0.7, 0.7])
    assert run.progress.epoch == 5
    assert run.stop_reason == (
        "val_loss has not improved on 4.0 for 3 epochs, and val_acc has not improved on 0.7 "
        "for 2 epochs"
    )


def test_or_any():
    stop = EarlyStopping(["val_loss", "val_acc"], patience=2, rule="any")
    run = train(stop, **IMPROVING_LOSS)
    assert run.progress.epoch == 3
    assert run.stop_reason == "val_acc has not improved on 0.5 for 2 epochs"


def test_the_first_says_which_weights_are_the_best():
    stop = EarlyStopping(["val_acc", "val_loss"], patience=9, restore_best_weights=True)
    run = train(stop, val_loss=[5, 4, 3], val_acc=[0.5, 0.7, 0.6])
    assert (run.model.weights, stop.best_epoch, stop.best) == (1, 1, 0.7)


def test_each_has_its_own_direction_and_difference():
    stop = EarlyStopping(["a", "b"], mode=["min", "max"], min_delta=[0, "50%"], patience=1)
    assert train(stop, a=[5, 5, 5], b=[1, 1.6, 1.7]).progress.epoch == 3


def test_the_wait_is_the_rules():
    both = {"val_loss": [5, 5, 5], "val_acc": [0.5, 0.5, 0.6]}
    for rule, wait in (("all", 0), ("any", 2)):
        stop = EarlyStopping(["val_loss", "val_acc"], patience=9, rule=rule)
        train(stop, **both)
        assert stop.wait == wait
    stop.wait = 5
    assert stop.wait == 5


def test_the_baseline_and_the_bounds_are_the_firsts():
    stop = EarlyStopping(
        ["val_acc", "val_loss"], patience=2, baseline=0.9, rule="any", stop_at=0.99, diverges_at=0.1
    )
    run = train(stop, val_loss=[5, 4, 3], val_acc=[0.5, 0.6, 0.7])
    assert run.stop_reason == "val_acc has not beaten the baseline 0.9 for 2 epochs"


def test_one_that_is_missing_at_an_epoch_does_not_count_there():
    stop = EarlyStopping(["loss", "val_loss"], patience=2, rule="any")
    with Run(Model(), [stop], epochs=5, params={"do_validation": True}) as run:
        for epoch in run.epochs():
            run.log(loss=-epoch)
            if epoch % 2:
                run.log(val_loss=5)
    assert stop.wait == 1


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"rule": "both"}, "rule='both'"),
        ({"mode": ["min"]}, "1 values for 2 quantities"),
        ({"min_delta": [1, 2, 3]}, "3 values for 2 quantities"),
        ({"mode": ["min", "up"]}, "mode='up'"),
        ({"monitor": []}, "or a list of several"),
        ({"monitor": ["loss", "loss"]}, "each once"),
        ({"monitor": ["loss", 3]}, "monitor=3"),
    ],
)
def test_rules_that_make_no_sense_are_errors(arguments, said):
    with pytest.raises(ArgumentError, match=said):
        EarlyStopping(**{"monitor": ["loss", "acc"], **arguments})


def test_a_resumed_run_goes_on_with_each():
    stop = EarlyStopping(["val_loss", "val_acc"], patience=9)
    train(stop, val_loss=[5, 5, 5], val_acc=[0.5, 0.6, 0.6])
    resumed = EarlyStopping(["val_loss", "val_acc"], patience=9)
    resumed.on_train_begin()
    resumed.load_state_dict(stop.state_dict())
    assert [vars(each.best) for each in resumed._watched] == [
        {"value": 5.0, "epoch": 0, "wait": 2},
        {"value": 0.6, "epoch": 1, "wait": 1},
    ]


def test_a_state_of_an_earlier_version_is_read():
    stop = EarlyStopping("loss", patience=9)
    stop.load_state_dict(
        {
            "best": {"value": 0.5, "epoch": 2, "wait": 1},
            "best_weights": None,
            "best_weights_epoch": 0,
            "stopped_epoch": 0,
        }
    )
    assert (stop.best, stop.best_epoch, stop.wait) == (0.5, 2, 1)
    reduce = ReduceLROnPlateau("loss")
    reduce.load_state_dict({"best": {"value": 0.5, "epoch": 2, "wait": 1}, "cooldown_counter": 3})
    assert (reduce.best, reduce.wait, reduce.cooldown_counter) == (0.5, 1, 3)
