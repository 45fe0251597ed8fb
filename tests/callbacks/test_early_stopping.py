"""EarlyStopping: Keras 3.15's arithmetic, and which weights the model gets back."""

import math
from types import SimpleNamespace

import numpy as np
import pytest

from onfit.callbacks.early_stopping import EarlyStopping
from onfit.core import Callback, Run, Stop
from onfit.errors import ArgumentError, CapabilityError, MissingMetricError, OnfitWarning

NAN = float("nan")


class Model:
    """Has weights, which are the number of the epoch last trained."""

    def __init__(self):
        self.stop_training = False
        self.weights = [-1]

    def get_weights(self):
        return list(self.weights)

    def set_weights(self, weights):
        self.weights = list(weights)


def train(callbacks, values, *, model=None, name="loss", params=None, first=0):
    """Run through epochs that log `values`; return the run."""
    model = Model() if model is None else model
    params = {"verbose": 0, **(params or {})}
    run = Run(model, callbacks, epochs=first + len(values), initial_epoch=first, params=params)
    with run:
        for epoch in run.epochs():
            model.weights = [epoch]
            run.log(**{name: values[epoch - first]})
    return run


def epochs_of(values, **arguments):
    """How many epochs are trained before it stops."""
    name = arguments.setdefault("monitor", "loss")
    return train(EarlyStopping(**arguments), values, name=name).progress.epoch


# --- patience and improvement --------------------------------------------------------------


def test_patience_0_and_1_are_the_same():
    values = [5, 4, 4, 3]
    assert epochs_of(values, patience=0) == epochs_of(values, patience=1) == 3


def test_it_waits_for_patience_epochs_in_a_row():
    assert epochs_of([5, 5, 4, 4, 4, 4, 4], patience=3) == 6


def test_it_never_stops_while_it_improves():
    assert epochs_of([5, 4, 3, 2, 1]) == 5


def test_a_tie_is_no_improvement():
    assert epochs_of([5, 5, 4]) == 2
    assert epochs_of([5, 5, 6], mode="max") == 2


def test_better_by_exactly_min_delta_is_no_improvement():
    assert epochs_of([2.0, 1.5, 0], min_delta=0.5) == 2
    assert epochs_of([2.0, 1.25, 0.5], min_delta=0.5) == 3
    assert epochs_of([2.0, 2.5, 9], min_delta=0.5, mode="max") == 2
    assert epochs_of([2.0, 2.75, 3.5], min_delta=0.5, mode="max") == 3


def test_the_sign_of_min_delta_is_ignored():
    assert epochs_of([2.0, 1.75, 0], min_delta=-0.5) == 2
    assert epochs_of([2.0, 2.25, 9], min_delta=-0.5, mode="max") == 2


def test_small_steps_are_measured_from_the_best_not_from_the_last():
    assert epochs_of([2.0, 1.75, 1.25, 1.0], min_delta=0.5, patience=2) == 4


def test_a_name_tells_the_direction():
    assert epochs_of([0.5, 0.6, 0.7], monitor="val_acc") == 3
    assert epochs_of([0.5, 0.6, 0.7], monitor="val_loss") == 2


def test_the_quantity_is_found_under_its_other_name():
    stop = EarlyStopping(monitor="val_acc", patience=5)
    train(stop, [0.5, 0.75, 0.6], name="val_accuracy")
    assert (stop.best, stop.best_epoch, stop.wait) == (0.75, 1, 1)


def test_a_metric_is_asked_for_its_direction_before_its_name():
    model = Model()
    model.metric_direction = {"loss": "max"}.get
    assert train(EarlyStopping("loss"), [1, 2, 3], model=model).progress.epoch == 3


def test_the_first_epoch_stops_only_a_run_with_a_baseline():
    assert epochs_of([5, 5, 5]) == 2
    assert epochs_of([NAN, 5, 4]) == 3
    assert epochs_of([5, 5, 5], baseline=1) == 1
    assert epochs_of([0, 5, 5], baseline=1) == 2


def test_a_resumed_run_may_stop_in_its_first_epoch():
    stop = EarlyStopping("loss")
    run = train(stop, [NAN, 5, 4], first=7)
    assert run.progress.epoch == 8
    assert stop.stopped_epoch == 7


# --- baseline ------------------------------------------------------------------------------


def test_until_the_baseline_is_beaten_improvements_do_not_end_the_wait():
    assert epochs_of([9, 8, 7, 6, 5], baseline=1, patience=3) == 3
    assert epochs_of([9, 8, 7, 6, 5], baseline=1, patience=9) == 5


def test_a_run_is_stopped_after_patience_epochs_that_did_not_beat_the_baseline(capsys):
    stop = EarlyStopping("val_acc", baseline=0.75, patience=2, mode="max", verbose=1)
    run = train(stop, [0.55, 0.74, 0.81, 0.81], name="val_acc")
    assert run.progress.epoch == 2
    assert (stop.wait, stop.best, stop.stopped_epoch) == (2, 0.74, 1)
    assert run.stop_reason == "val_acc has not beaten the baseline 0.75 for 2 epochs"
    assert "Epoch 00002: early stopping" in capsys.readouterr().out


def test_a_baseline_that_is_beaten_in_time_matters_no_more():
    values = [0.55, 0.76, 0.81, 0.80, 0.79]
    arguments = {"monitor": "val_acc", "baseline": 0.75, "mode": "max"}
    assert epochs_of(values, patience=2, **arguments) == 5
    assert epochs_of(values, patience=1, **arguments) == 1


def test_a_stop_in_the_first_epoch_is_said(capsys):
    train(EarlyStopping("loss", baseline=1, patience=1, verbose=1), [5, 5])
    assert "Epoch 00001: early stopping" in capsys.readouterr().out


def test_beating_the_baseline_ends_the_wait():
    stop = EarlyStopping("loss", baseline=5, patience=3)
    train(stop, [9, 8, 4])
    assert stop.wait == 0
    assert stop.best == 4


def test_the_best_value_is_kept_though_the_baseline_is_not_beaten():
    stop = EarlyStopping("loss", baseline=1, patience=3, restore_best_weights=True)
    run = train(stop, [9, 7, 8, 8])
    assert (stop.best, stop.best_epoch) == (7, 1)
    assert run.model.weights == [1]


def test_a_baseline_is_beaten_by_more_than_min_delta():
    stop = EarlyStopping("loss", baseline=5, min_delta=1, patience=9)
    train(stop, [4])
    assert stop.wait == 1
    train(stop, [3.5])
    assert stop.wait == 0


# --- NaN -----------------------------------------------------------------------------------


def test_a_nan_in_the_first_epoch_is_not_the_best_for_ever():
    stop = EarlyStopping("loss", patience=3)
    assert train(stop, [NAN, 5, 4, 3, 2]).progress.epoch == 5
    assert stop.best == 2


def test_a_nan_is_no_improvement():
    assert epochs_of([5, NAN, NAN, 4], patience=2) == 3


def test_an_infinite_value_is_improved_upon():
    assert epochs_of([math.inf, 5, 4]) == 3


# --- start_from_epoch ----------------------------------------------------------------------


def test_epochs_before_start_from_epoch_are_not_looked_at():
    stop = EarlyStopping("loss", start_from_epoch=3)
    assert train(stop, [1, 2, 3, 9, 8, 8, 7]).progress.epoch == 6
    assert (stop.best, stop.best_epoch) == (8, 4)


def test_a_missing_quantity_before_start_from_epoch_is_no_matter():
    train(EarlyStopping("loss", start_from_epoch=2), [1, 2], name="other")


# --- a quantity that is missing ------------------------------------------------------------


def test_a_missing_quantity_is_told_once_with_what_there_is_and_the_nearest():
    stop = EarlyStopping("val_los", mode="min", patience=2)
    with pytest.warns(OnfitWarning) as told:
        run = train(stop, [5, 5, 5, 5], name="val_loss")
    assert [str(warning.message) for warning in told] == [
        "EarlyStopping monitors 'val_los', which is not in the logs. There are: val_loss. "
        "Did you mean 'val_loss'?"
    ]
    assert run.outcome == "completed"
    assert stop.wait == 0


def test_each_run_is_told_again():
    stop = EarlyStopping("loss")
    for _ in range(2):
        with pytest.warns(OnfitWarning, match="EarlyStopping monitors 'loss'"):
            train(stop, [5], name="other")


def test_validation_values_missing_for_want_of_validation_are_explained():
    with pytest.warns(OnfitWarning, match="in fit, validation_data= or validation_split="):
        train(EarlyStopping(), [5])


def test_epochs_without_validation_are_passed_over_in_silence_and_not_counted():
    stop = EarlyStopping(patience=2)
    params = {"do_validation": True}
    values = [5, None, None, 5, None, 5]
    model = Model()
    with Run(model, stop, epochs=len(values), params=params) as run:
        for epoch in run.epochs():
            run.log(loss=1.0)
            if values[epoch] is not None:
                run.log(val_loss=values[epoch])
    assert stop.stopped_epoch == 5
    assert stop.wait == 2


def test_on_missing_can_raise():
    with pytest.raises(MissingMetricError, match="EarlyStopping monitors 'loss'"):
        train(EarlyStopping("loss", on_missing="raise"), [5], name="other")


def test_a_misspelt_on_missing_is_refused():
    with pytest.raises(ArgumentError, match=r"on_missing='rise'\).*Did you mean 'raise'\?"):
        EarlyStopping(on_missing="rise")


# --- mode ----------------------------------------------------------------------------------


def test_a_misspelt_mode_is_refused_at_once():
    with pytest.raises(ArgumentError, match=r"EarlyStopping\(mode='maxx'\).*Did you mean 'max'"):
        EarlyStopping(mode="maxx")


def test_a_name_that_tells_no_direction_is_refused_before_training():
    with pytest.raises(ArgumentError, match=r"'pearson' should grow or shrink\. Pass mode="):
        train(EarlyStopping("pearson"), [1])


def test_a_name_that_tells_no_direction_is_fine_with_a_mode():
    assert epochs_of([1, 2, 2], monitor="pearson", mode="max") == 3


# --- weights -------------------------------------------------------------------------------


def test_an_early_stop_gives_back_the_best_epochs_weights():
    run = train(EarlyStopping("loss", patience=2, restore_best_weights=True), [5, 3, 4, 4, 4])
    assert run.progress.epoch == 4
    assert run.model.weights == [1]


def test_the_best_weights_are_given_back_without_an_early_stop_too():
    run = train(EarlyStopping("loss", patience=9, restore_best_weights=True), [5, 3, 4])
    assert run.outcome == "completed"
    assert run.model.weights == [1]


def test_the_weights_stay_without_restore_best_weights():
    stop = EarlyStopping("loss", patience=9)
    assert train(stop, [5, 3, 4]).model.weights == [2]
    assert stop.best_weights is None


def test_the_weights_of_the_first_epoch_looked_at_are_there_if_nothing_improves():
    stop = EarlyStopping("loss", patience=9, restore_best_weights=True, start_from_epoch=1)
    assert train(stop, [1, NAN, NAN]).model.weights == [1]


def test_a_failed_run_keeps_the_weights_it_has():
    model = Model()
    stop = EarlyStopping("loss", patience=9, restore_best_weights=True)

    def fail():
        with Run(model, stop, epochs=3) as run:
            for epoch in run.epochs():
                model.weights = [epoch]
                run.log(loss=epoch)
                if epoch == 2:
                    raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert model.weights == [2]


def test_an_interrupted_run_gives_back_the_best_weights():
    model = Model()

    def interrupt():
        with Run(model, EarlyStopping("loss", 0, 9, restore_best_weights=True), epochs=3) as run:
            for epoch in run.epochs():
                model.weights = [epoch]
                run.log(loss=epoch)
                if epoch == 2:
                    raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupt()
    assert model.weights == [0]


def test_later_callbacks_see_the_restored_weights_in_their_ends():
    seen = []

    class Look(Callback):
        def on_train_end(self, logs=None):
            seen.append(self.model.get_weights())

    train([EarlyStopping("loss", patience=9, restore_best_weights=True), Look()], [5, 3, 4])
    assert seen == [[1]]


def test_the_weights_are_not_given_back_before_the_end():
    seen = []

    class Look(Callback):
        def on_epoch_end(self, epoch, logs=None):
            seen.append(self.model.get_weights())

    train([EarlyStopping("loss", restore_best_weights=True), Look()], [3, 5])
    assert seen == [[0], [1]]


def test_a_second_run_does_not_give_back_the_firsts_weights():
    stop = EarlyStopping("loss", patience=9, restore_best_weights=True)
    train(stop, [1, 2])
    assert stop.best_weights == [0]
    assert train(stop, [], first=5).model.weights == [-1]


def test_weights_that_cannot_be_kept_are_refused_before_training():
    with pytest.raises(CapabilityError) as caught:
        train(EarlyStopping("loss", restore_best_weights=True), [1], model=SimpleNamespace())
    assert "EarlyStopping(restore_best_weights=True) needs get_weights and set_weights" in str(
        caught.value
    )
    assert "SimpleNamespace lacks get_weights and set_weights" in str(caught.value)


def test_without_weights_to_keep_any_model_will_do():
    assert train(EarlyStopping("loss"), [5, 5, 5], model=SimpleNamespace()).outcome == "stopped"


# --- once more, and what is said -----------------------------------------------------------


def test_a_second_run_begins_anew():
    stop = EarlyStopping("loss", patience=2)
    train(stop, [1, 1, 1])
    assert stop.stopped_epoch == 2
    run = train(stop, [9, 8, 7, 6])
    assert run.progress.epoch == 4
    assert (stop.best, stop.best_epoch, stop.wait, stop.stopped_epoch) == (6, 3, 0, 0)


def test_before_the_first_value_there_is_no_best():
    stop = EarlyStopping("loss")
    assert (stop.best, stop.best_epoch, stop.wait, stop.stopped_epoch) == (None, None, 0, 0)
    assert stop.best_weights is None
    train(stop, [1])
    stop.set_model(Model())
    stop.on_train_begin({})
    assert (stop.best, stop.best_epoch, stop.wait) == (None, None, 0)


def test_verbose_says_the_stop_and_then_the_epoch_whose_weights_are_back(capsys):
    train(EarlyStopping("loss", patience=2, verbose=1, restore_best_weights=True), [5, 3, 4, 4])
    assert capsys.readouterr().out == (
        "Epoch 00004: early stopping\nRestoring model weights from the end of the best epoch: 2.\n"
    )


def test_verbose_says_a_stop_in_the_second_epoch(capsys):
    train(EarlyStopping("loss", verbose=1), [5, 5])
    assert capsys.readouterr().out == "Epoch 00002: early stopping\n"


def test_the_arguments_are_those_of_keras():
    by_default = EarlyStopping()
    assert (by_default.monitor, by_default.min_delta, by_default.patience) == ("val_loss", 0, 0)
    assert (by_default.verbose, by_default.mode, by_default.baseline) == (0, "auto", None)
    assert (by_default.restore_best_weights, by_default.start_from_epoch) == (False, 0)
    by_position = EarlyStopping("acc", 0.25, 3, 1, "max", 0.5, True, 2)
    assert (by_position.baseline, by_position.start_from_epoch) == (0.5, 2)


def test_verbose_says_no_stop_where_there_was_none(capsys):
    train(EarlyStopping("loss", patience=9, verbose=1, restore_best_weights=True), [5, 3, 4])
    said = "Restoring model weights from the end of the best epoch: 2.\n"
    assert capsys.readouterr().out == said


def test_without_verbose_it_is_quiet(capsys):
    train(EarlyStopping("loss", restore_best_weights=True), [5, 5])
    assert capsys.readouterr().out == ""


def test_the_run_knows_who_stopped_it():
    stop = EarlyStopping("loss")
    run = train(stop, [5, 5, 5])
    assert run.stopped == Stop("EarlyStopping", run.stop_reason, "end")
    assert run.outcome == "stopped"


# --- hooks that a loop calls by hand ---------------------------------------------------------


def tell(callback, values, name="loss", first=0):
    """The epochs after which the model is asked to stop."""
    if callback.model is None:
        callback.set_model(Model())
    stops = []
    for epoch, value in enumerate(values, first):
        callback.model.weights = [epoch]
        callback.on_epoch_end(epoch, {name: value})
        stops += [epoch] if callback.model.stop_training else []
        callback.model.stop_training = False
    return stops


def test_the_constructor_leaves_it_ready():
    stop = EarlyStopping("loss", patience=2, restore_best_weights=True)
    assert tell(stop, [3, 1, 2, 2]) == [3]
    stop.on_train_end()
    assert stop.model.weights == [1]


def test_on_train_begin_makes_it_ready_anew():
    stop = EarlyStopping("loss", patience=2)
    tell(stop, [1, 2])
    stop.on_train_begin()
    assert (stop.best, stop.best_epoch, stop.wait) == (None, None, 0)
    assert tell(stop, [5, 6, 6]) == [2]


def test_the_best_value_and_the_wait_can_be_set():
    stop = EarlyStopping("loss", patience=3, mode="min")
    stop.set_model(Model())
    stop.on_train_begin()
    stop.best, stop.wait, stop.best_epoch = np.float32(1.0), 1, 4
    assert (stop.best, type(stop.best), stop.best_epoch) == (1.0, float, 4)
    assert tell(stop, [2.0, 2.0], first=5) == [6]
    stop.best = None
    assert tell(stop, [9.0], first=7) == []
    assert stop.best == 9.0


def test_an_unknown_direction_by_hand_is_an_error_at_the_first_epoch():
    with pytest.raises(ArgumentError, match="Pass mode='max' or mode='min'"):
        tell(EarlyStopping("pearson"), [1.0], "pearson")


def test_what_is_set_while_it_trains_takes_effect():
    stop = EarlyStopping("loss", patience=9)
    assert tell(stop, [1, 2, 3]) == []
    stop.patience = 3
    assert tell(stop, [4], first=3) == [3]
    stop.mode = "max"
    assert tell(stop, [5], first=4) == []
    assert stop.best == 5
