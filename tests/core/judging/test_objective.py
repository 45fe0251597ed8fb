"""Objective, Best, and which way is better."""

import math
import operator

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from onfit.callbacks import EarlyStopping, ModelCheckpoint, ReduceLROnPlateau
from onfit.core.judging.objective import (
    Best,
    Objective,
    check_mode,
    direction_by_name,
    resolve_mode,
)
from onfit.errors import ArgumentError

numbers = st.floats(allow_nan=False, allow_infinity=False, width=32)
deltas = st.floats(min_value=-10, max_value=10, allow_nan=False)
modes = st.sampled_from(["min", "max"])


@given(modes, numbers)
def test_a_tie_is_no_improvement(mode, value):
    assert not Objective(mode).better(value, than=value)


@given(modes, numbers)
def test_anything_improves_on_nothing(mode, value):
    assert Objective(mode).better(value, than=None)


@given(modes, st.one_of(st.none(), st.floats()))
def test_nan_never_improves(mode, than):
    assert not Objective(mode).better(math.nan, than=than)


@given(modes, deltas, numbers, numbers)
def test_two_values_never_improve_on_each_other(mode, min_delta, a, b):
    objective = Objective(mode, min_delta)
    assert not (objective.better(a, than=b) and objective.better(b, than=a))


@given(numbers, numbers)
def test_without_min_delta_of_two_different_values_one_is_better(a, b):
    assert Objective("min").better(a, than=b) == (a < b)
    assert Objective("max").better(a, than=b) == (a > b)


@given(deltas, numbers, numbers)
def test_max_mirrors_min(min_delta, a, b):
    assert Objective("min", min_delta).better(a, b) == Objective("max", min_delta).better(-a, -b)


@given(modes, deltas, numbers, numbers)
def test_the_sign_of_min_delta_does_not_matter(mode, min_delta, a, b):
    assert Objective(mode, min_delta).better(a, b) == Objective(mode, -min_delta).better(a, b)


@given(modes, st.floats(0, 10), st.floats(0, 10), numbers, numbers)
def test_a_larger_min_delta_asks_for_more(mode, small, more, a, b):
    if Objective(mode, small + more).better(a, b):
        assert Objective(mode, small).better(a, b)


def test_an_improvement_by_exactly_min_delta_is_none():
    assert not Objective("min", 0.5).better(0.5, than=1.0)
    assert Objective("min", 0.5).better(0.499, than=1.0)
    assert not Objective("max", 0.5).better(1.5, than=1.0)
    assert Objective("max", 0.5).better(1.501, than=1.0)


def test_infinity_is_a_value_like_any_other():
    assert Objective("max").better(math.inf, than=1e308)
    assert Objective("min").better(1.0, than=math.inf)
    assert not Objective("min").better(math.inf, than=1.0)


def test_best_takes_value_and_epoch_and_leaves_the_wait():
    best = Best()
    assert (best.value, best.epoch, best.wait) == (None, None, 0)
    best.wait = 4
    best.accept(0.5, epoch=7)
    assert (best.value, best.epoch, best.wait) == (0.5, 7, 4)


@pytest.mark.parametrize(
    "name",
    [
        "acc", "accuracy", "val_acc", "val_accuracy", "digits_acc", "binary_accuracy", "top_k_acc",
        "auc", "val_auc", "f1", "f1_score", "val_f1", "fmeasure", "precision", "recall",
        "mean_iou", "iou", "dice", "r2", "r2_score", "cosine_similarity", "cosine_proximity",
        "cosine", "sensitivity", "specificity", "mAP", "bleu", "AUC", "val-acc", "metrics/acc",
    ],
)  # fmt: skip
def test_these_grow(name):
    assert direction_by_name(name) == "max"


@pytest.mark.parametrize(
    "name",
    [
        "loss", "val_loss", "digits_loss", "error", "mse", "MSE", "mean_squared_error", "rmse",
        "mae", "mape", "msle", "binary_crossentropy", "bce", "nll", "perplexity", "hinge",
        "poisson", "kld", "kl_divergence", "wer", "log_cosh", "val_mean_absolute_error",
    ],
)  # fmt: skip
def test_these_shrink(name):
    assert direction_by_name(name) == "min"


@pytest.mark.parametrize(
    "name", ["pearson", "learning_rate", "x", "", "accelerate", "log_loss_score"]
)
def test_these_tell_nothing(name):
    assert direction_by_name(name) is None


@pytest.mark.parametrize("mode", ["auto", "min", "max"])
def test_a_known_mode_passes(mode):
    check_mode(mode, "EarlyStopping")


def test_an_unknown_mode_is_an_error_that_helps():
    with pytest.raises(ArgumentError) as caught:
        check_mode("mni", "EarlyStopping")
    assert str(caught.value) == (
        "EarlyStopping(mode='mni'): mode is one of 'auto', 'min', 'max'. Did you mean 'min'?"
    )


class Asked:
    metrics_names = ("loss", "pearson")

    def __init__(self, answer):
        self.answer = answer

    def metric_direction(self, name):
        return self.answer


def test_a_mode_that_was_told_is_taken():
    assert resolve_mode("max", "loss", "X", Asked("min")) == "max"
    assert resolve_mode("min", "acc", "X", Asked("max")) == "min"


def test_the_metric_is_asked_before_its_name():
    assert resolve_mode("auto", "loss", "X", Asked("max")) == "max"
    assert resolve_mode("auto", "loss", "X", Asked(None)) == "min"
    assert resolve_mode("auto", "acc", "X") == "max"


def test_a_direction_nobody_knows_is_an_error_that_says_what_to_pass():
    with pytest.raises(ArgumentError) as caught:
        resolve_mode("auto", "val_person", "EarlyStopping", Asked(None))
    text = str(caught.value)
    assert "EarlyStopping(monitor='val_person')" in text
    assert "no metric of this model is called so. Did you mean 'val_pearson'?" in text
    assert "pass mode='max' or mode='min'" in text


def test_a_name_like_no_other_whose_direction_nobody_knows_is_told_so():
    with pytest.raises(ArgumentError, match="nothing says whether 'gain' should grow or shrink"):
        resolve_mode("auto", "gain", "EarlyStopping", Asked(None))


# --- monitor_op ------------------------------------------------------------------------------

MONITORING = [EarlyStopping, ReduceLROnPlateau, lambda **more: ModelCheckpoint("x.h5", **more)]


@pytest.mark.parametrize("make", MONITORING)
def test_monitor_op_says_which_of_two_values_is_better(make):
    assert make(monitor="val_loss").monitor_op is operator.lt
    assert make(monitor="val_acc").monitor_op is operator.gt
    assert make(monitor="pearson", mode="max").monitor_op is operator.gt
    assert make(monitor="pearson").monitor_op is None


@pytest.mark.parametrize("make", MONITORING)
def test_a_monitor_op_that_is_set_is_the_direction(make):
    callback = make(monitor="pearson")
    callback.monitor_op = np.greater
    assert callback.mode == "max"
    callback.monitor_op = lambda value, best: value < best
    assert callback.monitor_op is operator.lt


def test_of_several_quantities_monitor_op_is_the_first_ones():
    assert EarlyStopping(["val_acc", "val_loss"]).monitor_op is operator.gt
    assert EarlyStopping(["a", "b"], mode=["min", "max"]).monitor_op is operator.lt


def test_a_monitor_op_that_tells_no_direction_is_an_error():
    with pytest.raises(ArgumentError, match=r"EarlyStopping.monitor_op = .*operator.gt"):
        EarlyStopping().monitor_op = operator.eq


def test_a_subclass_compares_with_monitor_op():
    class Mine(EarlyStopping):
        def on_epoch_end(self, epoch, logs=None):
            self.seen = self.monitor_op(logs["val_loss"], 1.0)

    callback = Mine()
    callback.on_epoch_end(0, {"val_loss": 0.5})
    assert callback.seen
