"""ReduceLROnPlateau: Keras 3.15's arithmetic."""

import math
from types import SimpleNamespace

import numpy as np
import pytest

from onfit.callbacks.reduce_lr_on_plateau import ReduceLROnPlateau
from onfit.core import Run
from onfit.core.logs import Logs
from onfit.errors import (
    ArgumentError,
    ArgumentTypeError,
    CapabilityError,
    MissingMetricError,
    OnfitWarning,
)

NAN = float("nan")


def a_model(rate=1.0):
    return SimpleNamespace(stop_training=False, optimizer=SimpleNamespace(learning_rate=rate))


def begun(rate=1.0, params=None, **arguments):
    """A callback at the start of a run."""
    callback = ReduceLROnPlateau(**{"monitor": "loss", "factor": 0.5, "patience": 1, **arguments})
    callback.set_params(params or {})
    callback.set_model(a_model(rate))
    callback.on_train_begin({})
    return callback


def tell(callback, values, name="loss"):
    """The rate after each epoch."""
    seen = []
    for epoch, value in enumerate(values):
        callback.on_epoch_end(epoch, {name: value})
        seen.append(callback.model.optimizer.learning_rate)
    return seen


def test_the_rate_falls_after_patience_epochs_without_improvement():
    assert tell(begun(patience=2), [5, 5, 5, 5, 5, 5]) == [1, 1, 0.5, 0.5, 0.25, 0.25]


def test_an_improvement_begins_the_wait_anew():
    assert tell(begun(patience=2), [5, 5, 4, 4, 4]) == [1, 1, 1, 1, 0.5]


def test_patience_0_and_1_are_the_same():
    values = [5, 5, 4, 6, 3]
    assert tell(begun(patience=0), values) == tell(begun(patience=1), values) == [
        1, 0.5, 0.5, 0.25, 0.25,
    ]  # fmt: skip


def test_better_by_exactly_min_delta_is_no_improvement():
    assert tell(begun(min_delta=0.5), [2.0, 1.5]) == [1, 0.5]
    assert tell(begun(min_delta=0.5), [2.0, 1.25]) == [1, 1]
    assert tell(begun(min_delta=0.5, mode="max"), [2.0, 2.5]) == [1, 0.5]
    assert tell(begun(min_delta=0.5, mode="max"), [2.0, 2.75]) == [1, 1]


def test_the_sign_of_min_delta_is_ignored():
    assert tell(begun(min_delta=-0.5), [2.0, 1.75]) == [1, 0.5]


def test_the_usual_min_delta_is_a_ten_thousandth():
    assert tell(begun(), [1.0, 0.99995]) == [1, 0.5]
    assert tell(begun(), [1.0, 0.9998]) == [1, 1]


def test_a_name_tells_the_direction():
    assert tell(begun(monitor="acc"), [0.5, 0.6, 0.6], name="acc") == [1, 1, 0.5]


def test_the_quantity_is_found_under_its_other_name():
    assert tell(begun(monitor="acc"), [0.5, 0.5], name="accuracy") == [1, 0.5]


def test_a_name_that_tells_no_direction_asks_for_one():
    with pytest.raises(ArgumentError, match=r"Pass mode='max' or mode='min'"):
        begun(monitor="pearson")


def test_a_misspelt_mode_is_refused():
    with pytest.raises(ArgumentError, match=r"mode='mim'\).*Did you mean 'min'\?"):
        ReduceLROnPlateau(mode="mim")


@pytest.mark.parametrize(
    ("cooldown", "expected"),
    [
        (0, [1, 0.5, 0.25, 0.125, 0.0625]),
        (1, [1, 0.5, 0.25, 0.125, 0.0625]),
        (2, [1, 0.5, 0.5, 0.25, 0.25]),
        (3, [1, 0.5, 0.5, 0.5, 0.25]),
    ],
)
def test_a_cooldown_of_n_skips_n_minus_one_epochs(cooldown, expected):
    assert tell(begun(cooldown=cooldown), [5, 5, 5, 5, 5]) == expected


def test_an_improvement_within_the_cooldown_is_kept_as_the_best():
    callback = begun(cooldown=3)
    tell(callback, [5, 5, 3])
    assert callback.best == 3
    assert callback.in_cooldown()


def test_the_rate_never_falls_below_min_lr():
    assert tell(begun(factor=0.1, min_lr=0.05), [5, 5, 5, 5]) == [1, 0.1, 0.05, 0.05]


def test_at_min_lr_the_wait_grows_and_no_reduction_is_said(capsys):
    with pytest.warns(OnfitWarning, match="nothing to lower") as warned:
        callback = begun(rate=0.05, min_lr=0.05, verbose=1, cooldown=5)
    tell(callback, [5, 5, 5, 5])
    assert len(warned) == 1
    assert callback.wait == 3
    assert not callback.in_cooldown()
    assert capsys.readouterr().out == ""


def test_a_rate_held_in_single_precision_counts_as_min_lr(capsys):
    rate = float(np.float32(0.001))
    assert rate > 0.001
    with pytest.warns(OnfitWarning, match=r"min_lr=0.001.* the learning rate is 0.001"):
        callback = begun(rate=rate, min_lr=0.001, verbose=1)
    assert tell(callback, [5, 5]) == [rate, rate]
    assert capsys.readouterr().out == ""


def test_a_reduction_that_changes_nothing_is_not_told(capsys):
    callback = begun(rate=0.0, min_lr=-1, verbose=1)
    assert tell(callback, [5, 5, 5]) == [0, 0, 0]
    assert capsys.readouterr().out == ""


def test_a_nan_is_never_the_best():
    callback = begun(patience=3)
    tell(callback, [NAN, 5.0, 4.0])
    assert callback.best == 4.0
    assert callback.wait == 0


def test_a_nan_is_no_improvement():
    assert tell(begun(patience=2), [5.0, NAN, NAN]) == [1, 1, 0.5]


def test_an_infinite_first_value_is_improved_upon():
    assert tell(begun(), [math.inf, 5.0]) == [1, 1]


def test_the_logs_hold_the_rate_before_the_reduction_as_a_float():
    callback = begun(rate=np.float32(0.5))
    logs = [{"loss": 5}, {"loss": 5}, {"loss": 5}]
    for epoch, epoch_logs in enumerate(logs):
        callback.on_epoch_end(epoch, epoch_logs)
    assert [epoch_logs["learning_rate"] for epoch_logs in logs] == [0.5, 0.5, 0.25]
    assert all(type(epoch_logs["learning_rate"]) is float for epoch_logs in logs)


def test_the_rate_is_written_into_empty_logs_too():
    logs = Logs()
    with pytest.warns(OnfitWarning, match="monitors 'loss'"):
        begun().on_epoch_end(0, logs)
    assert logs == {"learning_rate": 1.0}


def test_the_rate_itself_can_be_monitored():
    callback = begun(monitor="lr", mode="min")
    callback.on_epoch_end(0, {})
    assert callback.best == 1.0


def test_verbose_says_each_reduction_in_the_words_of_the_documents(capsys):
    callback = begun(rate=0.01, factor=0.1, verbose=1)
    callback.on_epoch_end(106, {"loss": 1.0})
    callback.on_epoch_end(107, {"loss": 1.0})
    assert capsys.readouterr().out == (
        "Epoch 00108: ReduceLROnPlateau reducing learning rate to 0.001.\n"
    )


def test_a_rate_in_single_precision_is_said_readably(capsys):
    callback = begun(rate=float(np.float32(0.1)), factor=0.1, verbose=1)
    tell(callback, [5, 5])
    assert "learning rate to 0.01.\n" in capsys.readouterr().out


def test_without_verbose_it_is_quiet(capsys):
    tell(begun(), [5, 5])
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("factor", [1.0, 1.5, -0.1, NAN])
def test_a_factor_that_does_not_lower_is_refused(factor):
    with pytest.raises(ArgumentError, match=r"factor=.*from 0 up to but not including 1"):
        ReduceLROnPlateau(factor=factor)


def test_a_factor_of_0_goes_to_min_lr_at_once():
    assert tell(begun(factor=0, min_lr=0.25), [5, 5]) == [1, 0.25]


def test_epsilon_is_min_delta_with_a_word_about_it():
    with pytest.warns(OnfitWarning, match=r"Write min_delta=0\.5") as told:
        assert ReduceLROnPlateau(epsilon=0.5).min_delta == 0.5
    assert len(told) == 1
    assert told[0].filename == __file__
    with pytest.warns(OnfitWarning):
        callback = begun(epsilon=0.5)
    assert tell(callback, [2.0, 1.75]) == [1, 0.5]


def test_an_argument_that_does_not_exist_is_refused():
    with pytest.raises(ArgumentTypeError, match=r"patiense=.*Did you mean 'patience'\?") as caught:
        ReduceLROnPlateau(patiense=3)
    assert str(caught.value).endswith("epsilon, on_missing.")


def test_a_missing_quantity_is_told_once_and_its_epochs_do_not_count():
    callback = begun(patience=2)
    with pytest.warns(OnfitWarning, match=r"ReduceLROnPlateau monitors 'loss'") as told:
        tell(callback, [5, 5, 5], name="lossy")
    assert len(told) == 1
    assert callback.wait == 0
    assert callback.best is None


def test_each_run_is_told_again():
    callback = begun()
    for _ in range(2):
        callback.on_train_begin({})
        with pytest.warns(OnfitWarning, match="ReduceLROnPlateau monitors 'loss'"):
            tell(callback, [5], name="lossy")


def test_a_hook_without_logs_is_an_epoch_without_the_quantity():
    with pytest.warns(OnfitWarning, match="ReduceLROnPlateau monitors 'loss'"):
        begun().on_epoch_end(0, None)


def test_the_arguments_are_those_of_keras():
    by_default = ReduceLROnPlateau()
    assert (by_default.monitor, by_default.factor, by_default.patience) == ("val_loss", 0.1, 10)
    assert (by_default.verbose, by_default.mode, by_default.min_delta) == (0, "auto", 1e-4)
    assert (by_default.cooldown, by_default.min_lr) == (0, 0)
    by_position = ReduceLROnPlateau("acc", 0.5, 3, 1, "max", 0.25, 2, 0.125)
    assert (by_position.min_delta, by_position.cooldown, by_position.min_lr) == (0.25, 2, 0.125)


def test_before_training_nothing_is_best_and_nothing_cools():
    callback = ReduceLROnPlateau()
    assert (callback.best, callback.wait, callback.in_cooldown()) == (None, 0, False)


def test_on_missing_can_raise():
    with pytest.raises(MissingMetricError, match="'loss'"):
        tell(begun(on_missing="raise"), [5], name="lossy")


def test_an_epoch_without_validation_is_passed_over_in_silence():
    callback = begun(monitor="val_loss", params={"do_validation": True})
    tell(callback, [5, 5])
    assert callback.wait == 0


def test_a_second_run_begins_anew():
    callback = begun(cooldown=5, patience=2)
    tell(callback, [5, 5, 5])
    assert callback.in_cooldown()
    callback.on_train_begin({})
    assert (callback.best, callback.wait, callback.in_cooldown()) == (None, 0, False)
    callback.model.optimizer.learning_rate = 1.0
    assert tell(callback, [9, 9, 9]) == [1, 1, 0.5]


def test_a_model_without_an_optimizer_is_refused_before_training():
    with (
        pytest.raises(CapabilityError, match=r"ReduceLROnPlateau\(\) needs optimizer"),
        Run(SimpleNamespace(), ReduceLROnPlateau()),
    ):
        pass


# --- hooks that a loop calls by hand ---------------------------------------------------------


def by_hand(rate=1.0, **arguments):
    callback = ReduceLROnPlateau(**{"monitor": "loss", "factor": 0.5, "patience": 1, **arguments})
    callback.set_model(a_model(rate))
    return callback


def test_the_constructor_leaves_it_ready():
    assert tell(by_hand(), [5, 5, 4, 4]) == [1, 0.5, 0.5, 0.25]


def test_the_best_value_and_the_wait_can_be_set():
    callback = by_hand(patience=3, mode="min")
    callback.best, callback.wait = 4, 2
    assert (callback.best, callback.wait) == (4.0, 2)
    assert tell(callback, [5, 3]) == [0.5, 0.5]
    callback.best = None
    assert tell(callback, [9]) == [0.5]
    assert (callback.best, callback.wait) == (9, 0)


def test_a_rate_that_cannot_be_lowered_is_said_once_by_hand_too():
    callback = by_hand(rate=0.001, min_lr=0.001)
    with pytest.warns(OnfitWarning, match=r"min_lr=0\.001.*Pass a min_lr below the rate") as warned:
        tell(callback, [1.0] * 6)
    assert len(warned) == 1


def test_a_rate_that_was_lowered_to_min_lr_is_not_said():
    assert tell(by_hand(rate=0.2, min_lr=0.1), [1.0] * 4) == [0.2, 0.1, 0.1, 0.1]


def test_each_run_says_it_anew():
    for _ in range(2):
        with pytest.warns(OnfitWarning, match="nothing to lower"):
            begun(rate=0.001, min_lr=0.01)
