"""Ratios: only within a round, then the median over the rounds."""

import pytest
from bench.contenders import BASELINE
from bench.ratios import Results, Spread, close


def results(*rounds):
    """Rounds of a group "mlp", each as {name: seconds or figures}."""
    figures = [
        {name: one if isinstance(one, dict) else {"seconds": one} for name, one in each.items()}
        for each in rounds
    ]
    return Results({"rounds": [{"figures": {"mlp": one}} for one in figures]})


def test_a_ratio_compares_figures_of_the_same_round():
    # The second round was twice as slow for both: the ratio does not notice.
    found = results({"onfit": 0.8, BASELINE: 1.0}, {"onfit": 1.6, BASELINE: 2.0})
    assert found.ratio("mlp", "onfit") == Spread(0.8, 0.8, 0.8)


def test_the_tuned_loop_of_the_same_process_is_what_counts():
    one = {"onfit": {"seconds": 0.8, "plain": 1.6}, "other": {"seconds": 0.5, "plain": 0.5}}
    found = results({**one, BASELINE: 1.0})
    assert found.to_tuned("mlp", "onfit") == Spread(0.5, 0.5, 0.5)
    assert found.to_tuned("mlp", BASELINE) == Spread(1.0, 1.0, 1.0)
    assert found.beside("mlp", "onfit", "other") == Spread(0.5, 0.5, 0.5)
    assert found.beside("mlp", "onfit", BASELINE) == Spread(0.5, 0.5, 0.5)


def test_an_older_run_is_compared_with_the_tuned_loops_own_process():
    found = results({"onfit": 0.8, "other": 1.6, BASELINE: 1.0})
    assert found.to_tuned("mlp", "onfit") == Spread(0.8, 0.8, 0.8)
    assert found.beside("mlp", "onfit", "other") == Spread(0.5, 0.5, 0.5)


def test_a_spread_is_the_median_with_the_least_and_the_most():
    assert Spread.of([3.0, 1.0, 1.5]) == Spread(1.5, 1.0, 3.0)


def test_no_figures_have_no_spread():
    assert Spread.of([]) is None


def test_a_round_without_one_of_the_two_figures_does_not_count():
    found = results({"onfit": 0.8, BASELINE: 1.0}, {"onfit": 9.0}, {BASELINE: {"error": "broke"}})
    assert found.ratio("mlp", "onfit") == Spread(0.8, 0.8, 0.8)


def test_what_was_never_measured_has_no_ratio():
    assert results({BASELINE: 1.0}).ratio("conv", "onfit") is None


def test_a_failure_in_any_round_is_found():
    found = results({"onfit": 1.0}, {"onfit": {"error": "broke"}})
    assert found.error("mlp", "onfit") == "broke"
    assert found.error("mlp", BASELINE) is None


@pytest.mark.parametrize(
    ("losses", "same"),
    [
        ([1.0, 0.5], True),
        ([1.0009, 0.5], True),
        ([1.0011, 0.5], False),
        ([1.0], False),
        ([1.0, float("nan")], False),
    ],
)
def test_losses_agree_to_a_thousandth(losses, same):
    assert close(losses, [1.0, 0.5]) is same


def test_losses_have_to_agree_in_every_round():
    good = {"onfit": {"losses": [1.0]}, BASELINE: {"losses": [1.0]}}
    bad = {"onfit": {"losses": [1.1]}, BASELINE: {"losses": [1.0]}}
    assert results(good, good).losses_agree("mlp", "onfit") is True
    assert results(good, bad).losses_agree("mlp", "onfit") is False
    assert results({"onfit": 1.0}).losses_agree("mlp", "onfit") is None
